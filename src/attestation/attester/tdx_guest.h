// Evidence through /dev/tdx_guest, for kernels before configfs-tsm: the device gives a TDREPORT over the report data,
// which only this machine can check, and the host's quote generation service turns it into a quote that everybody can
// (vsock, port 4050 unless the operator chose another).
// Linux include/uapi/linux/tdx-guest.h; Intel's DCAP sources, qgs_msg_lib.h.
//
// The host carries the TDREPORT and cannot change it: the quoting enclave checks its MAC. A quote over something else
// than what was asked is an error here, and would be refused by every client.
#pragma once

#include <memory>
#include <mutex>

#include "attestation/attester/attester.h"
#include "attestation/attester/byte_stream.h"
#include "attestation/attester/device_files.h"

namespace blindai::attester {

inline constexpr const char* kTdxGuestDevice = "/dev/tdx_guest";

class TdxGuestAttester final : public Attester {
 public:
  TdxGuestAttester(std::unique_ptr<DeviceControl> device, Dial quote_service)
      : device_(std::move(device)), quote_service_(std::move(quote_service)) {}

  evidence::TeeKind kind() const override { return evidence::TeeKind::kTdx; }
  base::Result<evidence::EvidenceBundle> Attest(const evidence::ReportData& report_data,
                                                Deadline deadline) override;

 private:
  base::Result<base::Bytes> TdReport(const evidence::ReportData& report_data, Deadline deadline);
  base::Result<base::Bytes> Quote(base::ByteView td_report, Deadline deadline);

  const std::unique_ptr<DeviceControl> device_;
  const Dial quote_service_;
  std::mutex mutex_;
};

// The structures of the device and of the service; public for the tests' model of them.
namespace tdx_guest {

inline constexpr unsigned long kGetReport0 = 0xC4405401;
inline constexpr std::size_t kReportBytes = 1024;

struct ReportRequest {
  std::uint8_t report_data[64] = {};
  std::uint8_t td_report[kReportBytes] = {};
};
static_assert(sizeof(ReportRequest) == 1088);

inline constexpr std::uint32_t kHostContextId = 2;
inline constexpr std::uint32_t kQuoteServicePort = 4050;

// Each message goes after its length in 4 bytes, big-endian. The message itself is little-endian:
//   u16 major, u16 minor, u32 type, u32 size of the message, u32 error code (0 in a request)
//   request: u32 report size, u32 size of a list of key ids (0: any), report
//   answer:  u32 size of the key id that was chosen (0), u32 quote size, quote
inline constexpr std::uint16_t kMajorVersion = 1;
inline constexpr std::uint16_t kMinorVersion = 1;
inline constexpr std::uint32_t kGetQuoteRequest = 0;
inline constexpr std::uint32_t kGetQuoteAnswer = 1;
inline constexpr std::size_t kMessageHeaderBytes = 24;
inline constexpr std::size_t kMaxAnswerBytes = 64 * 1024;

}  // namespace tdx_guest
}  // namespace blindai::attester
