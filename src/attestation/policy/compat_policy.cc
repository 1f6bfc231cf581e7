#include "attestation/policy/compat_policy.h"

#include <array>

namespace blindai::policy {
namespace {

constexpr std::uint64_t kInit = 1;

constexpr std::array<std::string_view, 8> kKeys = {"mr_enclave",
                                                   "misc_select_hex",
                                                   "misc_mask_hex",
                                                   "attributes_flags_hex",
                                                   "attributes_mask_flags_hex",
                                                   "attributes_xfrm_hex",
                                                   "attributes_mask_xfrm_hex",
                                                   "allow_debug"};

void ReadPair(TomlFields& fields, std::string_view value, std::string_view mask, MaskedBits& out) {
  fields.Bits(value, out.value);
  fields.Bits(mask, out.mask);
}

}  // namespace

bool IsCompatPolicy(const toml::table& file) { return file.contains("mr_enclave"); }

AcceptBlock ReadCompatPolicy(TomlFields& fields) {
  for (const std::string_view key : kKeys) {
    if (!fields.Has(key))
      fields.Wrong("policy-key", "'" + std::string(key) + "' is missing; all eight keys are required");
  }
  SgxRules rules;
  evidence::MrEnclave mrenclave;
  fields.Hex("mr_enclave", mrenclave);
  if (mrenclave.is_zero()) fields.WrongValue("mr_enclave", "is all zeros, which no enclave measures to");
  rules.mrenclave = {mrenclave};
  fields.Flag("allow_debug", rules.allow_debug);
  ReadPair(fields, "attributes_flags_hex", "attributes_mask_flags_hex", rules.attributes_flags);
  rules.attributes_flags.value |= kInit;  // those clients always demanded INIT
  ReadPair(fields, "attributes_xfrm_hex", "attributes_mask_xfrm_hex", rules.attributes_xfrm);
  ReadPair(fields, "misc_select_hex", "misc_mask_hex", rules.misc_select);
  rules.tcb.statuses = {evidence::TcbStatus::kUpToDate, evidence::TcbStatus::kSwHardeningNeeded};
  rules.tcb.any_advisory = true;
  fields.End();
  return {rules, "BlindAI policy", static_cast<int>(fields.line())};
}

}  // namespace blindai::policy
