#include "attestation/attester/tpm.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "crypto/digest.h"

namespace blindai::attester {
namespace {

using base::Bytes;
using evidence::TpmPcrValue;

// PCRs may change between reading and quoting (an update, a driver): then both are done again.
constexpr int kAttempts = 5;
constexpr std::size_t kMaxEventLog = 1 << 20;

base::Error Unavailable(std::string message) {
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable", "TPM: " + std::move(message));
}

// securityfs gives no size, so the file is read to its end. A log over the verifier's bound would only be refused.
std::optional<Bytes> ReadEventLog(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  Bytes log{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (log.empty() || log.size() > kMaxEventLog) return std::nullopt;
  return log;
}

bool DigestFits(const evidence::TpmAttest& attest, const std::vector<TpmPcrValue>& pcrs,
                crypto::HashAlgorithm hash) {
  Bytes concatenated;
  for (const TpmPcrValue& pcr : pcrs)
    concatenated.insert(concatenated.end(), pcr.digest.begin(), pcr.digest.end());
  return crypto::Hash(hash, concatenated) == attest.pcr_digest;
}

base::Result<crypto::HashAlgorithm> HashOf(const evidence::TpmSignature& signature) {
  switch (signature.hash) {
    case evidence::TpmAlgorithm::kSha256:
      return crypto::HashAlgorithm::kSha256;
    case evidence::TpmAlgorithm::kSha384:
      return crypto::HashAlgorithm::kSha384;
    case evidence::TpmAlgorithm::kSha512:
      return crypto::HashAlgorithm::kSha512;
    default:
      return Unavailable("the key signs with a hash that no verifier accepts");
  }
}

}  // namespace

TpmAttester::TpmAttester(TpmAttesterOptions options, TpmDevice device, Bytes attestation_key,
                         std::vector<evidence::NamedBytes> endorsements)
    : options_(std::move(options)),
      attestation_key_(std::move(attestation_key)),
      endorsements_(std::move(endorsements)),
      device_(std::move(device)) {}

base::Result<std::unique_ptr<TpmAttester>> TpmAttester::Open(TpmAttesterOptions options) {
  BLINDAI_TRY(TpmDevice device, TpmDevice::Open(options.tcti));
  auto key = options.persistent_key ? device.UseAttestationKey(*options.persistent_key)
                                    : device.CreateAttestationKey();
  if (!key.ok()) return std::move(key).error();
  std::vector<evidence::NamedBytes> endorsements = {{"ak", *key}};
  if (!options.certificates.empty()) {
    endorsements.push_back({"ak-chain", options.certificates});
  } else if (options.certificate_nv) {
    BLINDAI_TRY(Bytes certificate, device.ReadNv(*options.certificate_nv));
    endorsements.push_back({"ak-chain", std::move(certificate)});
  }
  if (options.hardware_report_nv) {
    BLINDAI_TRY(Bytes report, device.ReadNv(*options.hardware_report_nv));
    endorsements.push_back({"hardware-report", std::move(report)});
  }
  return std::unique_ptr<TpmAttester>(
      new TpmAttester(std::move(options), std::move(device), *std::move(key), std::move(endorsements)));
}

base::Result<evidence::EvidenceBundle> TpmAttester::Attest(const evidence::ReportData& report_data,
                                                           Deadline deadline) {
  const auto nonce = crypto::Sha256(report_data.view());
  const std::scoped_lock lock(mutex_);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (std::chrono::steady_clock::now() > deadline) {
      return base::MakeError(base::ErrorKind::kDeadline, "attester-deadline", "TPM: the quote took too long");
    }
    BLINDAI_TRY(const std::vector<TpmPcrValue> pcrs, device_.ReadPcrs(options_.bank, options_.pcrs));
    BLINDAI_TRY(const TpmDevice::Quote quote, device_.MakeQuote(nonce.view(), options_.bank, options_.pcrs));
    BLINDAI_TRY(const evidence::TpmAttest attest, evidence::ParseTpmAttest(quote.attest));
    BLINDAI_TRY(const evidence::TpmSignature signature, evidence::ParseTpmSignature(quote.signature));
    BLINDAI_TRY(const crypto::HashAlgorithm hash, HashOf(signature));
    if (!DigestFits(attest, pcrs, hash)) continue;

    evidence::EvidenceBundle bundle;
    bundle.tee = evidence::TeeKind::kTpm;
    bundle.evidence = evidence::SerializeTpmEvidence(quote.attest, quote.signature, pcrs);
    bundle.endorsements = endorsements_;
    if (auto log = ReadEventLog(options_.event_log))
      bundle.endorsements.push_back({"event-log", *std::move(log)});
    return bundle;
  }
  return Unavailable("the PCRs change all the time");
}

base::Result<Bytes> TpmAttester::EndorsementKey() {
  const std::scoped_lock lock(mutex_);
  return device_.EndorsementKey();
}

base::Result<Bytes> TpmAttester::EndorsementCertificate() {
  const std::scoped_lock lock(mutex_);
  return device_.ReadNv(kEkCertificateRsaNv);
}

base::Result<Bytes> TpmAttester::ActivateCredential(base::ByteView id_object,
                                                    base::ByteView encrypted_secret) {
  const std::scoped_lock lock(mutex_);
  return device_.ActivateCredential(id_object, encrypted_secret);
}

}  // namespace blindai::attester
