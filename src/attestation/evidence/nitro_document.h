// The attestation document of an AWS Nitro enclave: COSE_Sign1 (RFC 9052) around a CBOR map, signed by a
// certificate that the map itself carries ("Nitro Enclaves attestation process", AWS).
//
// Parsing trusts nothing: it checks the form of the envelope and of the map, with the limits of the AWS
// document, and reads definite and indefinite lengths alike (hardware of 2025 sends the latter). The
// signature, the chain and what zero PCRs mean are verifier/nitro.h's.
//
// Errors: "malformed", and those of encoding/cbor.h ("bad-cbor", "too-large"), naming the field.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attestation/evidence/measurement.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

inline constexpr std::size_t kNitroSignatureSize = 96;  // r || s of P-384
inline constexpr int kNitroPcrCount = 32;

struct NitroDocument {
  // The envelope, as sent; the signature covers these two.
  base::Bytes protected_header;
  base::Bytes payload;
  base::Bytes signature;

  std::string module_id;  // "i-…-enc…": the parent instance and the enclave
  std::uint64_t timestamp_ms = 0;
  std::map<int, PcrSha384> pcrs;
  base::Bytes certificate;            // DER of the signing certificate
  std::vector<base::Bytes> cabundle;  // DER, root first
  std::optional<base::Bytes> public_key;
  std::optional<base::Bytes> user_data;
  std::optional<base::Bytes> nonce;
};

base::Result<NitroDocument> ParseNitroDocument(base::ByteView bytes);

}  // namespace blindai::evidence
