// A TPM 2.0 by tpm2-tss ESAPI: the few commands that attestation needs, with plain bytes on both sides.
// Structures go out as the TPM marshals them (TPM 2.0 Library, part 2), so that evidence/tpm_quote.h reads
// exactly what the TPM said. What attesters ask at every quote is an interface, so that a test can put a model in the
// place of a TPM that no software plays (a paravisor's, PCRs that change between two commands).
//
// The attestation key is a primary key of the endorsement hierarchy, made from a fixed template: the same
// TPM makes the same key at every start, nothing is stored, and a certificate for it stays good until the
// TPM is cleared.
//
// Not thread-safe. Errors: attester-unavailable, naming the command and the TPM's response code.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attestation/evidence/tpm_quote.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::attester {

inline constexpr const char* kTpmDevice = "device:/dev/tpmrm0";

// TCG EK Credential Profile: where makers keep the certificate of the RSA 2048 endorsement key.
inline constexpr std::uint32_t kEkCertificateRsaNv = 0x01C00002;

class Tpm {
 public:
  virtual ~Tpm() = default;

  // The whole content of an NV index that anybody may read. Code not-found when it is not defined.
  virtual base::Result<base::Bytes> ReadNv(std::uint32_t index) = 0;
  // Writes all of an NV index of the owner's; one that is not defined is made in this size.
  virtual base::Status WriteNv(std::uint32_t index, base::ByteView content) = 0;

  // Quotes are signed by this persistent key, which a cloud has put there, from now on. TPMT_PUBLIC of it.
  virtual base::Result<base::Bytes> UseAttestationKey(std::uint32_t persistent_handle) = 0;

  // The PCRs of `mask` in one bank, read at one state of the TPM.
  virtual base::Result<std::vector<evidence::TpmPcrValue>> ReadPcrs(evidence::TpmAlgorithm bank,
                                                                    std::uint32_t mask) = 0;

  struct Quote {
    base::Bytes attest;     // TPMS_ATTEST
    base::Bytes signature;  // TPMT_SIGNATURE
  };
  // Needs an attestation key (CHECK).
  virtual base::Result<Quote> MakeQuote(base::ByteView nonce, evidence::TpmAlgorithm bank,
                                        std::uint32_t mask) = 0;

 protected:
  Tpm() = default;
  Tpm(const Tpm&) = default;
  Tpm& operator=(const Tpm&) = default;
};

class TpmDevice final : public Tpm {
 public:
  // `tcti` as tpm2-tss writes it: "device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321".
  static base::Result<TpmDevice> Open(const std::string& tcti);

  TpmDevice(TpmDevice&&) noexcept;
  TpmDevice& operator=(TpmDevice&&) noexcept;
  ~TpmDevice() override;

  base::Result<base::Bytes> ReadNv(std::uint32_t index) override;
  base::Status WriteNv(std::uint32_t index, base::ByteView content) override;
  base::Result<base::Bytes> UseAttestationKey(std::uint32_t persistent_handle) override;
  base::Result<std::vector<evidence::TpmPcrValue>> ReadPcrs(evidence::TpmAlgorithm bank,
                                                            std::uint32_t mask) override;
  base::Result<Quote> MakeQuote(base::ByteView nonce, evidence::TpmAlgorithm bank,
                                std::uint32_t mask) override;

  // Makes an attestation key of our own (ECDSA P-256 with SHA-256, restricted). TPMT_PUBLIC of it.
  base::Result<base::Bytes> CreateAttestationKey();
  // Extends a PCR; for measurements of a program's own, and for tests.
  base::Status ExtendPcr(std::uint8_t index, evidence::TpmAlgorithm bank, base::ByteView digest);

  // The device's side of credential activation: TPMT_PUBLIC of the RSA endorsement key (TCG template L-1),
  // and the secret of a credential that was made for it and for the attestation key. Only this TPM recovers
  // it.
  base::Result<base::Bytes> EndorsementKey();
  base::Result<base::Bytes> ActivateCredential(base::ByteView id_object, base::ByteView encrypted_secret);

 private:
  struct Context;
  explicit TpmDevice(std::unique_ptr<Context> context);

  std::unique_ptr<Context> context_;
};

}  // namespace blindai::attester
