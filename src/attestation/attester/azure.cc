#include "attestation/attester/azure.h"

#include <fmt/format.h>

#include <thread>

#include "attestation/attester/tpm_evidence.h"
#include "attestation/endorsements/certificate_list.h"
#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/dcap_quote.h"
#include "attestation/evidence/snp_report.h"
#include "encoding/base64.h"
#include "encoding/json.h"

namespace blindai::attester {
namespace {

using base::Bytes;
using base::ByteView;
using base::Result;
using base::Status;
using evidence::HclHardware;
namespace name = endorsements::name;

// The paravisor takes up to some seconds to write a new report.
constexpr std::chrono::milliseconds kBetweenReads{100};
// The host allows some requests a second and says 429 or 5xx when it has no time.
constexpr int kHostAttempts = 3;
constexpr std::chrono::milliseconds kBetweenHostAttempts{200};

base::Error Unavailable(const std::string& why) {
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable", why);
}

base::Error TooLate(const std::string& what) {
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-deadline",
                         what + " did not come in time; try again");
}

Result<evidence::HclReport> ReadHcl(ByteView bytes) {
  auto report = evidence::ParseHclReport(bytes);
  if (!report.ok()) return Unavailable("the paravisor's report cannot be read: " + report.error().message);
  return report;
}

bool IsOver(const evidence::HclReport& report, const evidence::ReportData& report_data) {
  return report.runtime.user_data == base::CopyBytes(report_data.view());
}

bool HasNoTime(int status) { return status == 429 || status >= 500; }

// A member of the JSON that a service answered with. What is wrong with it is the host's mistake and not the client's.
Result<std::string> TextIn(ByteView body, std::string_view member) {
  const auto object = encoding::ParseJsonObject(base::AsText(body));
  if (!object.ok()) return Unavailable("the host's service gave no JSON");
  auto text = encoding::JsonString(*object, member);
  if (!text.ok()) return Unavailable(fmt::format("the host's service gave no {}", member));
  return text;
}

Result<Bytes> CertificatesIn(ByteView body, std::string_view member) {
  BLINDAI_TRY(const std::string text, TextIn(body, member));
  if (!endorsements::ReadCertificates(base::AsBytes(text)).ok())
    return Unavailable(fmt::format("the host's service gave a {} that holds no certificates", member));
  return base::CopyBytes(base::AsBytes(text));
}

// Chip and TCB of an SNP report, which name its certificate.
Bytes ChipOf(const evidence::SnpReport& report) {
  Bytes chip = base::CopyBytes(report.chip_id.view());
  chip.insert(chip.end(), report.reported_tcb.bytes.begin(), report.reported_tcb.bytes.end());
  return chip;
}

}  // namespace

Result<std::unique_ptr<AzureAttester>> AzureAttester::Open(std::unique_ptr<Tpm> tpm, AskHost ask_host,
                                                           AzureAttesterOptions options) {
  std::unique_ptr<AzureAttester> attester(
      new AzureAttester(std::move(tpm), std::move(ask_host), std::move(options)));
  Result<Bytes> bytes = attester->tpm_->ReadNv(kAzureHclReportNv);
  if (!bytes.ok() && bytes.error().code == "not-found") {
    return base::MakeError(base::ErrorKind::kUnavailable, "no-device",
                           "the TPM holds no paravisor's report: this is no confidential machine of Azure");
  }
  if (!bytes.ok()) return std::move(bytes).error();
  BLINDAI_TRY(const evidence::HclReport report, ReadHcl(*bytes));
  attester->hardware_ = report.hardware;
  attester->key_modulus_ = report.runtime.attestation_key.modulus;

  BLINDAI_TRY(Bytes key, attester->tpm_->UseAttestationKey(kAzureAttestationKey));
  const auto area = evidence::ParseTpmPublic(key);
  if (!area.ok() || area->modulus != attester->key_modulus_)
    return Unavailable("the paravisor's report names another key than the TPM has");
  attester->key_endorsements_.push_back({std::string(name::kAk), std::move(key)});
  // The hardware report vouches for the key; a certificate is for those who look at nothing else.
  if (auto certificate = attester->tpm_->ReadNv(kAzureAkCertificateNv);
      certificate.ok() && endorsements::ReadCertificates(*certificate).ok()) {
    attester->key_endorsements_.push_back({std::string(name::kAkChain), std::move(*certificate)});
  }
  return attester;
}

Result<evidence::EvidenceBundle> AzureAttester::Attest(const evidence::ReportData& report_data,
                                                       Deadline deadline) {
  const std::lock_guard lock(mutex_);
  evidence::EvidenceBundle bundle;
  bundle.tee = kind();
  BLINDAI_TRY(Bytes report_bytes, FreshReport(report_data, deadline));
  BLINDAI_TRY(const evidence::HclReport report, ReadHcl(report_bytes));
  if (report.runtime.attestation_key.modulus != key_modulus_)
    return Unavailable("the paravisor's report names another key than the TPM has");
  BLINDAI_TRY(bundle.evidence, QuotePcrs(*tpm_, report_data, options_.bank, options_.pcrs, deadline));
  bundle.endorsements = key_endorsements_;
  bundle.endorsements.push_back({std::string(name::kHardwareReport), std::move(report_bytes)});
  if (auto log = ReadEventLog(options_.event_log))
    bundle.endorsements.push_back({std::string(name::kEventLog), *std::move(log)});
  BLINDAI_RETURN_IF_ERROR(report.hardware == HclHardware::kSnp
                              ? AddChipCertificate(report.hardware_report, deadline, bundle)
                              : AddTdQuote(report.hardware_report, deadline, bundle));
  return bundle;
}

// Reads until the report is over this report data: what is read before is the last question's, or the boot's.
Result<Bytes> AzureAttester::FreshReport(const evidence::ReportData& report_data, Deadline deadline) {
  BLINDAI_RETURN_IF_ERROR(tpm_->WriteNv(kAzureReportDataNv, report_data.view()));
  while (std::chrono::steady_clock::now() < deadline) {
    BLINDAI_TRY(Bytes bytes, tpm_->ReadNv(kAzureHclReportNv));
    BLINDAI_TRY(const evidence::HclReport report, ReadHcl(bytes));
    if (IsOver(report, report_data)) return bytes;
    std::this_thread::sleep_for(kBetweenReads);
  }
  return TooLate("the paravisor's report over the report data");
}

Status AzureAttester::AddChipCertificate(ByteView snp_report, Deadline deadline,
                                         evidence::EvidenceBundle& bundle) {
  if (options_.host.empty()) return base::Ok();
  const auto report = evidence::ParseSnpReport(snp_report);
  if (!report.ok()) return Unavailable("the paravisor gave no SNP report: " + report.error().message);
  if (Bytes chip = ChipOf(*report); chip != certified_chip_) {
    BLINDAI_TRY(
        const Bytes body,
        Ask({options_.host + "/metadata/THIM/amd/certification", {{"Metadata", "true"}}, ""}, deadline));
    BLINDAI_TRY(Bytes leaf, CertificatesIn(body, "vcekCert"));
    BLINDAI_TRY(Bytes chain, CertificatesIn(body, "certificateChain"));
    chip_certificates_ = {{std::string(name::kLeaf), std::move(leaf)},
                          {std::string(name::kChain), std::move(chain)}};
    certified_chip_ = std::move(chip);
  }
  bundle.endorsements.insert(bundle.endorsements.end(), chip_certificates_.begin(), chip_certificates_.end());
  return base::Ok();
}

Status AzureAttester::AddTdQuote(ByteView td_report, Deadline deadline, evidence::EvidenceBundle& bundle) {
  if (options_.host.empty())
    return Unavailable("a TDREPORT needs the host's quote service, and its address is empty");
  const auto local = evidence::ParseTdReportLocal(td_report);
  if (!local.ok()) return Unavailable("the paravisor gave no TDREPORT: " + local.error().message);
  const std::string question = fmt::format(R"({{"report":"{}"}})", encoding::Base64UrlEncode(td_report));
  BLINDAI_TRY(
      const Bytes body,
      Ask({options_.host + "/acc/tdquote", {{"Content-Type", "application/json"}}, question}, deadline));
  BLINDAI_TRY(std::string text, TextIn(body, "quote"));
  while (text.ends_with('=')) text.pop_back();  // padded or not
  auto bytes = encoding::Base64UrlDecode(text);
  if (!bytes.ok()) return Unavailable("the host's quote service gave a quote that is no base64url");
  const auto quote = evidence::ParseDcapQuote(*bytes);
  if (!quote.ok() || quote->td() == nullptr || quote->report_data() != local->report_data)
    return Unavailable("the host's quote service gave no TD quote over the TDREPORT");
  bundle.endorsements.push_back({std::string(name::kTdQuote), std::move(*bytes)});
  return base::Ok();
}

Result<Bytes> AzureAttester::Ask(const HostRequest& request, Deadline deadline) const {
  int status = 0;
  for (int attempt = 0; attempt < kHostAttempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(kBetweenHostAttempts);
    if (std::chrono::steady_clock::now() >= deadline) break;
    auto answer = ask_host_(request, deadline);
    if (!answer.ok() && answer.error().kind == base::ErrorKind::kDeadline)
      return TooLate("an answer of the host's service");
    if (!answer.ok()) return Unavailable("the host's service failed: " + answer.error().message);
    if (answer->body.size() > kMaxHostAnswerBytes) {
      return Unavailable(fmt::format("the host's service answered with {} bytes, at most {} are wanted",
                                     answer->body.size(), kMaxHostAnswerBytes));
    }
    if (answer->status == 200) return std::move(answer->body);
    status = answer->status;
    if (!HasNoTime(status)) break;
  }
  if (status == 0) return TooLate("an answer of the host's service");
  return Unavailable(fmt::format("the host's service answered {}", status));
}

}  // namespace blindai::attester
