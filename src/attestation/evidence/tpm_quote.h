// TPM 2.0 structures that a quote is made of: TPMS_ATTEST (what the TPM signed), TPMT_SIGNATURE, TPMT_PUBLIC
// (the attestation key as the TPM describes it) and the values of the PCRs. "TPM 2.0 Library, Part 2:
// Structures".
//
// Parsing trusts nothing. Two facts are checked already here because nothing else may be read as a quote: the
// magic number, which a restricted key only ever signs over data that the TPM itself made, and the type.
//
// Errors: "malformed"; "tpm-magic" (not made by a TPM), "tpm-type" (an attestation that is not a quote).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

// TPM_ALG_ID, the ones that matter here.
enum class TpmAlgorithm : std::uint16_t {
  kRsa = 0x0001,
  kSha1 = 0x0004,
  kSha256 = 0x000B,
  kSha384 = 0x000C,
  kSha512 = 0x000D,
  kNull = 0x0010,
  kSm3 = 0x0012,
  kRsaSsa = 0x0014,
  kRsaPss = 0x0016,
  kEcdsa = 0x0018,
  kEcc = 0x0023,
};
std::string_view TpmAlgorithmName(TpmAlgorithm algorithm);  // "sha256"; "unknown"
// Size of a digest, nothing for what is not a hash that we know.
std::optional<std::size_t> TpmDigestSize(TpmAlgorithm hash);

inline constexpr unsigned kTpmPcrCount = 24;

// Which PCRs of one bank: bit i stands for PCR i.
struct TpmPcrSelection {
  TpmAlgorithm bank = TpmAlgorithm::kNull;
  std::uint32_t pcrs = 0;
  bool contains(unsigned index) const { return index < kTpmPcrCount && ((pcrs >> index) & 1) != 0; }
};

// TPMS_ATTEST with type TPM_ST_ATTEST_QUOTE.
struct TpmAttest {
  base::Bytes raw;               // the signed bytes
  base::Bytes qualified_signer;  // name of the key, qualified by its hierarchy
  base::Bytes extra_data;        // the nonce
  std::uint64_t clock_ms = 0;
  std::uint32_t reset_count = 0;
  std::uint32_t restart_count = 0;
  bool clock_safe = false;
  std::uint64_t firmware_version = 0;
  std::vector<TpmPcrSelection> selections;
  base::Bytes pcr_digest;
};
base::Result<TpmAttest> ParseTpmAttest(base::ByteView bytes);

// TPMT_SIGNATURE. Integers are big-endian, without padding to a fixed size.
struct TpmSignature {
  base::Bytes raw;                            // empty when it came as a bare number (Azure)
  TpmAlgorithm scheme = TpmAlgorithm::kNull;  // kRsaSsa, kRsaPss or kEcdsa
  TpmAlgorithm hash = TpmAlgorithm::kNull;
  base::Bytes rsa;
  base::Bytes r;
  base::Bytes s;
};
base::Result<TpmSignature> ParseTpmSignature(base::ByteView bytes);

// TPMA_OBJECT.
struct TpmAttributes {
  std::uint32_t raw = 0;
  bool fixed_tpm() const { return Bit(1); }
  bool fixed_parent() const { return Bit(4); }
  bool sensitive_data_origin() const { return Bit(5); }
  bool restricted() const { return Bit(16); }
  bool decrypt() const { return Bit(17); }
  bool sign() const { return Bit(18); }

 private:
  bool Bit(unsigned index) const { return ((raw >> index) & 1) != 0; }
};

// TPM_ECC_CURVE.
inline constexpr std::uint16_t kTpmCurveP256 = 0x0003;
inline constexpr std::uint16_t kTpmCurveP384 = 0x0004;

// TPMT_PUBLIC of an RSA or ECC key.
struct TpmPublic {
  base::Bytes raw;  // its name is nameAlg || H(raw)
  TpmAlgorithm type = TpmAlgorithm::kNull;
  TpmAlgorithm name_hash = TpmAlgorithm::kNull;
  TpmAttributes attributes;
  TpmAlgorithm scheme = TpmAlgorithm::kNull;  // kNull: not fixed in the key
  TpmAlgorithm scheme_hash = TpmAlgorithm::kNull;
  std::uint32_t exponent = 0;  // RSA; the TPM's 0 is given as 65537
  base::Bytes modulus;         // RSA, big-endian
  std::uint16_t curve = 0;     // ECC
  base::Bytes x;
  base::Bytes y;
};
base::Result<TpmPublic> ParseTpmPublic(base::ByteView bytes);

struct TpmPcrValue {
  TpmAlgorithm bank = TpmAlgorithm::kNull;
  std::uint8_t index = 0;
  base::Bytes digest;
};

// A quote with the PCR values that it is about. The key is not part of it: the attestation key, and whoever
// vouches for it, are endorsements (names ak, ak-chain, hardware-report), and so is the event log.
struct TpmEvidence {
  TpmAttest attest;
  TpmSignature signature;
  std::vector<TpmPcrValue> pcrs;
};

// blindai's container for it, big-endian:
//   "BTPM" | u16 version 1 | u32+TPMS_ATTEST | u32+TPMT_SIGNATURE | u16 count, count * (u16 bank, u8 index,
//   digest)
base::Result<TpmEvidence> ParseTpmEvidence(base::ByteView bytes);
base::Bytes SerializeTpmEvidence(base::ByteView attest, base::ByteView signature,
                                 const std::vector<TpmPcrValue>& pcrs);

}  // namespace blindai::evidence
