// Evidence by a TPM 2.0: a quote over the PCRs whose nonce is the SHA-256 of the report data, with the
// attestation key, the certificates that vouch for it, and the boot's event log.
//
// A TPM says how the machine booted. It does not say that its memory is confidential; a policy has to want that in
// words (verifier/tpm.h). On a confidential machine of Azure hardware vouches for the TPM's key: azure.h.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "attestation/attester/attester.h"
#include "attestation/attester/tpm_device.h"

namespace blindai::attester {

struct TpmAttesterOptions {
  std::string tcti = kTpmDevice;
  evidence::TpmAlgorithm bank = evidence::TpmAlgorithm::kSha256;
  std::uint32_t pcrs = 0x00FFFF;  // PCR 0 to 15
  // A key that the cloud has put there instead of one of our own.
  std::optional<std::uint32_t> persistent_key;
  // Who vouches for the key: certificates in PEM or DER, leaf first; or the NV index where the cloud keeps the leaf.
  // Without either, clients have to pin the key.
  base::Bytes certificates;
  std::optional<std::uint32_t> certificate_nv;
  // Where the kernel shows the boot's log; one that is not there is left out.
  std::string event_log = "/sys/kernel/security/tpm0/binary_bios_measurements";
};

class TpmAttester final : public Attester {
 public:
  // Opens the device and makes the key. Codes: attester-unavailable, not-found (an NV index).
  static base::Result<std::unique_ptr<TpmAttester>> Open(TpmAttesterOptions options);

  evidence::TeeKind kind() const override { return evidence::TeeKind::kTpm; }
  base::Result<evidence::EvidenceBundle> Attest(const evidence::ReportData& report_data,
                                                Deadline deadline) override;

  // TPMT_PUBLIC of the attestation key: what a client pins or a CA certifies.
  const base::Bytes& attestation_key() const { return attestation_key_; }
  // For enrolment; the same lock as Attest's.
  base::Result<base::Bytes> EndorsementKey();
  base::Result<base::Bytes> EndorsementCertificate();
  base::Result<base::Bytes> ActivateCredential(base::ByteView id_object, base::ByteView encrypted_secret);

 private:
  TpmAttester(TpmAttesterOptions options, TpmDevice device, base::Bytes attestation_key,
              std::vector<evidence::NamedBytes> endorsements);

  const TpmAttesterOptions options_;
  const base::Bytes attestation_key_;
  const std::vector<evidence::NamedBytes> endorsements_;  // what is the same at every quote
  std::mutex mutex_;
  TpmDevice device_;
};

}  // namespace blindai::attester
