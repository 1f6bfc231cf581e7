#include "attestation/attester/tpm.h"

#include <utility>

#include "attestation/attester/tpm_evidence.h"

namespace blindai::attester {

using base::Bytes;

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
  return std::unique_ptr<TpmAttester>(
      new TpmAttester(std::move(options), std::move(device), *std::move(key), std::move(endorsements)));
}

base::Result<evidence::EvidenceBundle> TpmAttester::Attest(const evidence::ReportData& report_data,
                                                           Deadline deadline) {
  const std::scoped_lock lock(mutex_);
  evidence::EvidenceBundle bundle;
  bundle.tee = evidence::TeeKind::kTpm;
  BLINDAI_TRY(bundle.evidence, QuotePcrs(device_, report_data, options_.bank, options_.pcrs, deadline));
  bundle.endorsements = endorsements_;
  if (auto log = ReadEventLog(options_.event_log))
    bundle.endorsements.push_back({"event-log", *std::move(log)});
  return bundle;
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
