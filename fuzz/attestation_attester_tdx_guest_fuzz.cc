// rooms: base attestation/evidence attestation/attester
// The host's quote generation service says anything at all: what comes out of it as evidence is a quote over the report
// data that was asked, and nothing else. Input: what the service sends, length included.
#include <algorithm>
#include <cerrno>

#include "attestation/attester/tdx_guest.h"
#include "attestation/evidence/dcap_quote.h"
#include "base/check.h"

namespace {

using namespace blindai;

class Device final : public attester::DeviceControl {
 public:
  int Call(unsigned long, void* argument) override {
    auto& request = *static_cast<attester::tdx_guest::ReportRequest*>(argument);
    request.td_report[0] = 0x81;
    std::copy(std::begin(request.report_data), std::end(request.report_data), request.td_report + 128);
    return 0;
  }
};

class Service final : public attester::ByteStream {
 public:
  explicit Service(base::ByteView answer) : answer_(answer) {}
  int Write(base::ByteView, Deadline) override { return 0; }
  int Read(std::span<std::uint8_t> into, Deadline) override {
    if (into.size() > answer_.size()) return ECONNRESET;
    std::copy_n(answer_.begin(), into.size(), into.begin());
    answer_ = answer_.subspan(into.size());
    return 0;
  }

 private:
  base::ByteView answer_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView answer(data, size);
  attester::TdxGuestAttester attester(
      std::make_unique<Device>(),
      [answer](attester::ByteStream::Deadline, std::unique_ptr<attester::ByteStream>& out) {
        out = std::make_unique<Service>(answer);
        return 0;
      });
  evidence::ReportData report_data;
  report_data.bytes.fill(0x33);
  const auto bundle = attester.Attest(report_data, attester::Attester::Deadline::max());
  if (!bundle.ok()) {
    BLINDAI_CHECK(bundle.error().kind == base::ErrorKind::kUnavailable);
    return 0;
  }
  const auto quote = evidence::ParseDcapQuote(bundle->evidence);
  BLINDAI_CHECK(quote.ok() && quote->report_data() == report_data);
  return 0;
}
