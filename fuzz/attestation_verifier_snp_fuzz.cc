// rooms: base crypto attestation/evidence attestation/endorsements attestation/policy attestation/verifier
#include "attestation/evidence/snp_report.h"
#include "bundle_input.h"

using namespace blindai;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::ReadBundleInput(evidence::TeeKind::kSnp, {data, size});
  if (!input) return 0;
  // Rules that accept whatever the report says of itself, so that only authenticity decides.
  policy::SnpRules rules;
  if (const auto report = evidence::ParseSnpReport(input->bundle.evidence); report.ok()) {
    rules.measurement = {report->measurement};
    rules.host_data = {report->host_data};
  }
  rules.minimum_tcb = {{evidence::SnpProduct::kMilan, {}}, {evidence::SnpProduct::kTurin, {}}};
  rules.allow_vlek = true;
  policy::Policy policy;
  policy.accept.push_back({rules, "", 0});
  fuzz::JudgeBundleInput(*input, policy);
  return 0;
}
