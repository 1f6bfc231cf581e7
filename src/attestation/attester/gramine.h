// Evidence inside an SGX enclave that Gramine runs: report data is written to one pseudo-file and the quote read from
// another. The pair is shared by the whole process, so is the lock across both.
// https://gramine.readthedocs.io/en/stable/attestation.html
#pragma once

#include <memory>
#include <string>

#include "attestation/attester/attester.h"
#include "attestation/attester/device_files.h"

namespace blindai::attester {

inline constexpr const char* kGramineRoot = "/dev/attestation";

class GramineAttester final : public Attester {
 public:
  // Codes: no-device (not inside Gramine), attester-unavailable (attestation is off there: gramine-direct, or
  // sgx.remote_attestation is none or epid).
  static base::Result<std::unique_ptr<GramineAttester>> Open(std::unique_ptr<DeviceFiles> files,
                                                             std::string root = kGramineRoot);

  evidence::TeeKind kind() const override { return evidence::TeeKind::kSgx; }
  base::Result<evidence::EvidenceBundle> Attest(const evidence::ReportData& report_data,
                                                Deadline deadline) override;

 private:
  GramineAttester(std::unique_ptr<DeviceFiles> files, std::string root)
      : files_(std::move(files)), root_(std::move(root)) {}

  const std::unique_ptr<DeviceFiles> files_;
  const std::string root_;
};

}  // namespace blindai::attester
