#include "attestation/verifier/offline.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "attestation/attester/simulated.h"
#include "attestation/policy/policy_file.h"
#include "crypto/certificate_builder.h"
#include "encoding/hex.h"
#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::verifier {
namespace {

base::Bytes SimulatedFile() {
  evidence::ReportData report_data;
  report_data.bytes.fill(1);
  return attester::SimulatedAttester().Attest(report_data, {})->evidence;
}

base::Bytes Text(std::string_view text) { return base::CopyBytes(base::AsBytes(text)); }

Verdict Judged(const OfflineQuestion& question) {
  auto verdict = JudgeOffline(question);
  EXPECT_TRUE(verdict.ok()) << verdict.error().message;
  return verdict.ok() ? *verdict : Verdict{};
}

TEST(Offline, SimulatedEvidenceFromAFileIsASimulationAtBest) {
  OfflineQuestion question;
  question.file = SimulatedFile();
  EXPECT_TRUE(Judged(question).Has("simulation"));
  question.allow_simulation = AllowSimulation::kYes;
  EXPECT_EQ(Judged(question).outcome, Outcome::kSimulation);
  EXPECT_TRUE(Judged(question).Has("not-asked"));
}

TEST(Offline, TheEvidenceMayStartAtAnOffset) {
  OfflineQuestion question;
  question.file = Text("header");
  const base::Bytes evidence = SimulatedFile();
  question.file.insert(question.file.end(), evidence.begin(), evidence.end());
  question.offset = 6;
  EXPECT_EQ(Judged(question).tee, evidence::TeeKind::kSimulated);
  question.offset = question.file.size() + 1;
  EXPECT_EQ(JudgeOffline(question).error().code, "offset");
}

TEST(Offline, BytesThatAreNoEvidenceAreRefused) {
  OfflineQuestion question;
  question.file = Text("hello");
  EXPECT_EQ(Judged(question).outcome, Outcome::kRefused);
  EXPECT_TRUE(Judged(question).Has("malformed"));
  EXPECT_EQ(Judged(question).tee, std::nullopt);
}

TEST(Offline, WhatNothingSignsIsUndecided) {
  OfflineQuestion question;
  question.file = Text("\xff\x54\x43\x47");
  EXPECT_EQ(Judged(question).outcome, Outcome::kUndecided);
  EXPECT_TRUE(Judged(question).Has("no-signature"));
}

TEST(Offline, AGivenRootMustBeACertificate) {
  OfflineQuestion question;
  question.file = SimulatedFile();
  question.roots = {Text("no certificate")};
  EXPECT_FALSE(JudgeOffline(question).ok());
}

TEST(Offline, MembersOfJsonFilesAreTakenExactly) {
  const base::Bytes file =
      Text(R"({"a":"text","b":{"c": 1},"tcb_info":"{\"v\":3}","tcb_info_signature":"ab",)"
           R"("qe_identity":"{}","qe_identity_signature":"cd"})");
  EXPECT_EQ(base::AsText(*MemberOfJsonFile(file, "a")), "text");
  EXPECT_EQ(base::AsText(*MemberOfJsonFile(file, "b")), R"({"c": 1})");
  EXPECT_EQ(base::AsText(*MemberOfJsonFile(file, "tcb_info")), R"({"tcbInfo":{"v":3},"signature":"ab"})");
  EXPECT_EQ(base::AsText(*MemberOfJsonFile(file, "qe_identity")),
            R"({"enclaveIdentity":{},"signature":"cd"})");
  EXPECT_EQ(MemberOfJsonFile(file, "z").error().code, "missing-field");
  EXPECT_FALSE(MemberOfJsonFile(Text("[]"), "a").ok());
}

TEST(Offline, EndorsementsThatTheCallerNamesWinOverThoseInTheEnvelope) {
  OfflineQuestion question;
  question.file = Text(
      R"({"version":1,"tee":"simulated","evidence":"AQ==","endorsements":{"leaf":"Aw==","crl":"BA=="}})");
  // A second one of the same name would be refused for that; the envelope's other ones stay.
  question.endorsements = {{"leaf", {9}}};
  EXPECT_EQ(Judged(question).tee, evidence::TeeKind::kSimulated);
  EXPECT_TRUE(Judged(question).Has("malformed")) << "the evidence itself is one byte";
  question.endorsements = {{"leaf", {9}}, {"leaf", {8}}};
  EXPECT_TRUE(Judged(question).Has("malformed"));
}

TEST(Offline, AMemberWhoseSignatureIsNoTextIsTakenAlone) {
  const base::Bytes file = Text(R"({"tcb_info":"{}","tcb_info_signature":1})");
  EXPECT_EQ(base::AsText(*MemberOfJsonFile(file, "tcb_info")), "{}");
}

// ---- The tables of real evidence, as somebody with the files and no policy sees them ----

// accept: authentic, so undecided for want of a policy. policy: the same, or refused for what the table
// names.
void ExpectAsTable(const tests::VectorRow& row, const Verdict& verdict, const std::string& name) {
  SCOPED_TRACE(name + " line " + std::to_string(row.line()) + "\n" + RenderText(verdict));
  const std::string& wanted = row["verdict"];
  if (wanted == "accept") {
    EXPECT_EQ(verdict.outcome, Outcome::kUndecided);
    EXPECT_TRUE(verdict.Has("no-policy"));
    EXPECT_FALSE(verdict.claims.empty());
  } else if (wanted == "reject") {
    EXPECT_EQ(verdict.outcome, Outcome::kRefused);
    EXPECT_TRUE(verdict.Has(row["code"])) << row["code"];
  } else if (wanted == "undecided") {
    EXPECT_EQ(verdict.outcome, Outcome::kUndecided);
    EXPECT_TRUE(verdict.Has(row["code"])) << row["code"];
  } else {
    EXPECT_NE(verdict.outcome, Outcome::kTrusted);
  }
}

base::Time TimeOf(const tests::VectorRow& row, const std::string& column) {
  return row[column].empty() ? base::Time{std::chrono::seconds{1'750'000'000}}
                             : *base::ParseTime(row[column]);
}

// As the command line reads an argument: `FILE.json#field` puts collateral and its signature together.
base::Bytes ReadReference(const std::string& reference) {
  const std::size_t mark = reference.find('#');
  if (mark == std::string::npos) return tests::ReadVector(reference);
  return *MemberOfJsonFile(tests::ReadVector(reference.substr(0, mark)), reference.substr(mark + 1));
}

void AddRole(OfflineQuestion& question, std::string_view role, const std::string& reference) {
  if (!reference.empty()) question.endorsements.push_back({std::string(role), tests::ReadVector(reference)});
}

OfflineQuestion SnpQuestion(const tests::VectorRow& row) {
  OfflineQuestion question;
  question.file = tests::ReadVector(row["report"]);
  AddRole(question, "leaf", row["leaf"]);
  AddRole(question, "chain", row["chain"]);
  question.at = TimeOf(row, "evaluate_at");
  return question;
}

TEST(OfflineVectors, SnpReports) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_snp.tsv")) {
    ExpectAsTable(row, Judged(SnpQuestion(row)), row["report"]);
  }
}

// Files of a cell, joined: the chain of the synthetic quotes is in two.
void AddJoined(OfflineQuestion& question, std::string_view role, const std::string& references) {
  base::Bytes all;
  std::istringstream names(references);
  for (std::string name; names >> name;) {
    const base::Bytes file = ReadReference(name);
    all.insert(all.end(), file.begin(), file.end());
  }
  if (!all.empty()) question.endorsements.push_back({std::string(role), std::move(all)});
}

OfflineQuestion DcapQuestion(const tests::VectorRow& row) {
  OfflineQuestion question;
  question.file = tests::ReadVector(row["quote"]);
  question.offset = static_cast<std::size_t>(std::stoul(row["quote_offset"]));
  AddJoined(question, "pck-chain", row["pck_chain_file"]);
  AddJoined(question, "tcb-info", row["tcb_info"]);
  AddJoined(question, "tcb-chain", row["json_signer_chain"]);
  AddJoined(question, "qe-identity", row["qe_identity"]);
  AddJoined(question, "qe-chain", row["qe_signer_chain"]);
  AddJoined(question, "pck-crl", row["pck_crl"]);
  AddJoined(question, "root-crl", row["root_crl"]);
  AddJoined(question, "crl-chain", row["crl_issuer_chain"]);
  if (row["trusted_root"] != "production") question.roots = {tests::ReadVector(row["trusted_root"])};
  question.at = TimeOf(row, "evaluate_at");
  return question;
}

TEST(OfflineVectors, SgxAndTdxQuotes) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_sgx_tdx.tsv")) {
    ExpectAsTable(row, Judged(DcapQuestion(row)), row["quote"]);
  }
}

// Rows that compare a log with a quote: the log comes beside the quote, as `--event-log`.
TEST(OfflineVectors, BootLogsOfTrustDomains) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  int compared = 0;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_eventlog.tsv")) {
    if (!row["kind"].starts_with("CCEL") || row["compare_with"].empty()) continue;
    OfflineQuestion question;
    question.file = tests::ReadVector(row["compare_with"]);
    question.at = *base::ParseTime("2025-01-01T00:00:00Z");
    AddRole(question, "event-log", row["log"]);
    const Verdict verdict = Judged(question);
    EXPECT_EQ(verdict.Has("replay-mismatch"), row["verdict"] == "reject") << RenderText(verdict);
    EXPECT_EQ(verdict.outcome, row["verdict"] == "reject" ? Outcome::kRefused : Outcome::kUndecided)
        << RenderText(verdict);
    ++compared;
  }
  EXPECT_GE(compared, 2);
}

OfflineQuestion NitroQuestion(const tests::VectorRow& row) {
  OfflineQuestion question;
  question.file = tests::ReadVector(row["document"]);
  question.at = TimeOf(row, "evaluate_at");
  return question;
}

TEST(OfflineVectors, NitroDocuments) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_nitro.tsv")) {
    if (row["code"] == "wrong-root") continue;  // needs other anchors than the makers'
    ExpectAsTable(row, Judged(NitroQuestion(row)), row["document"]);
  }
}

// Files of a TPM row after the first, by the role that their names tell.
void AddTpmParts(OfflineQuestion& question, const std::vector<std::string>& files) {
  for (std::size_t i = 1; i < files.size(); ++i) {
    if (files[i].ends_with("hcl-report.bin")) AddRole(question, "hardware-report", files[i]);
    if (files[i].ends_with("td-quote.bin")) AddRole(question, "td-quote", files[i]);
  }
  if (files.front().find("az-snp-vtpm") == std::string::npos) return;
  if (files.size() > 1) AddRole(question, "leaf", "tpm/trustee-az-snp-vtpm/vcek.pem");
  const bool genoa = files.front().find("genoa") != std::string::npos;
  AddRole(question, "chain",
          genoa ? "snp/go-sev-guest/ask_ark_genoa.pem" : "snp/go-sev-guest/ask_ark_milan.pem");
}

TEST(OfflineVectors, TpmQuotes) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_tpm.tsv")) {
    const std::vector<std::string> files = tests::SplitReferences(row["evidence"]);
    // Certificates alone are no evidence (tpm_test.cc judges them), and a quote and its signature in two files have no
    // envelope.
    if (row["encoding"] == "PEM" || files.front().ends_with(".msg")) continue;
    OfflineQuestion question;
    question.file = tests::ReadVector(files.front());
    AddTpmParts(question, files);
    question.at = TimeOf(row, "evaluate_at");
    if (!row["nonce_hex"].empty() && row["nonce_hex"] != "empty")
      question.nonce = tests::FromHex(row["nonce_hex"]);
    ExpectAsTable(row, Judged(question), row["evidence"]);
  }
}

// ---- The same with a policy file made from the row: accept means trusted, on the day and not after its end ----

std::string Quoted(const std::string& text) { return "[\"" + text + "\"]"; }

// "a,b" as a TOML list.
std::string ListOf(const std::string& words) {
  std::string list;
  std::istringstream parts(words);
  for (std::string word; std::getline(parts, word, ',');)
    list += (list.empty() ? "\"" : ", \"") + word + "\"";
  return "[" + list + "]";
}

// Judges an accepted row by `toml`: trusted; refused when the measurement is another, and one day after its end.
void ExpectTrustedBy(const std::string& toml, const std::string& measurement, const tests::VectorRow& row,
                     OfflineQuestion question, const std::string& name) {
  const auto policy = policy::ParsePolicy(toml);
  ASSERT_TRUE(policy.ok()) << policy.error().message << "\n" << toml;
  question.policy = &*policy;
  Verdict verdict = Judged(question);
  SCOPED_TRACE(name + " line " + std::to_string(row.line()) + "\n" + toml + RenderText(verdict));
  EXPECT_EQ(verdict.outcome, Outcome::kTrusted);

  std::string other = toml;
  other.replace(other.find(measurement), 4, measurement.substr(0, 4) == "0bad" ? "0dab" : "0bad");
  const auto other_policy = policy::ParsePolicy(other);
  question.policy = &*other_policy;
  EXPECT_EQ(Judged(question).outcome, Outcome::kRefused) << "with another measurement in the policy";

  question.policy = &*policy;
  question.at = TimeOf(row, "valid_to") + std::chrono::days{1};
  verdict = Judged(question);
  EXPECT_EQ(verdict.outcome, Outcome::kRefused) << "a day after the end";
  EXPECT_TRUE(verdict.Has("expired")) << RenderText(verdict);
}

TEST(OfflineVectors, AcceptedSnpReportsAreTrustedByAPolicyFile) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  int trusted = 0;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_snp.tsv")) {
    if (row["verdict"] != "accept") continue;
    OfflineQuestion question = SnpQuestion(row);
    std::copy_n(tests::FromHex(row["report_data"]).begin(), 64, question.report_data.emplace().bytes.begin());
    const std::string toml =
        "[[accept]]\ntee = \"snp\"\nmeasurement = " + Quoted(row["measurement"]) +
        "\nminimum_tcb = { Milan = {}, Genoa = {}, Turin = {} }\nhost_data = " + Quoted(row["host_data"]) +
        "\nvmpl_maximum = " + row["vmpl"] + "\n";
    ExpectTrustedBy(toml, row["measurement"], row, question, row["report"]);
    ++trusted;
  }
  EXPECT_GE(trusted, 5);
}

// MRCONFIGID of a TD quote: version 5 has a descriptor of six bytes before the body.
std::string ConfigIdOf(const OfflineQuestion& question, const tests::VectorRow& row) {
  const std::size_t body = question.offset + (row["version"] == "5" ? 54 : 48);
  return tests::ToHex(base::ByteView(question.file).subspan(body + 184, 48));
}

std::string DcapPolicy(const OfflineQuestion& question, const tests::VectorRow& row) {
  std::string toml = "[[accept]]\n";
  if (row["tee"] == "SGX") {
    toml += "tee = \"sgx\"\nmrenclave = " + Quoted(row["measurement"]) + "\n";
  } else {
    toml += "tee = \"tdx\"\nmrtd = " + Quoted(row["measurement"]) + "\n";
    toml += "mr_config_id = \"" + ConfigIdOf(question, row) + "\"\n";
  }
  toml += "tcb_statuses = " + Quoted(row["tcb_status"]) + "\n";
  if (!row["advisories"].empty()) toml += "advisories = " + ListOf(row["advisories"]) + "\n";
  return toml;
}

TEST(OfflineVectors, AcceptedQuotesAreTrustedByAPolicyFile) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  int trusted = 0;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_sgx_tdx.tsv")) {
    // A policy file cannot name the synthetic quote's measurement, which is zero.
    const bool zero = row["measurement"].find_first_not_of('0') == std::string::npos;
    if (row["verdict"] != "accept" || zero) continue;
    OfflineQuestion question = DcapQuestion(row);
    std::copy_n(tests::FromHex(row["report_data"]).begin(), 64, question.report_data.emplace().bytes.begin());
    ExpectTrustedBy(DcapPolicy(question, row), row["measurement"], row, question, row["quote"]);
    ++trusted;
  }
  EXPECT_GE(trusted, 5);
}

TEST(OfflineVectors, BlindaisOwnPolicyJudgesItsOwnQuotesAsItsClientsDid) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  const std::map<std::string, Outcome> wanted = {
      {"sgx/mithril-blindai/legacy_exec_run/quote.bin", Outcome::kTrusted},
      {"sgx/mithril-blindai/pr101_exec_run/quote.bin", Outcome::kTrusted},  // SWHardeningNeeded
      {"sgx/mithril-blindai/pr48_exec_run_debug/quote.bin", Outcome::kRefused}};
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_sgx_tdx.tsv")) {
    if (!wanted.contains(row["quote"]) || row["code"] == "fmspc") continue;
    const auto policy = policy::ParsePolicy("mr_enclave = \"" + row["measurement"] + R"("
allow_debug = false
attributes_flags_hex = "0x4"
attributes_mask_flags_hex = "0xfffffffffffffffd"
attributes_xfrm_hex = "0x3"
attributes_mask_xfrm_hex = "0xffffffffffffff1b"
misc_select_hex = "0x0"
misc_mask_hex = "0xffffffff"
)");
    OfflineQuestion question = DcapQuestion(row);
    question.policy = &*policy;
    const Verdict verdict = Judged(question);
    EXPECT_EQ(verdict.outcome, wanted.at(row["quote"])) << RenderText(verdict);
  }
}

TEST(OfflineVectors, AcceptedNitroDocumentsAreTrustedByAPolicyFile) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  int trusted = 0;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_nitro.tsv")) {
    if (row["verdict"] != "accept") continue;
    const std::string pcr0 = row["nonzero_pcrs"].substr(2, 96);
    const std::string toml = "[[accept]]\ntee = \"nitro\"\npcr.0 = " + Quoted(pcr0) + "\n";
    ExpectTrustedBy(toml, pcr0, row, NitroQuestion(row), row["document"]);
    ++trusted;
  }
  EXPECT_GE(trusted, 3);
}

}  // namespace
}  // namespace blindai::verifier
