// Evidence through /dev/sev-guest, for kernels without configfs-tsm: the extended report, which brings the host's
// certificate table along. The host says how large the table is (INVALID_LEN) and when it has no time (BUSY).
// Linux include/uapi/linux/sev-guest.h; GHCB specification (AMD 56421), SNP Extended Guest Request.
#pragma once

#include <memory>
#include <mutex>

#include "attestation/attester/attester.h"
#include "attestation/attester/device_files.h"

namespace blindai::attester {

inline constexpr const char* kSevGuestDevice = "/dev/sev-guest";

class SevGuestAttester final : public Attester {
 public:
  explicit SevGuestAttester(std::unique_ptr<DeviceControl> device) : device_(std::move(device)) {}

  evidence::TeeKind kind() const override { return evidence::TeeKind::kSnp; }
  base::Result<evidence::EvidenceBundle> Attest(const evidence::ReportData& report_data,
                                                Deadline deadline) override;

 private:
  const std::unique_ptr<DeviceControl> device_;
  std::mutex mutex_;
};

// The structures of the device, as the kernel lays them out; public for the tests' model of it.
namespace sev_guest {

inline constexpr unsigned long kGetExtendedReport = 0xC0205302;
inline constexpr std::size_t kResponseBytes = 4000;
inline constexpr std::size_t kReportOffset = 0x20;
inline constexpr std::uint32_t kVmmInvalidLength = 1;
inline constexpr std::uint32_t kVmmBusy = 2;

struct Request {
  std::uint8_t msg_version = 1;
  std::uint8_t padding[7] = {};
  std::uint64_t request_address = 0;
  std::uint64_t response_address = 0;
  std::uint32_t firmware_error = 0;  // exitinfo2, low half
  std::uint32_t vmm_error = 0;       // exitinfo2, high half
};
static_assert(sizeof(Request) == 32);

struct ExtendedReportRequest {
  std::uint8_t user_data[64] = {};
  std::uint32_t vmpl = 0;
  std::uint8_t reserved[28] = {};
  std::uint64_t certificates_address = 0;
  std::uint32_t certificates_bytes = 0;
  std::uint32_t padding = 0;
};
static_assert(sizeof(ExtendedReportRequest) == 112);

}  // namespace sev_guest
}  // namespace blindai::attester
