#include "attestation/attester/sev_guest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "attestation/attester/snp_bundle.h"
#include "base/byte_reader.h"

namespace blindai::attester {
namespace {

using base::Result;

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kMaxCertificateBytes = 256 * 1024;
constexpr std::chrono::milliseconds kBetweenTries{2};

base::Error Unavailable(const std::string& why) {
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable",
                         "the SEV guest device " + why);
}

// The report in a response: status, size, 24 reserved bytes, report.
Result<base::ByteView> ReportIn(base::ByteView response) {
  base::ByteReader reader(response);
  BLINDAI_TRY(const std::uint32_t status, reader.U32("status"));
  BLINDAI_TRY(const std::uint32_t size, reader.U32("size"));
  BLINDAI_RETURN_IF_ERROR(reader.Skip("reserved", sev_guest::kReportOffset - reader.offset()));
  if (status != 0) return Unavailable(fmt::format("refused the report (status {})", status));
  return reader.Take("report", size);
}

}  // namespace

Result<evidence::EvidenceBundle> SevGuestAttester::Attest(const evidence::ReportData& report_data,
                                                          Deadline deadline) {
  const std::lock_guard lock(mutex_);
  base::Bytes response(sev_guest::kResponseBytes);
  base::Bytes certificates;
  while (std::chrono::steady_clock::now() < deadline) {
    sev_guest::ExtendedReportRequest question;
    std::copy(report_data.bytes.begin(), report_data.bytes.end(), question.user_data);
    question.certificates_address = reinterpret_cast<std::uint64_t>(certificates.data());
    question.certificates_bytes = static_cast<std::uint32_t>(certificates.size());
    sev_guest::Request request;
    request.request_address = reinterpret_cast<std::uint64_t>(&question);
    request.response_address = reinterpret_cast<std::uint64_t>(response.data());

    const int error = device_->Call(sev_guest::kGetExtendedReport, &request);
    if (error == 0) {
      const auto report = ReportIn(response);
      // What the device gives is never the client's mistake.
      if (!report.ok() && report.error().kind == base::ErrorKind::kInvalid)
        return Unavailable("gave a response that cannot be read: " + report.error().message);
      if (!report.ok()) return report.error();
      return MakeSnpBundle(*report, certificates);
    }
    if (request.vmm_error == sev_guest::kVmmInvalidLength) {
      // The host has put the size that it needs into the request: a whole number of pages, and not without end.
      const std::size_t wanted = question.certificates_bytes;
      if (wanted <= certificates.size() || wanted > kMaxCertificateBytes || wanted % kPageBytes != 0) {
        return Unavailable(fmt::format("asks for a certificate table of {} bytes", wanted));
      }
      certificates.assign(wanted, 0);
      continue;
    }
    const bool transient =
        error == EINTR || error == EAGAIN || error == EBUSY || request.vmm_error == sev_guest::kVmmBusy;
    if (!transient)
      return Unavailable(fmt::format("failed (errno {}, firmware error {})", error, request.firmware_error));
    std::this_thread::sleep_for(kBetweenTries);
  }
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-deadline",
                         "the platform gave no evidence in time; try again");
}

}  // namespace blindai::attester
