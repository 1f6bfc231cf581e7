#include "client/connection_record.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "attestation/evidence/tee_kind.h"
#include "client/failure.h"
#include "encoding/base64.h"
#include "encoding/hex.h"
#include "encoding/json.h"
#include "protocols/wire/attestation.h"

namespace blindai::client {
namespace {

namespace json = boost::json;
using base::MakeError;
using base::Result;

constexpr std::int64_t kRecordVersion = 1;
// The answer as a JSON string: each of its quotation marks is escaped there.
constexpr encoding::JsonLimits kRecordLimits{.max_bytes = 2 * wire::kMaxAttestationJsonBytes};

base::Error NoAnswer(std::string message) {
  return MakeError(base::ErrorKind::kInvalid, std::string(kAttestationAnswer), std::move(message));
}

template <typename To, typename From>
To SameBytes(const From& from) {
  static_assert(To::kSize == From::kSize);
  To to;
  to.bytes = from.bytes;
  return to;
}

// The answer on the wire as the values that the channel judges.
Result<channel::AttestationAnswer> ToChannel(wire::AttestationAnswer answer) {
  const std::optional<evidence::TeeKind> tee = evidence::TeeFromName(answer.tee);
  if (!tee)
    return NoAnswer("the server's evidence is of a kind that this client does not know; a newer client may");
  channel::AttestationAnswer out;
  out.bundle.tee = *tee;
  out.bundle.evidence = std::move(answer.evidence);
  for (auto& [name, bytes] : answer.endorsements)
    out.bundle.endorsements.push_back({std::move(name), std::move(bytes)});
  out.statement.nonce = SameBytes<channel::Nonce>(answer.statement.nonce);
  out.statement.exporter_sha256 = SameBytes<crypto::Sha256Digest>(answer.statement.exporter_sha256);
  out.statement.server_key = SameBytes<crypto::Sha256Digest>(answer.statement.server_key_sha256);
  out.statement.keyset = SameBytes<crypto::Sha256Digest>(answer.statement.keyset_sha256);
  out.statement.manifest = SameBytes<crypto::Sha256Digest>(answer.statement.manifest_sha256);
  out.keyset = std::move(answer.keyset);
  out.manifest = std::move(answer.manifest);
  return out;
}

template <typename Fixed>
Result<Fixed> FixedHex(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const base::Bytes bytes, encoding::JsonHex(object, field));
  if (bytes.size() != Fixed::kSize) return encoding::JsonFieldError(field, "64 hex digits");
  Fixed fixed;
  std::copy(bytes.begin(), bytes.end(), fixed.bytes.begin());
  return fixed;
}

}  // namespace

std::string EncodeRecord(const ConnectionRecord& record) {
  json::object object;
  object["version"] = kRecordVersion;
  object["verified_at"] = base::FormatTime(record.verified_at);
  object["nonce"] = encoding::HexEncode(record.nonce.view());
  object["exporter"] = encoding::HexEncode(record.exporter.view());
  object["server_key"] = encoding::Base64Encode(record.peer_spki_der);
  object["answer"] = record.answer;
  return json::serialize(object);
}

Result<ConnectionRecord> DecodeRecord(std::string_view text) {
  BLINDAI_TRY(const json::object object, encoding::ParseJsonObject(text, kRecordLimits));
  BLINDAI_TRY(const std::int64_t version, encoding::JsonInteger(object, "version"));
  if (version != kRecordVersion) {
    return MakeError(base::ErrorKind::kInvalid, "connection-record",
                     "the record of the connection is of version " + std::to_string(version) +
                         ", and this program reads version 1; a newer blindai may read it");
  }
  ConnectionRecord record;
  BLINDAI_TRY(record.verified_at, encoding::JsonTime(object, "verified_at"));
  BLINDAI_TRY(record.nonce, FixedHex<channel::Nonce>(object, "nonce"));
  BLINDAI_TRY(record.exporter, FixedHex<channel::ExporterValue>(object, "exporter"));
  BLINDAI_TRY(const std::string key, encoding::JsonString(object, "server_key"));
  BLINDAI_TRY(record.peer_spki_der, encoding::Base64Decode(key));
  BLINDAI_TRY(record.answer, encoding::JsonString(object, "answer"));
  return record;
}

Result<verifier::Verdict> Judge(const ConnectionRecord& record, const channel::ClientDemand& demand) {
  auto answer = wire::DecodeAttestation(record.answer);
  if (!answer.ok()) return NoAnswer("the server's evidence cannot be read: " + answer.error().message);
  BLINDAI_TRY(const channel::AttestationAnswer known, ToChannel(*std::move(answer)));
  return channel::VerifyServer(known, {record.nonce, record.exporter, record.peer_spki_der}, demand);
}

}  // namespace blindai::client
