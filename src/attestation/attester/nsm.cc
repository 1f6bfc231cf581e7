#include "attestation/attester/nsm.h"

#include <fmt/format.h>

#include <cerrno>
#include <thread>

#include "encoding/cbor.h"

namespace blindai::attester {
namespace {

constexpr std::chrono::milliseconds kBetweenTries{2};

base::Error Unavailable(const std::string& why) {
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable",
                         "the Nitro Secure Module " + why);
}

base::Bytes AttestationRequest(const evidence::ReportData& report_data) {
  encoding::CborWriter writer;
  writer.Map(1).Text("Attestation").Map(3);
  writer.Text("user_data").Bytes(report_data.view());
  writer.Text("nonce").Null();
  writer.Text("public_key").Null();
  return std::move(writer).Take();
}

}  // namespace

base::Result<base::Bytes> NsmAttester::Call(base::Bytes request, Deadline deadline) {
  base::Bytes response(nsm::kMaxResponseBytes);
  while (std::chrono::steady_clock::now() < deadline) {
    nsm::Message message{{reinterpret_cast<std::uint64_t>(request.data()), request.size()},
                         {reinterpret_cast<std::uint64_t>(response.data()), response.size()}};
    const int error = device_->Call(nsm::kSendMessage, &message);
    if (error == EINTR || error == EBUSY || error == EAGAIN) {
      std::this_thread::sleep_for(kBetweenTries);
      continue;
    }
    if (error != 0) return Unavailable(fmt::format("failed (errno {})", error));
    if (message.response.bytes > response.size())
      return Unavailable("says that it wrote more than there is room for");
    response.resize(message.response.bytes);
    return response;
  }
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-deadline",
                         "the platform gave no evidence in time; try again");
}

base::Result<evidence::EvidenceBundle> NsmAttester::Attest(const evidence::ReportData& report_data,
                                                           Deadline deadline) {
  const std::lock_guard lock(mutex_);
  BLINDAI_TRY(const base::Bytes response, Call(AttestationRequest(report_data), deadline));
  const auto answer = encoding::ParseCbor(response);
  if (!answer.ok()) return Unavailable("gave an answer that is no CBOR");
  const encoding::CborValue* attestation = answer->Find("Attestation");
  if (attestation == nullptr) return Unavailable("refused the request");
  const auto document = encoding::CborBytesField(*attestation, "document");
  if (!document.ok()) return Unavailable("gave an answer without a document");
  return evidence::EvidenceBundle{kind(), *document, {}};
}

}  // namespace blindai::attester
