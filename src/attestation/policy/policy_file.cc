#include "attestation/policy/policy_file.h"

#include <charconv>
#include <string>

#include "attestation/policy/compat_policy.h"
#include "attestation/policy/toml_fields.h"

namespace blindai::policy {
namespace {

using evidence::TeeKind;

constexpr int kTpmRegisters = 24;
constexpr int kNitroRegisters = 16;
// A TPM's registers 12 to 15 are zero when nothing was passed in beside the measured image, and a careful
// policy asks for that; the others are never zero on a machine that measured its boot.
constexpr int kFirstRegisterThatMayBeZero = 12;

void ReadDcap(TomlFields& fields, DcapTcbRules& tcb, DcapPlatformRules& platform) {
  std::vector<std::string> statuses;
  fields.TextList("tcb_statuses", statuses);
  if (!statuses.empty()) tcb.statuses.clear();
  for (const std::string& name : statuses) {
    const auto status = evidence::TcbStatusFromName(name);
    if (!status) {
      fields.WrongValue("tcb_statuses",
                        "holds '" + name + "', which is no status of Intel's such as \"UpToDate\"");
    } else if (*status == evidence::TcbStatus::kRevoked) {
      fields.WrongValue("tcb_statuses", "holds Revoked, which cannot be accepted");
    } else {
      tcb.statuses.push_back(*status);
    }
  }
  fields.TextList("advisories", tcb.advisories);
  fields.Date("minimum_tcb_date", tcb.minimum_tcb_date);
  fields.Number("minimum_evaluation_data_number", tcb.minimum_evaluation_data_number);
  fields.Number("maximum_collateral_age_days", tcb.maximum_collateral_age_days);
  fields.HexList("ppid", Zero::kRefused, platform.ppid);
  fields.HexList("platform_instance_id", Zero::kRefused, platform.platform_instance_id);
}

SgxRules ReadSgx(TomlFields& fields) {
  SgxRules rules;
  fields.HexList("mrenclave", Zero::kRefused, rules.mrenclave);
  fields.HexList("mrsigner", Zero::kRefused, rules.mrsigner);
  fields.Number("isv_prod_id", rules.isv_prod_id);
  fields.Number("isv_svn_minimum", rules.isv_svn_minimum);
  if (rules.mrenclave.empty() && rules.mrsigner.empty()) {
    fields.Wrong("policy-key",
                 "'mrenclave' is missing, so nothing would be accepted (or 'mrsigner' with 'isv_prod_id' "
                 "and 'isv_svn_minimum')");
  }
  if (!rules.mrsigner.empty() && (!rules.isv_prod_id || !rules.isv_svn_minimum)) {
    fields.Wrong("policy-key",
                 "'mrsigner' needs 'isv_prod_id' and 'isv_svn_minimum': a signer's other and older "
                 "enclaves would be accepted too");
  }
  fields.Flag("allow_debug", rules.allow_debug);
  fields.Masked("attributes_flags", rules.attributes_flags);
  fields.Masked("attributes_xfrm", rules.attributes_xfrm);
  fields.Masked("misc_select", rules.misc_select);
  fields.Hex("config_id", rules.config_id);
  fields.Number("config_svn_minimum", rules.config_svn_minimum);
  fields.Hex("extended_product_id", rules.extended_product_id);
  fields.Hex("family_id", rules.family_id);
  ReadDcap(fields, rules.tcb, rules.platform);
  return rules;
}

TdxRules ReadTdx(TomlFields& fields) {
  TdxRules rules;
  fields.HexList("mrtd", Zero::kRefused, rules.mrtd);
  if (rules.mrtd.empty()) fields.Wrong("policy-key", "'mrtd' is missing, so nothing would be accepted");
  for (int i = 0; i < 4; ++i) {
    const std::string key = "rtmr" + std::to_string(i);
    // A register that was never extended is zero, and a policy may ask for that.
    if (fields.Has(key)) fields.HexList(key, Zero::kAllowed, rules.rtmr[i]);
    fields.Known(key);
  }
  fields.HexList("mrseam", Zero::kRefused, rules.mrseam);
  fields.Masked("td_attributes", rules.td_attributes);
  fields.Masked("xfam", rules.xfam);
  fields.Hex("mr_config_id", rules.mr_config_id);
  fields.Hex("mr_owner", rules.mr_owner);
  fields.Hex("mr_owner_config", rules.mr_owner_config);
  fields.Hex("mr_service_td", rules.mr_service_td);
  ReadDcap(fields, rules.tcb, rules.platform);
  return rules;
}

evidence::SnpTcb ReadSnpTcb(const toml::table& table, TomlErrors& errors) {
  TomlFields fields(table, errors);
  evidence::SnpTcb tcb;
  fields.Number("fmc", tcb.fmc);
  fields.Number("boot_loader", tcb.boot_loader);
  fields.Number("tee", tcb.tee);
  fields.Number("snp", tcb.snp);
  fields.Number("microcode", tcb.microcode);
  fields.End();
  return tcb;
}

void ReadSnpProducts(TomlFields& fields, SnpRules& rules) {
  const toml::table* products = fields.Table("minimum_tcb");
  if (products == nullptr) return;
  TomlFields of_products(*products, fields.errors());
  for (const std::string& name : of_products.Keys()) {
    const bool known = name == "Milan" || name == "Genoa" || name == "Turin";
    const auto product = known ? evidence::SnpProductFromName(name) : std::nullopt;
    if (!product) {
      of_products.Wrong(
          "policy-key",
          "'" + name + "' is no product; wanted Milan, Genoa (with Bergamo and Siena) or Turin");
      continue;
    }
    if (const toml::table* levels = of_products.Table(name)) {
      rules.minimum_tcb[*product] = ReadSnpTcb(*levels, fields.errors());
    }
  }
}

SnpRules ReadSnp(TomlFields& fields) {
  SnpRules rules;
  fields.HexList("measurement", Zero::kRefused, rules.measurement);
  if (rules.measurement.empty())
    fields.Wrong("policy-key", "'measurement' is missing, so nothing would be accepted");
  ReadSnpProducts(fields, rules);
  if (rules.minimum_tcb.empty()) {
    fields.Wrong("policy-key",
                 "'minimum_tcb' is missing: it names the products that are accepted and their least patch "
                 "levels");
  }
  fields.Number("guest_svn_minimum", rules.guest_svn_minimum);
  fields.Number("vmpl_maximum", rules.vmpl_maximum);
  fields.Number("abi_major_minimum", rules.abi_major_minimum);
  fields.Number("abi_minor_minimum", rules.abi_minor_minimum);
  fields.Flag("allow_debug", rules.allow_debug);
  fields.Flag("allow_smt", rules.allow_smt);
  fields.Flag("allow_migration", rules.allow_migration);
  fields.Flag("require_single_socket", rules.require_single_socket);
  fields.Flag("require_alias_check", rules.require_alias_check);
  fields.Flag("require_ciphertext_hiding", rules.require_ciphertext_hiding);
  fields.Flag("allow_provisional_firmware", rules.allow_provisional_firmware);
  fields.Flag("allow_vlek", rules.allow_vlek);
  fields.Flag("allow_masked_chip_id", rules.allow_masked_chip_id);
  fields.Flag("require_revocation_list", rules.require_revocation_list);
  fields.HexList("host_data", Zero::kAllowed, rules.host_data);
  fields.Hex("family_id", rules.family_id);
  fields.Hex("image_id", rules.image_id);
  fields.HexList("id_key_digest", Zero::kRefused, rules.id_key_digest);
  fields.HexList("author_key_digest", Zero::kRefused, rules.author_key_digest);
  fields.Bits("mitigations_required", rules.mitigations_required);
  fields.HexList("chip_id", Zero::kRefused, rules.chip_id);
  fields.TextList("csp_id", rules.csp_id);
  return rules;
}

// A table from register numbers to lists of values.
template <typename Pcr>
void ReadRegisters(TomlFields& fields, std::string_view key, int registers, int first_that_may_be_zero,
                   std::map<int, std::vector<Pcr>>& out) {
  const toml::table* table = fields.Table(key);
  if (table == nullptr) return;
  TomlFields values(*table, fields.errors());
  if (table->empty())
    values.Wrong("policy-value", "'" + std::string(key) + "' is empty, so nothing would be accepted");
  for (const std::string& name : values.Keys()) {
    int index = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (error != std::errc() || end != name.data() + name.size() || index < 0 || index >= registers) {
      values.Wrong("policy-key", "'" + name + "' is no register of '" + std::string(key) + "'; wanted 0 to " +
                                     std::to_string(registers - 1));
      continue;
    }
    values.HexList(name, index >= first_that_may_be_zero ? Zero::kAllowed : Zero::kRefused, out[index]);
  }
}

// A hardware report under a TPM: the same keys as a block of that kind.
template <typename Rules>
void ReadOver(TomlFields& fields, std::string_view key, Rules (*read)(TomlFields&),
              std::optional<Rules>& out) {
  const toml::table* table = fields.Table(key);
  if (table == nullptr) return;
  TomlFields inner(*table, fields.errors());
  out = read(inner);
  inner.End();
}

TpmRules ReadTpm(TomlFields& fields) {
  TpmRules rules;
  ReadRegisters(fields, "pcr_sha256", kTpmRegisters, kFirstRegisterThatMayBeZero, rules.pcr_sha256);
  ReadRegisters(fields, "pcr_sha384", kTpmRegisters, kFirstRegisterThatMayBeZero, rules.pcr_sha384);
  if (rules.pcr_sha256.empty() && rules.pcr_sha384.empty()) {
    fields.Wrong("policy-key", "'pcr_sha256' or 'pcr_sha384' is missing, so nothing would be accepted");
  }
  fields.HexList("ak", Zero::kRefused, rules.ak);
  fields.HexList("ek", Zero::kRefused, rules.ek);
  fields.Flag("require_event_log", rules.require_event_log);
  fields.Flag("require_secure_boot", rules.require_secure_boot);
  ReadOver(fields, "over_snp", ReadSnp, rules.over_snp);
  ReadOver(fields, "over_tdx", ReadTdx, rules.over_tdx);
  return rules;
}

NitroRules ReadNitro(TomlFields& fields) {
  NitroRules rules;
  ReadRegisters(fields, "pcr", kNitroRegisters, kNitroRegisters, rules.pcr);
  if (!rules.pcr.contains(0) && !rules.pcr.contains(1) && !rules.pcr.contains(2)) {
    fields.Wrong("policy-key",
                 "'pcr' names none of 0, 1 and 2, which measure the image, so any image would be accepted");
  }
  fields.Number("maximum_age_s", rules.maximum_age_s);
  return rules;
}

std::optional<AcceptBlock> ReadBlock(const toml::table& table, TomlErrors& errors) {
  TomlFields fields(table, errors);
  std::string tee;
  AcceptBlock block;
  block.line = static_cast<int>(fields.line());
  fields.Text("tee", tee);
  fields.Text("name", block.name);
  const auto kind = evidence::TeeFromName(tee);
  if (!kind || *kind == TeeKind::kSimulated) {
    fields.WrongValue("tee",
                      tee.empty() ? "is missing; wanted \"sgx\", \"tdx\", \"snp\", \"tpm\" or \"nitro\""
                      : tee == "simulated"
                          ? "cannot be \"simulated\": no policy accepts simulation, the caller permits it"
                          : "is '" + tee + "'; wanted \"sgx\", \"tdx\", \"snp\", \"tpm\" or \"nitro\"");
    return std::nullopt;
  }
  switch (*kind) {
    case TeeKind::kSgx:
      block.rules = ReadSgx(fields);
      break;
    case TeeKind::kTdx:
      block.rules = ReadTdx(fields);
      break;
    case TeeKind::kSnp:
      block.rules = ReadSnp(fields);
      break;
    case TeeKind::kTpm:
      block.rules = ReadTpm(fields);
      break;
    case TeeKind::kNitro:
      block.rules = ReadNitro(fields);
      break;
    case TeeKind::kSimulated:
      break;
  }
  fields.End();
  return block;
}

void ReadBlocks(TomlFields& fields, const toml::table& file, Policy& policy) {
  fields.Known("accept");
  const toml::node* accept = file.get("accept");
  const toml::array* blocks = accept != nullptr ? accept->as_array() : nullptr;
  if (blocks == nullptr || blocks->empty()) {
    return fields.Wrong("policy-key", "no [[accept]] block, so nothing would be accepted");
  }
  for (const toml::node& entry : *blocks) {
    const toml::table* table = entry.as_table();
    if (table == nullptr)
      return fields.WrongValue("accept", "is a list of something else than tables; write [[accept]]");
    if (auto block = ReadBlock(*table, fields.errors())) policy.accept.push_back(std::move(*block));
  }
}

base::Error NotToml(const encoding::TomlTrouble& trouble) {
  return base::Malformed("policy line " + std::to_string(trouble.line) + ": not valid TOML: " + trouble.why,
                         "policy-syntax");
}

}  // namespace

base::Result<Policy> ParsePolicy(std::string_view text) {
  if (text.size() > kMaxPolicyBytes) {
    return base::MakeError(base::ErrorKind::kTooLarge, "too-large",
                           "policy: seen " + std::to_string(text.size()) + " bytes, wanted at most " +
                               std::to_string(kMaxPolicyBytes));
  }
  const encoding::ParsedToml parsed = encoding::ParseToml(text);
  if (parsed.trouble) return NotToml(*parsed.trouble);
  const toml::table& file = parsed.table;
  Policy policy;
  TomlErrors errors;
  TomlFields fields(file, errors);
  if (IsCompatPolicy(file)) {
    policy.accept.push_back(ReadCompatPolicy(fields));
  } else {
    ReadBlocks(fields, file, policy);
    fields.End();
  }
  if (errors.any()) return std::move(errors).Take();
  return policy;
}

}  // namespace blindai::policy
