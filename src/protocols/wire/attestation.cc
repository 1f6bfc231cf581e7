#include "protocols/wire/attestation.h"

#include <boost/json.hpp>
#include <utility>

#include "encoding/base64.h"
#include "encoding/hex.h"
#include "protocols/wire/json_fields.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;

constexpr std::string_view kMalformed = "malformed";
constexpr std::uint64_t kVersion = 1;

template <typename Fixed>
base::Result<Fixed> ReadHex(const JsonFields& fields, std::string_view name) {
  BLINDAI_TRY(const std::string text, fields.String(name));
  auto value = encoding::HexDecodeFixed<Fixed>(text);
  if (!value.ok()) return fields.Wrong(name, "is not " + std::to_string(2 * Fixed::kSize) + " hex digits");
  return value;
}

base::Result<base::Bytes> ReadBase64(const JsonFields& fields, std::string_view name) {
  BLINDAI_TRY(const std::string text, fields.String(name));
  auto bytes = encoding::Base64Decode(text);
  if (!bytes.ok()) return fields.Wrong(name, "is not base64");
  return bytes;
}

base::Result<AttestationStatement> ReadStatement(const JsonFields& fields) {
  AttestationStatement statement;
  BLINDAI_TRY(statement.nonce, ReadHex<AttestationNonce>(fields, "nonce"));
  BLINDAI_TRY(statement.exporter_sha256, ReadHex<AttestationDigest>(fields, "exporter_sha256"));
  BLINDAI_TRY(statement.server_key_sha256, ReadHex<AttestationDigest>(fields, "server_key_sha256"));
  BLINDAI_TRY(statement.keyset_sha256, ReadHex<AttestationDigest>(fields, "keyset_sha256"));
  BLINDAI_TRY(statement.manifest_sha256, ReadHex<AttestationDigest>(fields, "manifest_sha256"));
  return statement;
}

json::object WriteStatement(const AttestationStatement& statement) {
  json::object out;
  out["nonce"] = encoding::HexEncode(statement.nonce.view());
  out["exporter_sha256"] = encoding::HexEncode(statement.exporter_sha256.view());
  out["server_key_sha256"] = encoding::HexEncode(statement.server_key_sha256.view());
  out["keyset_sha256"] = encoding::HexEncode(statement.keyset_sha256.view());
  out["manifest_sha256"] = encoding::HexEncode(statement.manifest_sha256.view());
  return out;
}

}  // namespace

std::string EncodeAttestation(const AttestationAnswer& answer) {
  json::object endorsements;
  for (const auto& [name, bytes] : answer.endorsements) endorsements[name] = encoding::Base64Encode(bytes);
  json::object out;
  out["version"] = kVersion;
  out["tee"] = answer.tee;
  out["evidence"] = encoding::Base64Encode(answer.evidence);
  out["endorsements"] = std::move(endorsements);
  out["statement"] = WriteStatement(answer.statement);
  out["keyset"] = answer.keyset;
  out["manifest"] = answer.manifest;
  if (!answer.fetched_at.empty()) {
    json::object& times = out["fetched_at"].emplace_object();
    for (const auto& [name, time] : answer.fetched_at) times[name] = base::FormatTime(time);
  }
  return json::serialize(out);
}

base::Result<AttestationAnswer> DecodeAttestation(std::string_view text) {
  BLINDAI_TRY(
      const json::object object,
      ParseSmallJsonObject(base::AsBytes(text), kMalformed, kMaxAttestationJsonBytes).Within("attestation"));
  const JsonFields fields(object, kMalformed, "attestation");
  BLINDAI_TRY(const auto version, fields.OptionalUnsigned("version"));
  if (version != kVersion) {
    return base::Malformed("attestation: 'version' is " + (version ? std::to_string(*version) : "missing") +
                               ", wanted 1: client and server are of different times",
                           "attestation-version");
  }
  AttestationAnswer answer;
  BLINDAI_TRY(answer.tee, fields.String("tee"));
  BLINDAI_TRY(answer.evidence, ReadBase64(fields, "evidence"));
  BLINDAI_TRY(const json::object* endorsements, fields.OptionalObject("endorsements"));
  if (endorsements != nullptr) {
    const JsonFields entries(*endorsements, kMalformed, "attestation endorsements");
    for (const auto& entry : *endorsements) {
      BLINDAI_TRY(base::Bytes bytes, ReadBase64(entries, entry.key()));
      answer.endorsements.emplace_back(entry.key(), std::move(bytes));
    }
  }
  BLINDAI_TRY(const json::object* statement, fields.OptionalObject("statement"));
  if (statement == nullptr) return fields.Wrong("statement", "is missing");
  BLINDAI_TRY(answer.statement, ReadStatement(JsonFields(*statement, kMalformed, "attestation statement")));
  BLINDAI_TRY(answer.keyset, fields.String("keyset"));
  BLINDAI_TRY(answer.manifest, fields.String("manifest"));
  BLINDAI_TRY(const json::object* times, fields.OptionalObject("fetched_at"));
  if (times != nullptr) {
    const JsonFields entries(*times, kMalformed, "attestation fetched_at");
    for (const auto& entry : *times) {
      BLINDAI_TRY(const std::string time_text, entries.String(entry.key()));
      const auto time = base::ParseTime(time_text);
      if (!time.ok()) return entries.Wrong(entry.key(), "is not a time (RFC 3339)");
      answer.fetched_at.emplace_back(entry.key(), *time);
    }
  }
  return answer;
}

base::Result<AttestationNonce> ParseAttestationNonce(std::string_view text) {
  auto nonce = encoding::HexDecodeFixed<AttestationNonce>(text);
  if (!nonce.ok()) {
    return base::MakeError(
        base::ErrorKind::kInvalid, "nonce-format",
        "nonce has " + std::to_string(text.size()) +
            " characters; wanted exactly 64 hex digits: 32 random bytes, new for each request",
        "nonce");
  }
  return nonce;
}

}  // namespace blindai::wire
