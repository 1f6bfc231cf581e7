#include "attestation/attester/tdx_guest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "attestation/evidence/azure_hcl_report.h"
#include "attestation/evidence/dcap_quote.h"
#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace blindai::attester {
namespace {

using base::Bytes;
using base::ByteView;
using base::Result;

constexpr std::chrono::milliseconds kBetweenTries{2};

base::Error Unavailable(const std::string& why) {
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable", why);
}

base::Error ServiceFailed(const std::string& why) {
  return Unavailable("the host's quote generation service " + why);
}

base::Error TooLate() {
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-deadline",
                         "the platform gave no evidence in time; try again");
}

// One step of the talk with the service. What went wrong with a socket is an errno, never the host's words.
base::Status Step(int error, std::string_view step) {
  if (error == 0) return base::Ok();
  if (error == ETIMEDOUT) return TooLate();
  if (error == ECONNRESET || error == EPIPE)
    return ServiceFailed(fmt::format("closed the connection early, at {}", step));
  return ServiceFailed(fmt::format("cannot be reached, at {} (errno {})", step, error));
}

Bytes QuoteRequest(ByteView td_report) {
  const auto size = static_cast<std::uint32_t>(tdx_guest::kMessageHeaderBytes + td_report.size());
  base::ByteWriter writer;
  writer.U32Big(size);
  writer.U16(tdx_guest::kMajorVersion).U16(tdx_guest::kMinorVersion).U32(tdx_guest::kGetQuoteRequest);
  writer.U32(size).U32(0);
  writer.U32(static_cast<std::uint32_t>(td_report.size())).U32(0).Append(td_report);
  return std::move(writer).Take();
}

Result<Bytes> QuoteIn(ByteView answer) {
  base::ByteReader reader(answer);
  BLINDAI_TRY(const std::uint16_t major, reader.U16("major version"));
  BLINDAI_TRY(const std::uint16_t minor, reader.U16("minor version"));
  BLINDAI_TRY(const std::uint32_t type, reader.U32("type"));
  BLINDAI_TRY(const std::uint32_t size, reader.U32("size"));
  BLINDAI_TRY(const std::uint32_t error_code, reader.U32("error code"));
  if (major != tdx_guest::kMajorVersion)
    return ServiceFailed(fmt::format("speaks version {}.{}, 1.x is wanted", major, minor));
  if (error_code != 0) return ServiceFailed(fmt::format("refused the report (error {:#x})", error_code));
  if (type != tdx_guest::kGetQuoteAnswer || size != answer.size())
    return ServiceFailed(fmt::format("answered with a message of type {} and {} bytes", type, size));
  BLINDAI_TRY(const std::uint32_t id_size, reader.U32("key id size"));
  BLINDAI_TRY(const std::uint32_t quote_size, reader.U32("quote size"));
  BLINDAI_RETURN_IF_ERROR(reader.Skip("key id", id_size));
  BLINDAI_TRY(const ByteView quote, reader.Take("quote", quote_size));
  BLINDAI_RETURN_IF_ERROR(reader.End("the answer"));
  return base::CopyBytes(quote);
}

}  // namespace

// TDG.MR.REPORT is local and quick; the kernel may only be interrupted or busy.
Result<Bytes> TdxGuestAttester::TdReport(const evidence::ReportData& report_data, Deadline deadline) {
  while (std::chrono::steady_clock::now() < deadline) {
    tdx_guest::ReportRequest request;
    std::copy(report_data.bytes.begin(), report_data.bytes.end(), request.report_data);
    const int error = device_->Call(tdx_guest::kGetReport0, &request);
    if (error == EINTR || error == EBUSY || error == EAGAIN) {
      std::this_thread::sleep_for(kBetweenTries);
      continue;
    }
    if (error != 0) return Unavailable(fmt::format("the TDX guest device failed (errno {})", error));
    const auto report = evidence::ParseTdReportLocal(request.td_report);
    if (!report.ok() || report->report_data != report_data)
      return Unavailable("the TDX guest device gave no TDREPORT over the report data");
    return Bytes(std::begin(request.td_report), std::end(request.td_report));
  }
  return TooLate();
}

Result<Bytes> TdxGuestAttester::Quote(ByteView td_report, Deadline deadline) {
  std::unique_ptr<ByteStream> service;
  BLINDAI_RETURN_IF_ERROR(Step(quote_service_(deadline, service), "connecting"));
  BLINDAI_RETURN_IF_ERROR(Step(service->Write(QuoteRequest(td_report), deadline), "the request"));
  std::array<std::uint8_t, 4> prefix{};
  BLINDAI_RETURN_IF_ERROR(Step(service->Read(prefix, deadline), "the answer's length"));
  BLINDAI_TRY(const std::uint32_t size, base::ByteReader(prefix).U32Big("length"));
  if (size > tdx_guest::kMaxAnswerBytes) {
    return ServiceFailed(
        fmt::format("announces {} bytes, at most {} are wanted", size, tdx_guest::kMaxAnswerBytes));
  }
  Bytes answer(size);
  BLINDAI_RETURN_IF_ERROR(Step(service->Read(answer, deadline), "the answer"));
  Result<Bytes> quote = QuoteIn(answer);
  if (!quote.ok() && quote.error().code == "malformed")
    return ServiceFailed("gave an answer that cannot be read: " + quote.error().message);
  return quote;
}

Result<evidence::EvidenceBundle> TdxGuestAttester::Attest(const evidence::ReportData& report_data,
                                                          Deadline deadline) {
  const std::lock_guard lock(mutex_);
  BLINDAI_TRY(const Bytes td_report, TdReport(report_data, deadline));
  BLINDAI_TRY(Bytes bytes, Quote(td_report, deadline));
  const auto quote = evidence::ParseDcapQuote(bytes);
  if (!quote.ok() || quote->td() == nullptr || quote->td()->report_data != report_data)
    return ServiceFailed("gave no TD quote over the report data");
  return evidence::EvidenceBundle{kind(), std::move(bytes), {}};
}

}  // namespace blindai::attester
