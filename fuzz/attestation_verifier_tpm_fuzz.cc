// rooms: base crypto attestation/evidence attestation/endorsements attestation/policy attestation/verifier
#include <algorithm>

#include "attestation/evidence/tpm_quote.h"
#include "bundle_input.h"

using namespace blindai;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::ReadBundleInput(evidence::TeeKind::kTpm, {data, size});
  if (!input) return 0;
  policy::TpmRules rules;
  if (const auto tpm = evidence::ParseTpmEvidence(input->bundle.evidence); tpm.ok()) {
    for (const auto& pcr : tpm->pcrs) {
      if (pcr.bank != evidence::TpmAlgorithm::kSha256 || pcr.index != 4) continue;
      evidence::PcrSha256 value;
      std::copy(pcr.digest.begin(), pcr.digest.end(), value.bytes.begin());
      rules.pcr_sha256[pcr.index] = {value};
    }
  }
  policy::Policy policy;
  policy.accept.push_back({rules, "", 0});
  fuzz::JudgeBundleInput(*input, policy);
  return 0;
}
