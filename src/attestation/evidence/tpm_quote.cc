#include "attestation/evidence/tpm_quote.h"

#include <fmt/format.h>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace blindai::evidence {
namespace {

using base::ByteReader;
using base::Bytes;
using base::ByteView;
using base::Malformed;

constexpr std::uint32_t kMagic = 0xFF544347;  // 0xFF "TCG"
constexpr std::uint16_t kTypeQuote = 0x8018;
constexpr std::uint32_t kMaxSelections = 8;
constexpr std::size_t kMaxPcrValues = 8 * kTpmPcrCount;
constexpr std::size_t kMaxAttest = 4096;
constexpr std::size_t kMaxSignature = 2048;
constexpr std::uint32_t kDefaultRsaExponent = 65537;
constexpr std::string_view kContainerMagic = "BTPM";
constexpr std::uint16_t kContainerVersion = 1;

base::Result<TpmAlgorithm> ReadAlgorithm(ByteReader& reader, std::string_view field) {
  BLINDAI_TRY(const std::uint16_t id, reader.U16Big(field));
  return static_cast<TpmAlgorithm>(id);
}

// TPM2B: a 16-bit length and that many bytes.
base::Result<Bytes> ReadSized(ByteReader& reader, std::string_view field, std::size_t most) {
  BLINDAI_TRY(const std::uint16_t size, reader.U16Big(field));
  if (size > most) return Malformed(fmt::format("{}: {} bytes seen, at most {} wanted", field, size, most));
  BLINDAI_TRY(const ByteView bytes, reader.Take(field, size));
  return base::CopyBytes(bytes);
}

// u32 length and that many bytes, blindai's container.
base::Result<ByteView> ReadPart(ByteReader& reader, std::string_view field, std::size_t most) {
  BLINDAI_TRY(const std::uint32_t size, reader.U32Big(field));
  if (size > most) return Malformed(fmt::format("{}: {} bytes seen, at most {} wanted", field, size, most));
  return reader.Take(field, size);
}

base::Result<TpmPcrSelection> ReadSelection(ByteReader& reader) {
  TpmPcrSelection selection;
  BLINDAI_TRY(selection.bank, ReadAlgorithm(reader, "pcrSelect hash"));
  BLINDAI_TRY(const std::uint8_t size, reader.U8("sizeofSelect"));
  if (size > 3) return Malformed(fmt::format("sizeofSelect: {} seen, at most 3 wanted", size));
  BLINDAI_TRY(const ByteView bitmap, reader.Take("pcrSelect", size));
  for (std::size_t i = 0; i < bitmap.size(); ++i) selection.pcrs |= std::uint32_t{bitmap[i]} << (8 * i);
  return selection;
}

base::Status ReadClock(ByteReader& reader, TpmAttest& attest) {
  BLINDAI_TRY(attest.clock_ms, reader.U64Big("clock"));
  BLINDAI_TRY(attest.reset_count, reader.U32Big("resetCount"));
  BLINDAI_TRY(attest.restart_count, reader.U32Big("restartCount"));
  BLINDAI_TRY(const std::uint8_t safe, reader.U8("safe"));
  if (safe > 1) return Malformed(fmt::format("safe: {} seen, 0 or 1 wanted", safe));
  attest.clock_safe = safe == 1;
  BLINDAI_TRY(attest.firmware_version, reader.U64Big("firmwareVersion"));
  return base::Ok();
}

// A scheme: TPM_ALG_NULL, or an algorithm with its hash.
base::Status ReadScheme(ByteReader& reader, TpmPublic& key) {
  BLINDAI_TRY(key.scheme, ReadAlgorithm(reader, "scheme"));
  if (key.scheme == TpmAlgorithm::kNull) return base::Ok();
  if (key.scheme != TpmAlgorithm::kRsaSsa && key.scheme != TpmAlgorithm::kRsaPss &&
      key.scheme != TpmAlgorithm::kEcdsa) {
    return Malformed(fmt::format("scheme: {:#06x} seen, RSASSA, RSAPSS, ECDSA or none wanted",
                                 static_cast<std::uint16_t>(key.scheme)));
  }
  BLINDAI_TRY(key.scheme_hash, ReadAlgorithm(reader, "scheme hash"));
  return base::Ok();
}

// TPMT_SYM_DEF_OBJECT: only decryption keys have one; it is read over.
base::Status SkipSymmetric(ByteReader& reader) {
  BLINDAI_TRY(const TpmAlgorithm algorithm, ReadAlgorithm(reader, "symmetric"));
  if (algorithm == TpmAlgorithm::kNull) return base::Ok();
  return reader.Skip("symmetric key bits and mode", 4);
}

base::Status ReadRsa(ByteReader& reader, TpmPublic& key) {
  BLINDAI_RETURN_IF_ERROR(SkipSymmetric(reader));
  BLINDAI_RETURN_IF_ERROR(ReadScheme(reader, key));
  BLINDAI_TRY(const std::uint16_t key_bits, reader.U16Big("keyBits"));
  BLINDAI_TRY(const std::uint32_t exponent, reader.U32Big("exponent"));
  key.exponent = exponent == 0 ? kDefaultRsaExponent : exponent;
  BLINDAI_TRY(key.modulus, ReadSized(reader, "modulus", 512));
  if (key.modulus.size() * 8 != key_bits) {
    return Malformed(fmt::format("modulus: {} bytes seen, {} bits wanted", key.modulus.size(), key_bits));
  }
  return base::Ok();
}

base::Status ReadEcc(ByteReader& reader, TpmPublic& key) {
  BLINDAI_RETURN_IF_ERROR(SkipSymmetric(reader));
  BLINDAI_RETURN_IF_ERROR(ReadScheme(reader, key));
  BLINDAI_TRY(key.curve, reader.U16Big("curveID"));
  BLINDAI_TRY(const TpmAlgorithm kdf, ReadAlgorithm(reader, "kdf"));
  if (kdf != TpmAlgorithm::kNull) BLINDAI_RETURN_IF_ERROR(reader.Skip("kdf hash", 2));
  BLINDAI_TRY(key.x, ReadSized(reader, "x", 66));
  BLINDAI_TRY(key.y, ReadSized(reader, "y", 66));
  return base::Ok();
}

base::Result<TpmAttest> ReadAttest(ByteView bytes) {
  TpmAttest attest;
  attest.raw = base::CopyBytes(bytes);
  ByteReader reader(bytes);
  BLINDAI_TRY(const std::uint32_t magic, reader.U32Big("magic"));
  if (magic != kMagic) {
    return base::MakeError(
        base::ErrorKind::kInvalid, "tpm-magic",
        fmt::format("magic: {:#010x} seen, {:#010x} wanted: a TPM did not make this", magic, kMagic));
  }
  BLINDAI_TRY(const std::uint16_t type, reader.U16Big("type"));
  if (type != kTypeQuote) {
    return base::MakeError(base::ErrorKind::kInvalid, "tpm-type",
                           fmt::format("type: {:#06x} seen, {:#06x} (quote) wanted", type, kTypeQuote));
  }
  BLINDAI_TRY(attest.qualified_signer, ReadSized(reader, "qualifiedSigner", 66));
  BLINDAI_TRY(attest.extra_data, ReadSized(reader, "extraData", 66));
  BLINDAI_RETURN_IF_ERROR(ReadClock(reader, attest));
  BLINDAI_TRY(const std::uint32_t count, reader.U32Big("pcrSelect count"));
  if (count > kMaxSelections) {
    return Malformed(fmt::format("pcrSelect count: {} seen, at most {} wanted", count, kMaxSelections));
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    BLINDAI_TRY(attest.selections.emplace_back(), ReadSelection(reader));
  }
  BLINDAI_TRY(attest.pcr_digest, ReadSized(reader, "pcrDigest", 64));
  BLINDAI_RETURN_IF_ERROR(reader.End("attestation"));
  return attest;
}

base::Result<TpmSignature> ReadSignature(ByteView bytes) {
  TpmSignature signature;
  signature.raw = base::CopyBytes(bytes);
  ByteReader reader(bytes);
  BLINDAI_TRY(signature.scheme, ReadAlgorithm(reader, "sigAlg"));
  BLINDAI_TRY(signature.hash, ReadAlgorithm(reader, "hash"));
  switch (signature.scheme) {
    case TpmAlgorithm::kRsaSsa:
    case TpmAlgorithm::kRsaPss: {
      BLINDAI_TRY(signature.rsa, ReadSized(reader, "sig", 512));
      break;
    }
    case TpmAlgorithm::kEcdsa: {
      BLINDAI_TRY(signature.r, ReadSized(reader, "signatureR", 66));
      BLINDAI_TRY(signature.s, ReadSized(reader, "signatureS", 66));
      break;
    }
    default:
      return Malformed(fmt::format("sigAlg: {:#06x} seen, RSASSA, RSAPSS or ECDSA wanted",
                                   static_cast<std::uint16_t>(signature.scheme)));
  }
  BLINDAI_RETURN_IF_ERROR(reader.End("signature"));
  return signature;
}

base::Result<TpmPublic> ReadPublic(ByteView bytes) {
  TpmPublic key;
  key.raw = base::CopyBytes(bytes);
  ByteReader reader(bytes);
  BLINDAI_TRY(key.type, ReadAlgorithm(reader, "type"));
  BLINDAI_TRY(key.name_hash, ReadAlgorithm(reader, "nameAlg"));
  BLINDAI_TRY(key.attributes.raw, reader.U32Big("objectAttributes"));
  BLINDAI_TRY(const Bytes policy, ReadSized(reader, "authPolicy", 64));
  switch (key.type) {
    case TpmAlgorithm::kRsa:
      BLINDAI_RETURN_IF_ERROR(ReadRsa(reader, key));
      break;
    case TpmAlgorithm::kEcc:
      BLINDAI_RETURN_IF_ERROR(ReadEcc(reader, key));
      break;
    default:
      return Malformed(
          fmt::format("type: {:#06x} seen, RSA or ECC wanted", static_cast<std::uint16_t>(key.type)));
  }
  BLINDAI_RETURN_IF_ERROR(reader.End("public area"));
  return key;
}

base::Result<std::vector<TpmPcrValue>> ReadPcrValues(ByteReader& reader) {
  BLINDAI_TRY(const std::uint16_t count, reader.U16Big("PCR count"));
  if (count > kMaxPcrValues) {
    return Malformed(fmt::format("PCR count: {} seen, at most {} wanted", count, kMaxPcrValues));
  }
  std::vector<TpmPcrValue> values;
  for (unsigned i = 0; i < count; ++i) {
    TpmPcrValue value;
    BLINDAI_TRY(value.bank, ReadAlgorithm(reader, "PCR bank"));
    BLINDAI_TRY(value.index, reader.U8("PCR index"));
    const auto size = TpmDigestSize(value.bank);
    if (!size)
      return Malformed(fmt::format("PCR bank: {:#06x} is not known", static_cast<std::uint16_t>(value.bank)));
    if (value.index >= kTpmPcrCount)
      return Malformed(fmt::format("PCR index: {} seen, at most 23 wanted", value.index));
    BLINDAI_TRY(const ByteView digest, reader.Take("PCR value", *size));
    value.digest = base::CopyBytes(digest);
    for (const TpmPcrValue& other : values) {
      if (other.bank == value.bank && other.index == value.index) {
        return Malformed(fmt::format("PCR index: {} of bank {} is there twice", value.index,
                                     TpmAlgorithmName(value.bank)));
      }
    }
    values.push_back(std::move(value));
  }
  return values;
}

base::Result<TpmEvidence> ReadEvidence(ByteView bytes) {
  ByteReader reader(bytes);
  BLINDAI_TRY(const ByteView magic, reader.Take("magic", kContainerMagic.size()));
  if (base::AsText(magic) != kContainerMagic) return Malformed("magic: \"BTPM\" wanted");
  BLINDAI_TRY(const std::uint16_t version, reader.U16Big("version"));
  if (version != kContainerVersion) return Malformed(fmt::format("version: {} seen, 1 wanted", version));
  BLINDAI_TRY(const ByteView attest, ReadPart(reader, "attestation", kMaxAttest));
  BLINDAI_TRY(const ByteView signature, ReadPart(reader, "signature", kMaxSignature));

  TpmEvidence evidence;
  BLINDAI_TRY(evidence.attest, ParseTpmAttest(attest));
  BLINDAI_TRY(evidence.signature, ParseTpmSignature(signature));
  BLINDAI_TRY(evidence.pcrs, ReadPcrValues(reader));
  BLINDAI_RETURN_IF_ERROR(reader.End("TPM evidence"));
  return evidence;
}

}  // namespace

std::string_view TpmAlgorithmName(TpmAlgorithm algorithm) {
  switch (algorithm) {
    case TpmAlgorithm::kRsa:
      return "rsa";
    case TpmAlgorithm::kSha1:
      return "sha1";
    case TpmAlgorithm::kSha256:
      return "sha256";
    case TpmAlgorithm::kSha384:
      return "sha384";
    case TpmAlgorithm::kSha512:
      return "sha512";
    case TpmAlgorithm::kNull:
      return "null";
    case TpmAlgorithm::kSm3:
      return "sm3";
    case TpmAlgorithm::kRsaSsa:
      return "rsassa";
    case TpmAlgorithm::kRsaPss:
      return "rsapss";
    case TpmAlgorithm::kEcdsa:
      return "ecdsa";
    case TpmAlgorithm::kEcc:
      return "ecc";
  }
  return "unknown";
}

std::optional<std::size_t> TpmDigestSize(TpmAlgorithm hash) {
  switch (hash) {
    case TpmAlgorithm::kSha1:
      return 20;
    case TpmAlgorithm::kSha256:
    case TpmAlgorithm::kSm3:
      return 32;
    case TpmAlgorithm::kSha384:
      return 48;
    case TpmAlgorithm::kSha512:
      return 64;
    default:
      return std::nullopt;
  }
}

base::Result<TpmAttest> ParseTpmAttest(ByteView bytes) { return ReadAttest(bytes).Within("TPMS_ATTEST"); }

base::Result<TpmSignature> ParseTpmSignature(ByteView bytes) {
  return ReadSignature(bytes).Within("TPMT_SIGNATURE");
}

base::Result<TpmPublic> ParseTpmPublic(ByteView bytes) { return ReadPublic(bytes).Within("TPMT_PUBLIC"); }

base::Result<TpmEvidence> ParseTpmEvidence(ByteView bytes) {
  return ReadEvidence(bytes).Within("TPM evidence");
}

Bytes SerializeTpmEvidence(ByteView attest, ByteView signature, const std::vector<TpmPcrValue>& pcrs) {
  base::ByteWriter writer;
  writer.Append(kContainerMagic).U16Big(kContainerVersion);
  for (const ByteView part : {attest, signature}) {
    writer.U32Big(static_cast<std::uint32_t>(part.size())).Append(part);
  }
  writer.U16Big(static_cast<std::uint16_t>(pcrs.size()));
  for (const TpmPcrValue& value : pcrs) {
    writer.U16Big(static_cast<std::uint16_t>(value.bank)).U8(value.index).Append(value.digest);
  }
  return std::move(writer).Take();
}

}  // namespace blindai::evidence
