// An attester makes the platform speak: it gives evidence over report data that this program chose. One
// interface for all platforms; main chooses one at start and says which. The endorsements that the platform
// hands out with its evidence come along, so that the client needs one request.
//
// Quotes are slow and serialised by the platform. Attest may block until its deadline and may be called from
// several threads; callers bound how many wait (service/attest).
#pragma once

#include <chrono>

#include "attestation/evidence/evidence_bundle.h"
#include "attestation/evidence/report_data.h"
#include "base/result.h"

namespace blindai::attester {

class Attester {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  virtual ~Attester() = default;
  Attester(const Attester&) = delete;
  Attester& operator=(const Attester&) = delete;

  virtual evidence::TeeKind kind() const = 0;

  // Evidence over exactly this report data. Codes: attester-unavailable (the device failed or is busy),
  // attester-deadline.
  virtual base::Result<evidence::EvidenceBundle> Attest(const evidence::ReportData& report_data,
                                                        Deadline deadline) = 0;

 protected:
  Attester() = default;
};

}  // namespace blindai::attester
