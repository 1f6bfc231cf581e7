// A machine with /dev/tdx_guest and a quote generation service behind vsock: the device's TDREPORT is true, the
// service's quote is signed by the test's own Intel, and each of them can fail in the ways that the real ones do.
#pragma once

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>

#include "attestation/attester/tdx_guest.h"
#include "base/byte_reader.h"
#include "support/fake_td.h"

namespace blindai::tests {

struct TdxGuestModel {
  const FakeIntel* intel = nullptr;
  FakeQuoteParts parts = FakeIntel::Tdx();

  // The device.
  int busy = 0;  // calls that are interrupted first
  int device_error = 0;
  std::size_t report_bytes = 1024;  // it writes no more of the TDREPORT

  // The service.
  int dial_error = 0;
  int write_error = 0;
  std::size_t answer_bytes = SIZE_MAX;  // then it is silent (ETIMEDOUT), or gone
  bool closes_early = false;
  std::function<void(base::Bytes& framed)> bend;  // of the whole answer, length included

  // What was seen.
  int device_calls = 0;
  base::Bytes request;

  base::Bytes Answer() const {
    base::ByteReader reader(request);
    const auto length = reader.U32Big("length");
    const base::ByteView message = reader.rest();
    const std::size_t header = attester::tdx_guest::kMessageHeaderBytes;
    std::uint32_t error_code = 0x00012003;  // invalid parameter
    base::Bytes quote;
    if (length.ok() && *length == message.size() && message.size() == header + 1024) {
      if (auto made = QuoteOverTdReport(*intel, parts, message.subspan(header))) {
        error_code = 0;
        quote = *std::move(made);
      }
    }
    const auto size = static_cast<std::uint32_t>(header + quote.size());
    base::ByteWriter writer;
    writer.U32Big(size).U16(1).U16(1).U32(1).U32(size).U32(error_code);
    writer.U32(0).U32(static_cast<std::uint32_t>(quote.size())).Append(quote);
    base::Bytes framed = std::move(writer).Take();
    if (bend) bend(framed);
    return framed;
  }
};

class FakeTdxDevice final : public attester::DeviceControl {
 public:
  explicit FakeTdxDevice(TdxGuestModel& model) : model_(model) {}

  int Call(unsigned long request_number, void* argument) override {
    ++model_.device_calls;
    if (request_number != attester::tdx_guest::kGetReport0) return ENOTTY;
    if (model_.busy > 0) {
      --model_.busy;
      return EINTR;
    }
    if (model_.device_error != 0) return model_.device_error;
    auto& request = *static_cast<attester::tdx_guest::ReportRequest*>(argument);
    evidence::TdReport td = std::get<evidence::TdReport>(model_.parts.body);
    std::copy(std::begin(request.report_data), std::end(request.report_data), td.report_data.bytes.begin());
    const base::Bytes report = MakeTdReportLocal(td);
    std::copy_n(report.begin(), std::min(report.size(), model_.report_bytes), request.td_report);
    return 0;
  }

 private:
  TdxGuestModel& model_;
};

class FakeQuoteService final : public attester::ByteStream {
 public:
  explicit FakeQuoteService(TdxGuestModel& model) : model_(model) {}

  int Write(base::ByteView bytes, Deadline) override {
    model_.request.insert(model_.request.end(), bytes.begin(), bytes.end());
    return model_.write_error;
  }
  int Read(std::span<std::uint8_t> into, Deadline) override {
    const base::Bytes answer = model_.Answer();
    const std::size_t there = std::min(answer.size(), model_.answer_bytes);
    if (read_ + into.size() > there) return model_.closes_early ? ECONNRESET : ETIMEDOUT;
    std::copy_n(answer.begin() + static_cast<std::ptrdiff_t>(read_), into.size(), into.begin());
    read_ += into.size();
    return 0;
  }

 private:
  TdxGuestModel& model_;
  std::size_t read_ = 0;
};

inline std::unique_ptr<attester::TdxGuestAttester> MakeTdxGuestAttester(TdxGuestModel& model) {
  return std::make_unique<attester::TdxGuestAttester>(
      std::make_unique<FakeTdxDevice>(model),
      [&model](attester::ByteStream::Deadline, std::unique_ptr<attester::ByteStream>& out) {
        model.request.clear();
        if (model.dial_error == 0) out = std::make_unique<FakeQuoteService>(model);
        return model.dial_error;
      });
}

}  // namespace blindai::tests
