// The JSON of `GET /v1/attestation?nonce=…` (docs/formats/attestation.md), both directions: plain values, no
// judgement. Binary fields are base64, digests and the nonce are lower-case hex. Reading is strict and bounded: a
// client reads this before it trusts the other end. Unknown members are ignored, so later servers can say more.
//
//   {"version":1, "tee":"snp", "evidence":"…", "endorsements":{"leaf":"…","chain":"…"},
//    "statement":{"nonce":"…", "exporter_sha256":"…", "server_key_sha256":"…", "keyset_sha256":"…",
//                 "manifest_sha256":"…"},
//    "keyset":"…", "manifest":"…", "fetched_at":{"leaf":"2026-11-25T19:02:56Z"}}
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace blindai::wire {

inline constexpr std::size_t kMaxAttestationJsonBytes = std::size_t{8} << 20;

using AttestationNonce = base::FixedBytes<32, struct AttestationNonceTag>;
using AttestationDigest = base::FixedBytes<32, struct AttestationDigestTag>;

struct AttestationStatement {
  AttestationNonce nonce;
  AttestationDigest exporter_sha256;
  AttestationDigest server_key_sha256;
  AttestationDigest keyset_sha256;
  AttestationDigest manifest_sha256;
  friend bool operator==(const AttestationStatement&, const AttestationStatement&) = default;
};

struct AttestationAnswer {
  std::string tee;  // as it stands there; the reader decides what it knows
  base::Bytes evidence;
  std::vector<std::pair<std::string, base::Bytes>> endorsements;  // in order; names checked by endorsements.h
  AttestationStatement statement;
  std::string keyset;  // the exact bytes of the JSON documents
  std::string manifest;
  // When the server fetched endorsements that did not come from its platform, by name: the server's word, for people
  // who look for the cause of stale ones. Verifiers go by the dates that the makers signed.
  std::vector<std::pair<std::string, base::Time>> fetched_at;
  friend bool operator==(const AttestationAnswer&, const AttestationAnswer&) = default;
};

std::string EncodeAttestation(const AttestationAnswer& answer);
// Codes: malformed, too-large, attestation-version.
base::Result<AttestationAnswer> DecodeAttestation(std::string_view json);

// The query parameter: exactly 64 hex digits. Code: nonce-format.
base::Result<AttestationNonce> ParseAttestationNonce(std::string_view text);

}  // namespace blindai::wire
