#include "crypto/cose_sign1.h"

#include <optional>

#include "base/check.h"
#include "encoding/cbor.h"

namespace blindai::crypto {
namespace {

using encoding::CborKind;
using encoding::CborValue;
using encoding::CborWriter;

constexpr std::uint64_t kSign1Tag = 18;
// Labels of RFC 9052 section 3.1.
constexpr std::uint64_t kAlgorithmLabel = 1;
constexpr std::uint64_t kCriticalLabel = 2;

base::Error BadCose(std::string message) {
  return base::Malformed("COSE: " + std::move(message), "bad-cose");
}

const CborValue* FindLabel(const CborValue& map, std::uint64_t label) {
  for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
    if (map.items[i].kind == CborKind::kUnsigned && map.items[i].number == label) return &map.items[i + 1];
  }
  return nullptr;
}

base::Result<CoseAlgorithm> ReadAlgorithm(base::ByteView protected_header) {
  BLINDAI_TRY(const CborValue header, encoding::ParseCbor(protected_header).Within("COSE protected header"));
  if (header.kind != CborKind::kMap) return BadCose("the protected header is not a map");
  if (FindLabel(header, kCriticalLabel) != nullptr)
    return BadCose("the protected header has critical fields");
  const CborValue* algorithm = FindLabel(header, kAlgorithmLabel);
  if (algorithm != nullptr && algorithm->kind == CborKind::kNegative) {
    if (algorithm->number == 34) return CoseAlgorithm::kEs384;
    if (algorithm->number == 6) return CoseAlgorithm::kEs256;
  }
  return BadCose("the algorithm is not ES384 (-35) or ES256 (-7)");
}

base::Bytes SignatureStructure(base::ByteView protected_header, base::ByteView payload) {
  CborWriter writer;
  writer.Array(4).Text("Signature1").Bytes(protected_header).Bytes({}).Bytes(payload);
  return std::move(writer).Take();
}

}  // namespace

base::Result<CoseSign1> ParseCoseSign1(base::ByteView bytes) {
  BLINDAI_TRY(CborValue value, encoding::ParseCbor(bytes).Within("COSE"));
  if (value.kind == CborKind::kTag && value.number == kSign1Tag) {
    CborValue inner = std::move(value.items[0]);
    value = std::move(inner);
  }
  if (value.kind != CborKind::kArray || value.items.size() != 4)
    return BadCose("not an array of four (COSE_Sign1)");
  const std::vector<CborValue>& part = value.items;
  if (part[0].kind != CborKind::kBytes || part[1].kind != CborKind::kMap ||
      part[2].kind != CborKind::kBytes || part[3].kind != CborKind::kBytes) {
    return BadCose("the four parts are not bytes, map, bytes, bytes");
  }
  BLINDAI_TRY(const CoseAlgorithm algorithm, ReadAlgorithm(part[0].string));
  return CoseSign1{part[0].string, part[2].string, part[3].string, algorithm};
}

bool VerifyCoseSign1(const CoseSign1& message, const PublicKey& key) {
  const bool p384 = message.algorithm == CoseAlgorithm::kEs384;
  if (key.kind() != (p384 ? KeyKind::kP384 : KeyKind::kP256)) return false;
  return key.VerifyEcdsaRaw(p384 ? HashAlgorithm::kSha384 : HashAlgorithm::kSha256,
                            SignatureStructure(message.protected_header, message.payload), message.signature);
}

base::Bytes MakeCoseSign1(base::ByteView payload, const SigningKey& key) {
  const bool p384 = key.kind() == KeyKind::kP384;
  BLINDAI_CHECK(p384 || key.kind() == KeyKind::kP256);
  CborWriter header;
  header.Map(1)
      .Unsigned(kAlgorithmLabel)
      .Signed(static_cast<int>(p384 ? CoseAlgorithm::kEs384 : CoseAlgorithm::kEs256));
  const base::Bytes protected_header = std::move(header).Take();
  const base::Bytes signature = key.SignEcdsaRaw(p384 ? HashAlgorithm::kSha384 : HashAlgorithm::kSha256,
                                                 SignatureStructure(protected_header, payload));
  CborWriter writer;
  writer.Array(4).Bytes(protected_header).Map(0).Bytes(payload).Bytes(signature);
  return std::move(writer).Take();
}

}  // namespace blindai::crypto
