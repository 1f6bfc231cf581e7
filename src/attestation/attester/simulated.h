// The attester of `blindai-server --simulation`: signs simulated evidence with the key that everybody has
// (evidence/simulation_root.h). It never fails and never waits.
#pragma once

#include "attestation/attester/attester.h"
#include "crypto/signing_key.h"

namespace blindai::attester {

class SimulatedAttester final : public Attester {
 public:
  SimulatedAttester();

  evidence::TeeKind kind() const override { return evidence::TeeKind::kSimulated; }
  base::Result<evidence::EvidenceBundle> Attest(const evidence::ReportData& report_data,
                                                Deadline deadline) override;

 private:
  crypto::SigningKey key_;
};

}  // namespace blindai::attester
