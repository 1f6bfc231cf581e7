#include "attestation/evidence/nitro_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "encoding/cbor.h"

namespace blindai::evidence {
namespace {

using base::Bytes;
using base::ByteView;
using base::Malformed;
using encoding::CborKind;
using encoding::CborValue;

constexpr std::size_t kMaxDocument = 32 * 1024;
constexpr std::uint64_t kTagCoseSign1 = 18;
// {1: -35}: the algorithm is ES384, and nothing else is claimed.
constexpr std::array<std::uint8_t, 4> kProtectedHeader = {0xA1, 0x01, 0x38, 0x22};
constexpr std::size_t kMaxCertificate = 1024;
constexpr std::size_t kMaxCaBundle = 16;
// AWS says 512, 512 and 1024; the security module has been taking longer user data since.
constexpr std::size_t kMaxOptional = 4096;

base::Result<Bytes> BytesOf(const CborValue& value, std::string_view field) {
  if (value.kind != CborKind::kBytes) return Malformed(fmt::format("{}: a byte string is wanted", field));
  return value.string;
}

base::Result<const CborValue*> Field(const CborValue& map, std::string_view field) {
  const CborValue* value = map.Find(field);
  if (value == nullptr) return Malformed(fmt::format("{} is missing", field));
  return value;
}

base::Result<std::string> TextField(const CborValue& map, std::string_view field) {
  BLINDAI_TRY(const CborValue* value, Field(map, field));
  if (value->kind != CborKind::kText || value->string.empty()) {
    return Malformed(fmt::format("{}: text is wanted", field));
  }
  return std::string(value->text());
}

base::Result<Bytes> CertificateOf(const CborValue& value, std::string_view field) {
  BLINDAI_TRY(Bytes der, BytesOf(value, field));
  if (der.empty() || der.size() > kMaxCertificate) {
    return Malformed(fmt::format("{}: {} bytes seen, 1 to {} wanted", field, der.size(), kMaxCertificate));
  }
  return der;
}

base::Result<std::optional<Bytes>> OptionalField(const CborValue& map, std::string_view field) {
  const CborValue* value = map.Find(field);
  if (value == nullptr || value->kind == CborKind::kNull) return std::optional<Bytes>();
  BLINDAI_TRY(Bytes bytes, BytesOf(*value, field));
  if (bytes.size() > kMaxOptional) {
    return Malformed(fmt::format("{}: {} bytes seen, at most {} wanted", field, bytes.size(), kMaxOptional));
  }
  return std::optional<Bytes>(std::move(bytes));
}

base::Status ReadPcrs(const CborValue& payload, NitroDocument& document) {
  BLINDAI_TRY(const CborValue* pcrs, Field(payload, "pcrs"));
  if (pcrs->kind != CborKind::kMap || pcrs->items.empty())
    return Malformed("pcrs: a map that is not empty is wanted");
  for (std::size_t i = 0; i + 1 < pcrs->items.size(); i += 2) {
    const CborValue& key = pcrs->items[i];
    if (key.kind != CborKind::kUnsigned || key.number >= kNitroPcrCount) {
      return Malformed("pcrs: an index of 0 to 31 is wanted");
    }
    BLINDAI_TRY(const Bytes value, BytesOf(pcrs->items[i + 1], "pcrs"));
    PcrSha384 pcr;
    if (value.size() != PcrSha384::kSize) {
      return Malformed(fmt::format("pcrs: PCR {} has {} bytes, 48 wanted", key.number, value.size()));
    }
    std::copy(value.begin(), value.end(), pcr.bytes.begin());
    document.pcrs[static_cast<int>(key.number)] = pcr;
  }
  return base::Ok();
}

base::Status ReadCertificates(const CborValue& payload, NitroDocument& document) {
  BLINDAI_TRY(const CborValue* certificate, Field(payload, "certificate"));
  BLINDAI_TRY(document.certificate, CertificateOf(*certificate, "certificate"));
  BLINDAI_TRY(const CborValue* bundle, Field(payload, "cabundle"));
  if (bundle->kind != CborKind::kArray || bundle->items.empty() || bundle->items.size() > kMaxCaBundle) {
    return Malformed(fmt::format("cabundle: an array of 1 to {} certificates is wanted", kMaxCaBundle));
  }
  for (const CborValue& entry : bundle->items) {
    BLINDAI_TRY(document.cabundle.emplace_back(), CertificateOf(entry, "cabundle"));
  }
  return base::Ok();
}

base::Status ReadPayload(NitroDocument& document) {
  BLINDAI_TRY(const CborValue payload, encoding::ParseCbor(document.payload));
  if (payload.kind != CborKind::kMap) return Malformed("a map is wanted");
  BLINDAI_TRY(document.module_id, TextField(payload, "module_id"));
  BLINDAI_TRY(const std::string digest, TextField(payload, "digest"));
  if (digest != "SHA384") return Malformed("digest: \"SHA384\" is wanted");
  BLINDAI_TRY(const CborValue* timestamp, Field(payload, "timestamp"));
  if (timestamp->kind != CborKind::kUnsigned || timestamp->number == 0) {
    return Malformed("timestamp: a number above 0 is wanted");
  }
  document.timestamp_ms = timestamp->number;
  BLINDAI_RETURN_IF_ERROR(ReadPcrs(payload, document));
  BLINDAI_RETURN_IF_ERROR(ReadCertificates(payload, document));
  BLINDAI_TRY(document.public_key, OptionalField(payload, "public_key"));
  BLINDAI_TRY(document.user_data, OptionalField(payload, "user_data"));
  BLINDAI_TRY(document.nonce, OptionalField(payload, "nonce"));
  return base::Ok();
}

base::Status ReadEnvelope(ByteView bytes, NitroDocument& document) {
  if (bytes.size() > kMaxDocument) {
    return Malformed(fmt::format("{} bytes seen, at most {} wanted", bytes.size(), kMaxDocument));
  }
  BLINDAI_TRY(const CborValue outer, encoding::ParseCbor(bytes));
  const bool tagged = outer.kind == CborKind::kTag;
  if (tagged && outer.number != kTagCoseSign1) {
    return Malformed(fmt::format("tag: {} seen, 18 (COSE_Sign1) or none wanted", outer.number));
  }
  const CborValue& array = tagged ? outer.items.at(0) : outer;
  if (array.kind != CborKind::kArray || array.items.size() != 4) return Malformed("an array of 4 is wanted");
  BLINDAI_TRY(document.protected_header, BytesOf(array.items[0], "protected header"));
  if (!std::equal(document.protected_header.begin(), document.protected_header.end(),
                  kProtectedHeader.begin(), kProtectedHeader.end())) {
    return Malformed("protected header: {1: -35} (ES384) and nothing else is wanted");
  }
  if (array.items[1].kind != CborKind::kMap || !array.items[1].items.empty()) {
    return Malformed("unprotected header: an empty map is wanted");
  }
  BLINDAI_TRY(document.payload, BytesOf(array.items[2], "payload"));
  BLINDAI_TRY(document.signature, BytesOf(array.items[3], "signature"));
  if (document.signature.size() != kNitroSignatureSize) {
    return Malformed(
        fmt::format("signature: {} bytes seen, {} wanted", document.signature.size(), kNitroSignatureSize));
  }
  return base::Ok();
}

}  // namespace

base::Result<NitroDocument> ParseNitroDocument(ByteView bytes) {
  NitroDocument document;
  auto envelope = ReadEnvelope(bytes, document);
  if (!envelope.ok()) return std::move(envelope).error().Within("Nitro document");
  auto payload = ReadPayload(document);
  if (!payload.ok()) return std::move(payload).error().Within("Nitro document: payload");
  return document;
}

}  // namespace blindai::evidence
