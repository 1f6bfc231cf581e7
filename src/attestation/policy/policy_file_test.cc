#include "attestation/policy/policy_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/paths.h"

namespace blindai::policy {
namespace {

const std::string kHash32(64, 'a');
const std::string kHash48(96, 'b');

std::string Quoted(const std::string& text) { return "[\"" + text + "\"]"; }
std::string Block(const std::string& tee, const std::string& keys) {
  return "[[accept]]\ntee = \"" + tee + "\"\n" + keys + "\n";
}
std::string ErrorOf(const std::string& text) {
  const auto policy = ParsePolicy(text);
  EXPECT_FALSE(policy.ok()) << text;
  return policy.ok() ? "" : policy.error().message;
}

TEST(PolicyFile, EveryExampleOfTheDocumentationLoads) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(tests::SourceDir() / "docs/formats/policies")) {
    const auto policy = ParsePolicy(base::AsText(tests::ReadFile(entry.path())));
    EXPECT_TRUE(policy.ok()) << entry.path() << ": " << policy.error().message;
    ++files;
  }
  EXPECT_GE(files, 8);
}

TEST(PolicyFile, ABlockOfEachKindIsRead) {
  const auto policy = ParsePolicy(
      Block("sgx", "mrenclave = " + Quoted(kHash32)) + Block("tdx", "mrtd = " + Quoted(kHash48)) +
      Block("snp", "measurement = " + Quoted(kHash48) + "\nminimum_tcb.Turin = { snp = 3 }") +
      Block("tpm", "pcr_sha256.4 = " + Quoted(kHash32)) + Block("nitro", "pcr.0 = " + Quoted(kHash48)));
  ASSERT_TRUE(policy.ok()) << policy.error().message;
  ASSERT_EQ(policy->accept.size(), 5U);
  EXPECT_EQ(policy->accept[1].line, 4);
  EXPECT_EQ(std::get<SnpRules>(policy->accept[2].rules).minimum_tcb.at(evidence::SnpProduct::kTurin).snp, 3);
  EXPECT_EQ(std::get<TpmRules>(policy->accept[3].rules).pcr_sha256.at(4).size(), 1U);
  EXPECT_EQ(std::get<NitroRules>(policy->accept[4].rules).maximum_age_s, 300U);
}

TEST(PolicyFile, TheDefaultsAreStrict) {
  const auto policy = ParsePolicy(Block("tdx", "mrtd = " + Quoted(kHash48)));
  const TdxRules& rules = std::get<TdxRules>(policy->accept[0].rules);
  EXPECT_EQ(rules.tcb.statuses, std::vector{evidence::TcbStatus::kUpToDate});
  EXPECT_TRUE(rules.tcb.advisories.empty());
  EXPECT_FALSE(rules.tcb.any_advisory);
  EXPECT_EQ(rules.td_attributes.value, 0x10000000U);
  EXPECT_TRUE(rules.mr_service_td.is_zero());
}

TEST(PolicyFile, EveryKeyOfDcapArrives) {
  const auto policy = ParsePolicy(Block("sgx", "mrsigner = " + Quoted(kHash32) + R"(
isv_prod_id = 1
isv_svn_minimum = 4
allow_debug = true
attributes_flags = "0x1"
attributes_flags_mask = "0x3"
config_svn_minimum = 2
tcb_statuses = ["SWHardeningNeeded"]
advisories = ["INTEL-SA-00615"]
minimum_tcb_date = 2024-03-13
minimum_evaluation_data_number = 17
maximum_collateral_age_days = 30
ppid = ["0102030405060708090a0b0c0d0e0f10"])"));
  ASSERT_TRUE(policy.ok()) << policy.error().message;
  const SgxRules& rules = std::get<SgxRules>(policy->accept[0].rules);
  EXPECT_EQ(rules.isv_svn_minimum, 4);
  EXPECT_TRUE(rules.allow_debug);
  EXPECT_EQ(rules.attributes_flags.mask, 3U);
  EXPECT_EQ(rules.tcb.statuses, std::vector{evidence::TcbStatus::kSwHardeningNeeded});
  EXPECT_EQ(rules.tcb.advisories, std::vector<std::string>{"INTEL-SA-00615"});
  EXPECT_EQ(base::FormatTime(*rules.tcb.minimum_tcb_date), "2024-03-13T00:00:00Z");
  EXPECT_EQ(rules.tcb.maximum_collateral_age_days, 30U);
  EXPECT_EQ(rules.platform.ppid.size(), 1U);
}

TEST(PolicyFile, NothingAcceptedIsAnErrorAndNotAPolicy) {
  EXPECT_EQ(ErrorOf(""), "policy line 1: no [[accept]] block, so nothing would be accepted");
  EXPECT_EQ(ErrorOf(Block("sgx", "mrenclave = []")).substr(0, 42),
            "policy line 3: 'mrenclave' is an empty lis");
  EXPECT_EQ(ErrorOf(Block("sgx", "")).substr(0, 40), "policy line 1: 'mrenclave' is missing, s");
  EXPECT_EQ(ErrorOf(Block("tdx", "")).substr(0, 35), "policy line 1: 'mrtd' is missing, s");
  EXPECT_EQ(ErrorOf(Block("snp", "")).substr(0, 42), "policy line 1: 'measurement' is missing, s");
  EXPECT_EQ(ErrorOf(Block("tpm", "")).substr(0, 41), "policy line 1: 'pcr_sha256' or 'pcr_sha38");
  EXPECT_EQ(ErrorOf(Block("tpm", "pcr_sha256 = {}")).substr(0, 39),
            "policy line 3: 'pcr_sha256' is empty, s");
  EXPECT_EQ(ErrorOf(Block("nitro", "pcr.8 = " + Quoted(kHash48))).substr(0, 49),
            "policy line 1: 'pcr' names none of 0, 1 and 2, wh");
}

TEST(PolicyFile, AValueOfAnotherLengthNamesItsLine) {
  EXPECT_EQ(ErrorOf(Block("sgx", "mrenclave = " + Quoted(kHash48))),
            "policy line 3: 'mrenclave' is not 64 hex digits (it has 96 characters)");
  EXPECT_EQ(ErrorOf(Block("tdx", "mrtd = " + Quoted(kHash32))),
            "policy line 3: 'mrtd' is not 96 hex digits (it has 64 characters)");
  EXPECT_EQ(ErrorOf(Block("nitro", "pcr.0 = " + Quoted(kHash32))),
            "policy line 3: '0' is not 96 hex digits (it has 64 characters)");
}

TEST(PolicyFile, AZeroPcrIsRefusedExceptWhereZeroMeansThatNothingWasPassedIn) {
  const std::string zero32(64, '0');
  EXPECT_EQ(ErrorOf(Block("nitro", "pcr.0 = " + Quoted(std::string(96, '0')))).substr(0, 31),
            "policy line 3: '0' is all zeros");
  EXPECT_EQ(ErrorOf(Block("tpm", "pcr_sha256.4 = " + Quoted(zero32))).substr(0, 31),
            "policy line 3: '4' is all zeros");
  EXPECT_EQ(ErrorOf(Block("sgx", "mrenclave = " + Quoted(zero32))).substr(0, 27),
            "policy line 3: 'mrenclave' ");
  EXPECT_TRUE(ParsePolicy(Block("tpm", "pcr_sha256.12 = " + Quoted(zero32))).ok());
}

TEST(PolicyFile, AMisspeltKeyIsRefusedInEveryTable) {
  EXPECT_EQ(ErrorOf("acept = 1"), "policy line 1: no [[accept]] block, so nothing would be accepted");
  EXPECT_EQ(ErrorOf("version = 1\n" + Block("sgx", "mrenclave = " + Quoted(kHash32))),
            "policy line 1: 'version' is not a key here");
  EXPECT_EQ(ErrorOf(Block("sgx", "mrenclave = " + Quoted(kHash32) + "\nallow_debugs = true")),
            "policy line 4: 'allow_debugs' is not a key here; did you mean 'allow_debug'?");
  EXPECT_EQ(ErrorOf(Block("snp", "measurement = " + Quoted(kHash48) + "\nminimum_tcb.Turin = { ucode = 3 }")),
            "policy line 4: 'ucode' is not a key here");
  EXPECT_EQ(
      ErrorOf(Block("snp", "measurement = " + Quoted(kHash48) + "\nminimum_tcb.Naples = {}")).substr(0, 36),
      "policy line 4: 'Naples' is no produc");
  EXPECT_EQ(ErrorOf(Block("tpm", "pcr_sha256.24 = " + Quoted(kHash32))).substr(0, 37),
            "policy line 3: '24' is no register of");
}

TEST(PolicyFile, AKeyOfAnotherKindIsRefused) {
  EXPECT_EQ(ErrorOf(Block("snp", "measurement = " + Quoted(kHash48) +
                                     "\nminimum_tcb.Turin = {}\nmrtd = " + Quoted(kHash48))),
            "policy line 5: 'mrtd' is not a key here");
}

TEST(PolicyFile, SimulationCannotBeAccepted) {
  EXPECT_EQ(
      ErrorOf(Block("simulated", "")),
      "policy line 2: 'tee' cannot be \"simulated\": no policy accepts simulation, the caller permits it");
  EXPECT_EQ(ErrorOf("simulation = true\n" + Block("sgx", "mrenclave = " + Quoted(kHash32))).substr(0, 28),
            "policy line 1: 'simulation' ");
}

TEST(PolicyFile, AnUnknownOrMissingKindIsRefused) {
  EXPECT_EQ(ErrorOf(Block("SNP", "")).substr(0, 28), "policy line 2: 'tee' is 'SNP");
  EXPECT_EQ(ErrorOf("[[accept]]\nname = \"x\"").substr(0, 30), "policy line 1: 'tee' is missin");
  EXPECT_EQ(ErrorOf("accept = [1]").substr(0, 33), "policy line 1: 'accept' is a list");
}

TEST(PolicyFile, RevokedAndUnknownStatusesCannotBeTolerated) {
  EXPECT_EQ(ErrorOf(Block("tdx", "mrtd = " + Quoted(kHash48) + "\ntcb_statuses = [\"Revoked\"]")),
            "policy line 4: 'tcb_statuses' holds Revoked, which cannot be accepted");
  EXPECT_EQ(ErrorOf(Block("tdx", "mrtd = " + Quoted(kHash48) + "\ntcb_statuses = [\"Fine\"]")).substr(0, 43),
            "policy line 4: 'tcb_statuses' holds 'Fine',");
}

TEST(PolicyFile, ASignerAloneWouldAcceptTooMuch) {
  EXPECT_EQ(ErrorOf(Block("sgx", "mrsigner = " + Quoted(kHash32))).substr(0, 37),
            "policy line 1: 'mrsigner' needs 'isv_");
}

TEST(PolicyFile, WhatIsNoTomlIsSaidWithItsLine) {
  EXPECT_EQ(ParsePolicy("a = 1\nb =").error().code, "policy-syntax");
  EXPECT_EQ(ErrorOf("a = 1\nb =").substr(0, 35), "policy line 2: not valid TOML: Erro");
  EXPECT_EQ(ErrorOf(std::string("a = 1\n[[\0pt]]", 13)),
            "policy line 2: not valid TOML: a control character");
  EXPECT_EQ(ErrorOf("\xef\xbb\xbf"), "policy line 1: no [[accept]] block, so nothing would be accepted");
  EXPECT_TRUE(
      ParsePolicy("# \xc3\xa4\n" + Block("sgx", "name = \"\xc3\xa4\"\nmrenclave = " + Quoted(kHash32))).ok());
  EXPECT_EQ(ParsePolicy(std::string(kMaxPolicyBytes + 1, ' ')).error().code, "too-large");
}

TEST(PolicyFile, AHardwareReportUnderATpmHasTheKeysOfItsKind) {
  const auto policy = ParsePolicy(Block("tpm", "pcr_sha256.4 = " + Quoted(kHash32) +
                                                   "\n[accept.over_snp]\nmeasurement = " + Quoted(kHash48) +
                                                   "\nminimum_tcb.Milan = { snp = 8 }"));
  ASSERT_TRUE(policy.ok()) << policy.error().message;
  EXPECT_TRUE(std::get<TpmRules>(policy->accept[0].rules).over_snp.has_value());
  EXPECT_EQ(ErrorOf(Block("tpm", "pcr_sha256.4 = " + Quoted(kHash32) +
                                     "\n[accept.over_tdx]\nmeasurement = " + Quoted(kHash48)))
                .substr(0, 34),
            "policy line 4: 'mrtd' is missing, ");
}

TEST(PolicyFile, TablesWhereTablesAreWantedAndNumbersInRange) {
  const std::string snp = "measurement = " + Quoted(kHash48) + "\n";
  EXPECT_EQ(ErrorOf(Block("snp", snp + "minimum_tcb = 3")).substr(0, 44),
            "policy line 4: 'minimum_tcb' is not a table ");
  EXPECT_EQ(ErrorOf(Block("snp", snp + "minimum_tcb.Genoa = 3")).substr(0, 38),
            "policy line 4: 'Genoa' is not a table ");
  EXPECT_EQ(ErrorOf(Block("snp", snp + "minimum_tcb.Genoa = { snp = 256 }")),
            "policy line 4: 'snp' is not a whole number from 0 to 255");
  EXPECT_EQ(ErrorOf(Block("snp", snp)).substr(0, 43), "policy line 1: 'minimum_tcb' is missing: it");
  for (const char* name : {"-1", "x", "4x", "99999999999"}) {
    EXPECT_EQ(
        ErrorOf(Block("tpm", std::string("pcr_sha384.") + name + " = " + Quoted(kHash48))).substr(0, 16),
        std::string("policy line 3: '").substr(0, 16));
  }
  EXPECT_EQ(ErrorOf(Block("tpm", "pcr_sha256 = 1")).substr(0, 43),
            "policy line 3: 'pcr_sha256' is not a table ");
  EXPECT_EQ(ErrorOf(Block("nitro", "pcr.16 = " + Quoted(kHash48))).substr(0, 35),
            "policy line 3: '16' is no register ");
  EXPECT_EQ(ErrorOf(Block("sgx", "name = 1\nmrenclave = " + Quoted(kHash32))),
            "policy line 3: 'name' is not a text in quotes");
  EXPECT_EQ(ErrorOf(Block("sgx", "mrsigner = " + Quoted(kHash32) + "\nisv_prod_id = 1")).substr(0, 31),
            "policy line 1: 'mrsigner' needs");
  EXPECT_EQ(ErrorOf("accept = 1").substr(0, 41), "policy line 1: no [[accept]] block, so no");
}

TEST(PolicyFile, NitroMayNameAnyOfTheThreeImageRegisters) {
  for (const char* pcr : {"pcr.0 = ", "pcr.1 = ", "pcr.2 = "}) {
    EXPECT_TRUE(ParsePolicy(Block("nitro", pcr + Quoted(kHash48))).ok()) << pcr;
  }
  EXPECT_TRUE(ParsePolicy(Block("tpm", "pcr_sha384.4 = " + Quoted(kHash48))).ok());
}

TEST(PolicyFile, EveryKeyOfTdxAndSnpArrives) {
  const auto policy =
      ParsePolicy(Block("tdx", "mrtd = " + Quoted(kHash48) + "\nrtmr0 = " + Quoted(kHash48) + R"(
rtmr3 = ["000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"]
mrseam = [")" + kHash48 + R"("]
mr_owner = ")" + kHash48 + R"("
td_attributes = 0
td_attributes_mask = "0xffffffff")") +
                  Block("snp", "measurement = " + Quoted(kHash48) + R"(
minimum_tcb.Turin = { fmc = 1, boot_loader = 2, tee = 3, snp = 4, microcode = 5 }
guest_svn_minimum = 6
vmpl_maximum = 1
abi_major_minimum = 1
abi_minor_minimum = 55
allow_vlek = true
require_alias_check = true
mitigations_required = "0x3"
family_id = "0102030405060708090a0b0c0d0e0f10"
csp_id = ["cloud"])"));
  ASSERT_TRUE(policy.ok()) << policy.error().message;
  const TdxRules& tdx = std::get<TdxRules>(policy->accept[0].rules);
  EXPECT_TRUE(tdx.rtmr.at(3).at(0).is_zero());
  EXPECT_FALSE(tdx.rtmr.contains(1));
  EXPECT_EQ(tdx.mr_owner.bytes[0], 0xbb);
  EXPECT_TRUE(tdx.td_attributes.Accepts(0x100000000));
  const SnpRules& snp = std::get<SnpRules>(policy->accept[1].rules);
  EXPECT_EQ(snp.minimum_tcb.at(evidence::SnpProduct::kTurin).fmc, 1);
  EXPECT_EQ(snp.mitigations_required, 3U);
  EXPECT_EQ(snp.family_id->bytes[15], 0x10);
  EXPECT_EQ(snp.csp_id, std::vector<std::string>{"cloud"});
  EXPECT_TRUE(snp.allow_vlek);
  EXPECT_FALSE(snp.image_id.has_value());
}

// Every key that holds hex text, with the bytes that it wants, in a block that is otherwise right.
struct HexKey {
  const char* tee;
  const char* key;
  std::size_t bytes;
  bool list;
  bool zero_is_right;
};
const HexKey kHexKeys[] = {{"sgx", "mrenclave", 32, true, false},
                           {"sgx", "mrsigner", 32, true, false},
                           {"sgx", "config_id", 64, false, true},
                           {"sgx", "extended_product_id", 16, false, true},
                           {"sgx", "family_id", 16, false, true},
                           {"sgx", "ppid", 16, true, false},
                           {"tdx", "platform_instance_id", 16, true, false},
                           {"tdx", "mrtd", 48, true, false},
                           {"tdx", "rtmr1", 48, true, true},
                           {"tdx", "mrseam", 48, true, false},
                           {"tdx", "mr_config_id", 48, false, true},
                           {"tdx", "mr_owner", 48, false, true},
                           {"tdx", "mr_owner_config", 48, false, true},
                           {"tdx", "mr_service_td", 48, false, true},
                           {"snp", "measurement", 48, true, false},
                           {"snp", "host_data", 32, true, true},
                           {"snp", "family_id", 16, false, true},
                           {"snp", "image_id", 16, false, true},
                           {"snp", "id_key_digest", 48, true, false},
                           {"snp", "author_key_digest", 48, true, false},
                           {"snp", "chip_id", 64, true, false},
                           {"tpm", "pcr_sha256.4", 32, true, false},
                           {"tpm", "pcr_sha384.4", 48, true, false},
                           {"tpm", "ak", 32, true, false},
                           {"tpm", "ek", 32, true, false},
                           {"nitro", "pcr.1", 48, true, false}};

// The block with `value` for the key; what its kind demands besides stands there too, unless it is that key.
std::string BlockWith(const HexKey& key, const std::string& value) {
  const std::pair<std::string, std::string> demanded[] = {{"sgx", "mrenclave = " + Quoted(kHash32)},
                                                          {"tdx", "mrtd = " + Quoted(kHash48)},
                                                          {"snp", "measurement = " + Quoted(kHash48)},
                                                          {"tpm", "pcr_sha256.4 = " + Quoted(kHash32)},
                                                          {"nitro", "pcr.0 = " + Quoted(kHash48)}};
  std::string keys = std::string(key.key) + " = " + (key.list ? Quoted(value) : "\"" + value + "\"");
  for (const auto& [tee, line] : demanded) {
    if (tee == key.tee && !line.starts_with(key.key)) keys += "\n" + line;
  }
  if (key.tee == std::string("snp")) keys += "\nminimum_tcb.Milan = {}";
  if (key.key == std::string("mrsigner")) keys += "\nisv_prod_id = 1\nisv_svn_minimum = 1";
  return Block(key.tee, keys);
}

TEST(PolicyFile, EveryHexKeyWantsItsOwnLength) {
  for (const HexKey& key : kHexKeys) {
    SCOPED_TRACE(std::string(key.tee) + " " + key.key);
    const std::string right(2 * key.bytes, '7');
    const auto policy = ParsePolicy(BlockWith(key, right));
    EXPECT_TRUE(policy.ok()) << policy.error().message;
    for (const std::string& wrong : {right.substr(2), right + "00", right.substr(1), "g" + right.substr(1)}) {
      const std::string error = ErrorOf(BlockWith(key, wrong));
      EXPECT_EQ(error.substr(0, 14), "policy line 3:");
      EXPECT_NE(error.find("is not " + std::to_string(2 * key.bytes) + " hex digits"), std::string::npos)
          << error;
    }
  }
}

TEST(PolicyFile, ZeroIsAValueOnlyWhereItMeansUnused) {
  for (const HexKey& key : kHexKeys) {
    SCOPED_TRACE(std::string(key.tee) + " " + key.key);
    EXPECT_EQ(ParsePolicy(BlockWith(key, std::string(2 * key.bytes, '0'))).ok(), key.zero_is_right);
  }
}

TEST(PolicyFile, AHexKeyIsText) {
  for (const HexKey& key : kHexKeys) {
    SCOPED_TRACE(std::string(key.tee) + " " + key.key);
    std::string block = BlockWith(key, "77");
    const std::string text = key.list ? "[\"77\"]" : "\"77\"";
    block.replace(block.find(text), text.size(), key.list ? "[7]" : "7");
    EXPECT_EQ(ErrorOf(block).substr(0, 14), "policy line 3:");
  }
}

TEST(PolicyFile, EmptyTablesOfRegistersAcceptNothing) {
  EXPECT_EQ(ErrorOf(Block("tpm", "pcr_sha384 = {}")).substr(0, 36), "policy line 3: 'pcr_sha384' is empty");
  EXPECT_EQ(ErrorOf(Block("nitro", "pcr = {}")).substr(0, 29), "policy line 3: 'pcr' is empty");
}

}  // namespace
}  // namespace blindai::policy
