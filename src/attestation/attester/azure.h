// Evidence of a confidential virtual machine of Azure. Its TPM is the paravisor's, and the paravisor has a hardware
// report that names the TPM's key (verifier/azure.h draws who says what), so the evidence is a TPM quote, and that
// report comes along:
//
//   NV 0x01400002   the report data goes in
//   NV 0x01400001   and the paravisor's report over it comes out, some seconds later (evidence/azure_hcl_report.h)
//   0x81000003      the key; quotes over the PCRs, nonce = SHA-256 of the report data
//   NV 0x01C101D0   the key's certificate, where there is one
//   the host        SNP: the chip's certificate (THIM); TDX: a quote for the TDREPORT (tdquote); plain HTTP on a
//                   link-local address
//
// The host is not trusted: it can only refuse, and what it gives is signed by AMD or Intel.
// https://learn.microsoft.com/azure/confidential-computing/guest-attestation-confidential-virtual-machines-design
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "attestation/attester/attester.h"
#include "attestation/attester/tpm_device.h"
#include "attestation/evidence/azure_hcl_report.h"

namespace blindai::attester {

inline constexpr std::uint32_t kAzureReportDataNv = 0x01400002;
inline constexpr std::uint32_t kAzureHclReportNv = 0x01400001;
inline constexpr std::uint32_t kAzureAkCertificateNv = 0x01C101D0;
inline constexpr std::uint32_t kAzureAttestationKey = 0x81000003;
inline constexpr const char* kAzureHost = "http://169.254.169.254";

// One request to a service of the host. Attesters know no network: main gives them this, a test a model of the host.
struct HostRequest {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string json;  // posted; empty: a GET
};
struct HostAnswer {
  int status = 0;
  base::Bytes body;
};
// Any status is an answer. An error of kind kDeadline came too late, any other did not reach the host.
using AskHost =
    std::function<base::Result<HostAnswer>(const HostRequest& request, Attester::Deadline deadline)>;
// The longest body that is kept.
inline constexpr std::size_t kMaxHostAnswerBytes = 64 * 1024;

struct AzureAttesterOptions {
  evidence::TpmAlgorithm bank = evidence::TpmAlgorithm::kSha256;
  std::uint32_t pcrs = 0x00FFFF;  // PCR 0 to 15
  // The base address of the host's services; empty = not asked, the certificates come from elsewhere
  // (attestation/fetch). A TDREPORT is worth nothing without a quote, so on TDX it is needed.
  std::string host = kAzureHost;
  // Where the kernel shows the boot's log; one that is not there is left out.
  std::string event_log = "/sys/kernel/security/tpm0/binary_bios_measurements";
};

class AzureAttester final : public Attester {
 public:
  // Reads the key and a report. Codes: no-device (the TPM is no paravisor's), attester-unavailable.
  static base::Result<std::unique_ptr<AzureAttester>> Open(std::unique_ptr<Tpm> tpm, AskHost ask_host,
                                                           AzureAttesterOptions options = {});

  evidence::TeeKind kind() const override { return evidence::TeeKind::kTpm; }
  // What is under the TPM.
  evidence::HclHardware hardware() const { return hardware_; }
  base::Result<evidence::EvidenceBundle> Attest(const evidence::ReportData& report_data,
                                                Deadline deadline) override;

 private:
  AzureAttester(std::unique_ptr<Tpm> tpm, AskHost ask_host, AzureAttesterOptions options)
      : tpm_(std::move(tpm)), ask_host_(std::move(ask_host)), options_(std::move(options)) {}

  base::Result<base::Bytes> FreshReport(const evidence::ReportData& report_data, Deadline deadline);
  base::Status AddChipCertificate(base::ByteView snp_report, Deadline deadline,
                                  evidence::EvidenceBundle& bundle);
  base::Status AddTdQuote(base::ByteView td_report, Deadline deadline, evidence::EvidenceBundle& bundle);
  base::Result<base::Bytes> Ask(const HostRequest& request, Deadline deadline) const;

  const std::unique_ptr<Tpm> tpm_;
  const AskHost ask_host_;
  const AzureAttesterOptions options_;
  evidence::HclHardware hardware_ = evidence::HclHardware::kSnp;
  base::Bytes key_modulus_;
  std::vector<evidence::NamedBytes> key_endorsements_;  // what is the same at every quote
  std::mutex mutex_;
  // A chip's certificate depends on the chip and its TCB alone, so it is asked for again only when one changes.
  base::Bytes certified_chip_;
  std::vector<evidence::NamedBytes> chip_certificates_;
};

}  // namespace blindai::attester
