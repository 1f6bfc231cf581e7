// Evidence through Linux's configfs-tsm (6.7 and later), for SEV-SNP and TDX: files only. An entry is a
// directory; the report data is written to `inblob`, the evidence read from `outblob`, a certificate table
// from `auxblob`. `generation` counts the writes: if it is not what our own writes make it, somebody else
// wrote in between, and the evidence may answer another question, so it is asked again.
// https://docs.kernel.org/admin-guide/abi-testing.html (tsm/report)
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "attestation/attester/attester.h"
#include "attestation/attester/device_files.h"

namespace blindai::attester {

inline constexpr const char* kTsmReportRoot = "/sys/kernel/config/tsm/report";

class ConfigfsTsmAttester final : public Attester {
 public:
  // Makes an entry and reads which hardware answers. Codes: no-device (there is no configfs-tsm),
  // attester-unavailable (it is there and does not work, or belongs to hardware that we do not know).
  static base::Result<std::unique_ptr<ConfigfsTsmAttester>> Open(std::unique_ptr<DeviceFiles> files,
                                                                 std::string root = kTsmReportRoot);

  evidence::TeeKind kind() const override { return kind_; }
  base::Result<evidence::EvidenceBundle> Attest(const evidence::ReportData& report_data,
                                                Deadline deadline) override;

 private:
  ConfigfsTsmAttester(std::unique_ptr<DeviceFiles> files, std::string root, evidence::TeeKind kind);

  const std::unique_ptr<DeviceFiles> files_;
  const std::string root_;
  const evidence::TeeKind kind_;
  std::mutex mutex_;  // the platform makes one at a time
  std::uint64_t entries_made_ = 0;
};

}  // namespace blindai::attester
