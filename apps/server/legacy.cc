#include "server/legacy.h"

#include <memory>
#include <utility>

#include "attestation/attester/device_files.h"
#include "base/clock.h"
#include "server/legacy_quote.h"

namespace blindai::server {
namespace {

using base::Result;

constexpr std::size_t kMaxPemBytes = std::size_t{64} << 10;

// At start, so that a wrong file is found before the first client.
constexpr std::chrono::seconds kFirstEvidenceDeadline{30};

Result<base::SecretBytes> ReadPem(const std::string& path) {
  base::Bytes bytes;
  attester::PosixDeviceFiles files;
  if (files.Read(path, kMaxPemBytes, bytes) == 0) return base::SecretBytes(std::move(bytes));
  return base::MakeError(base::ErrorKind::kInvalid, "config-file",
                         "cannot be read (or is larger than 64 KiB): " + path);
}

Result<channel::LegacyIdentity> IdentityFromFiles(const std::string& directory) {
  BLINDAI_TRY(const base::SecretBytes certificate, ReadPem(directory + "/certificate.pem"));
  BLINDAI_TRY(const base::SecretBytes key, ReadPem(directory + "/key.pem"));
  BLINDAI_TRY(const base::SecretBytes result_key, ReadPem(directory + "/result-key.pem"));
  return channel::LegacyIdentity::FromPem(base::AsText(certificate.ExposeSecret()), key, result_key);
}

}  // namespace

Result<OperatorCertificate> ReadOperatorCertificate(const std::string& certificate_file,
                                                    const std::string& key_file) {
  BLINDAI_TRY(const base::SecretBytes certificate_pem, ReadPem(certificate_file));
  BLINDAI_TRY(const base::SecretBytes key_pem, ReadPem(key_file));
  BLINDAI_TRY(crypto::Certificate certificate,
              crypto::Certificate::FromPem(base::AsText(certificate_pem.ExposeSecret())));
  BLINDAI_TRY(crypto::SigningKey key, crypto::SigningKey::FromPem(key_pem));
  return OperatorCertificate{std::move(key), std::move(certificate)};
}

Result<std::unique_ptr<Legacy>> MakeLegacy(const ServerConfig& config, const Platform& platform,
                                           fetch::Endorser& endorser, service::AttestationQueue& queue) {
  const bool from_files = platform.name == "files";
  Result<channel::LegacyIdentity> identity =
      from_files ? IdentityFromFiles(config.files_directory).Within("files.directory")
                 : Result<channel::LegacyIdentity>(channel::LegacyIdentity::Make(base::Now()));
  if (!identity.ok()) return std::move(identity).error();

  service::LegacyEvidence::Attest attest;
  if (platform.attester->kind() == evidence::TeeKind::kSgx) {
    attest = [&attester = *platform.attester, &endorser, report_data = identity->ToReportData()](
                 service::AttestationQueue::Deadline deadline) -> Result<service::LegacyQuote> {
      BLINDAI_TRY(evidence::EvidenceBundle bundle, attester.Attest(report_data, deadline));
      BLINDAI_RETURN_IF_ERROR(endorser.Complete(bundle, base::Now(), deadline));
      return ToLegacyQuote(bundle);
    };
  }
  if (from_files) {
    BLINDAI_RETURN_IF_ERROR(attest(std::chrono::steady_clock::now() + kFirstEvidenceDeadline));
  }
  return std::make_unique<Legacy>(std::move(identity).value(), std::move(attest),
                                  std::chrono::seconds(config.legacy_evidence_age_s), queue);
}

}  // namespace blindai::server
