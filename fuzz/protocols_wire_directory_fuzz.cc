// rooms: base protocols/wire
// The law: what decodes, encodes to something that decodes to the same value.
#include "base/check.h"
#include "protocols/wire/directory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const base::ByteView body(data, size);
  if (const auto answer = wire::DecodeSessionAnswer(body); answer.ok()) {
    const auto again = wire::DecodeSessionAnswer(base::AsBytes(wire::EncodeSessionAnswer(*answer)));
    BLINDAI_CHECK(again.ok() && *again == *answer);
  }
  if (const auto report = wire::DecodeServerReport(body); report.ok()) {
    const auto again = wire::DecodeServerReport(base::AsBytes(wire::EncodeServerReport(*report)));
    BLINDAI_CHECK(again.ok() && *again == *report);
  }
  if (const auto answer = wire::DecodeServerReportAnswer(body); answer.ok()) {
    const auto again = wire::DecodeServerReportAnswer(base::AsBytes(wire::EncodeServerReportAnswer(*answer)));
    BLINDAI_CHECK(again.ok() && *again == *answer);
  }
  return 0;
}
