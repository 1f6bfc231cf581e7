// Evidence inside an AWS Nitro enclave: one CBOR request to the Nitro Secure Module. The report data travels as the
// document's user_data. https://github.com/aws/aws-nitro-enclaves-nsm-api
#pragma once

#include <memory>
#include <mutex>

#include "attestation/attester/attester.h"
#include "attestation/attester/device_files.h"

namespace blindai::attester {

inline constexpr const char* kNsmDevice = "/dev/nsm";

class NsmAttester final : public Attester {
 public:
  explicit NsmAttester(std::unique_ptr<DeviceControl> device) : device_(std::move(device)) {}

  evidence::TeeKind kind() const override { return evidence::TeeKind::kNitro; }
  base::Result<evidence::EvidenceBundle> Attest(const evidence::ReportData& report_data,
                                                Deadline deadline) override;

 private:
  base::Result<base::Bytes> Call(base::Bytes request, Deadline deadline);

  const std::unique_ptr<DeviceControl> device_;
  std::mutex mutex_;
};

// The message of the device; public for the tests' model of it.
namespace nsm {

inline constexpr unsigned long kSendMessage = 0xC0200A00;
inline constexpr std::size_t kMaxResponseBytes = 0x3000;

struct Buffer {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
};
struct Message {
  Buffer request;
  Buffer response;  // the device writes how many bytes it used
};
static_assert(sizeof(Message) == 32);

}  // namespace nsm
}  // namespace blindai::attester
