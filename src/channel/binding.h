// The statement that ties evidence to one TLS connection. Its SHA-512 is the report data that the hardware signs,
// so evidence is worth something on exactly one connection, for one client, one server key and one configuration:
//
//   offset  size
//        0    32  label "blindai-attestation-v1", zero padded
//       32    32  nonce of the client: freshness
//       64    32  TLS exporter value (RFC 8446 section 7.5), label "EXPORTER-blindai-attestation", context =
//                 nonce: this connection and no other, so a relay or a terminator in front is noticed
//       96    32  SHA-256 of the server's SubjectPublicKeyInfo
//      128    32  SHA-256 of the keyset document (server_identity.h)
//      160    32  SHA-256 of the deployment manifest
//
// Both ends take the exporter value from their own connection, never from a message. A nonce alone does not bind
// a channel and a key alone is not fresh (CVE-2026-33697 and its family). docs/formats/binding.md has a worked
// example.
#pragma once

#include <string_view>

#include "attestation/evidence/report_data.h"
#include "base/bytes.h"
#include "crypto/digest.h"

namespace blindai::channel {

inline constexpr std::string_view kBindingLabel = "blindai-attestation-v1";
inline constexpr std::string_view kExporterLabel = "EXPORTER-blindai-attestation";
inline constexpr std::size_t kBindingSize = 192;

using Nonce = base::FixedBytes<32, struct NonceTag>;
using ExporterValue = base::FixedBytes<32, struct ExporterValueTag>;

// A nonce that nobody can guess, for one question.
Nonce FreshNonce();

struct Binding {
  Nonce nonce;
  ExporterValue exporter;
  crypto::Sha256Digest server_key;
  crypto::Sha256Digest keyset;
  crypto::Sha256Digest manifest;

  base::Bytes Encode() const;  // kBindingSize bytes
  evidence::ReportData ToReportData() const;
};

}  // namespace blindai::channel
