#include "attestation/attester/nsm.h"

#include <fmt/format.h>

#include "encoding/cbor.h"

namespace blindai::attester {
namespace {

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

base::Result<evidence::EvidenceBundle> NsmAttester::Attest(const evidence::ReportData& report_data,
                                                           Deadline) {
  const std::lock_guard lock(mutex_);
  base::Bytes request = AttestationRequest(report_data);
  base::Bytes response(nsm::kMaxResponseBytes);
  nsm::Message message{{reinterpret_cast<std::uint64_t>(request.data()), request.size()},
                       {reinterpret_cast<std::uint64_t>(response.data()), response.size()}};
  if (const int error = device_->Call(nsm::kSendMessage, &message); error != 0) {
    return Unavailable(fmt::format("failed (errno {})", error));
  }
  if (message.response.bytes > response.size())
    return Unavailable("says that it wrote more than there is room for");
  response.resize(message.response.bytes);

  const auto answer = encoding::ParseCbor(response);
  if (!answer.ok()) return Unavailable("gave an answer that is no CBOR");
  const encoding::CborValue* attestation = answer->Find("Attestation");
  if (attestation == nullptr) return Unavailable("refused the request");
  const auto document = encoding::CborBytesField(*attestation, "document");
  if (!document.ok()) return Unavailable("gave an answer without a document");
  return evidence::EvidenceBundle{kind(), *document, {}};
}

}  // namespace blindai::attester
