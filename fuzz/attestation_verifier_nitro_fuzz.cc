// rooms: base crypto attestation/evidence attestation/endorsements attestation/policy attestation/verifier
#include "attestation/evidence/nitro_document.h"
#include "bundle_input.h"

using namespace blindai;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::ReadBundleInput(evidence::TeeKind::kNitro, {data, size});
  if (!input) return 0;
  policy::NitroRules rules;
  if (const auto document = evidence::ParseNitroDocument(input->bundle.evidence); document.ok()) {
    for (const auto& [index, pcr] : document->pcrs) {
      if (index < 3) rules.pcr[index] = {pcr};
    }
  }
  policy::Policy policy;
  policy.accept.push_back({rules, "", 0});
  fuzz::JudgeBundleInput(*input, policy);
  return 0;
}
