#include "support/fake_tpm.h"

#include "base/byte_writer.h"
#include "base/check.h"

namespace blindai::tests {
namespace {

using base::Bytes;
using base::ByteView;
using base::ByteWriter;
using crypto::KeyKind;
using evidence::TpmAlgorithm;

// SHA-1 is not among crypto's: a quote that names it is signed with SHA-256 and refused for the name.
crypto::HashAlgorithm HashFor(TpmAlgorithm hash) {
  switch (hash) {
    case TpmAlgorithm::kSha384:
      return crypto::HashAlgorithm::kSha384;
    case TpmAlgorithm::kSha512:
      return crypto::HashAlgorithm::kSha512;
    default:
      return crypto::HashAlgorithm::kSha256;
  }
}

void AppendSized(ByteWriter& writer, ByteView bytes) {
  writer.U16Big(static_cast<std::uint16_t>(bytes.size())).Append(bytes);
}
std::uint16_t Number(TpmAlgorithm algorithm) { return static_cast<std::uint16_t>(algorithm); }

}  // namespace

TpmQuoteSpec::TpmQuoteSpec() {
  for (std::uint8_t index = 0; index < evidence::kTpmPcrCount; ++index) {
    pcrs.push_back({TpmAlgorithm::kSha256, index, Bytes(32, index)});
  }
}

FakeTpm::FakeTpm(crypto::SigningKey ak)
    : ak_(std::move(ak)), ca_(MakeRoot(PkiCaSpec("test TPM CA"), crypto::SigningKey::GenerateP256())) {}

Bytes FakeTpm::Attest(const TpmQuoteSpec& spec) const {
  Bytes selected;
  for (const auto& selection : spec.selections) {
    for (const auto& value : spec.pcrs) {
      if (value.bank != selection.bank || !selection.contains(value.index)) continue;
      selected.insert(selected.end(), value.digest.begin(), value.digest.end());
    }
  }
  ByteWriter writer;
  writer.U32Big(0xFF544347).U16Big(0x8018);
  AppendSized(writer, Bytes{0x00, 0x0B, 0xAA});
  AppendSized(writer, spec.nonce);
  writer.U64Big(1000).U32Big(3).U32Big(1).U8(1).U64Big(0x2019);
  writer.U32Big(static_cast<std::uint32_t>(spec.selections.size()));
  for (const auto& selection : spec.selections) {
    writer.U16Big(Number(selection.bank)).U8(3);
    for (unsigned i = 0; i < 3; ++i) writer.U8(static_cast<std::uint8_t>(selection.pcrs >> (8 * i)));
  }
  AppendSized(writer, crypto::Hash(HashFor(spec.hash), selected));
  return std::move(writer).Take();
}

Bytes FakeTpm::Signature(const TpmQuoteSpec& spec, ByteView attest) const {
  ByteWriter writer;
  writer.U16Big(Number(spec.scheme)).U16Big(Number(spec.hash));
  if (spec.scheme == TpmAlgorithm::kEcdsa) {
    const Bytes r_s = ak_.SignEcdsaRaw(HashFor(spec.hash), attest);
    AppendSized(writer, ByteView(r_s).first(r_s.size() / 2));
    AppendSized(writer, ByteView(r_s).subspan(r_s.size() / 2));
  } else if (spec.scheme == TpmAlgorithm::kRsaPss) {
    AppendSized(writer, ak_.SignRsaPss(HashFor(spec.hash), attest));
  } else {
    AppendSized(writer, ak_.SignRsaPkcs1(HashFor(spec.hash), attest));
  }
  return std::move(writer).Take();
}

Bytes FakeTpm::Quote(const TpmQuoteSpec& spec) const {
  const Bytes attest = Attest(spec);
  return evidence::SerializeTpmEvidence(attest, Signature(spec, attest), spec.pcrs);
}

Bytes FakeTpm::PublicArea(std::uint32_t attributes) const {
  ByteWriter writer;
  const bool rsa = ak_.kind() == KeyKind::kRsa;
  writer.U16Big(Number(rsa ? TpmAlgorithm::kRsa : TpmAlgorithm::kEcc)).U16Big(Number(TpmAlgorithm::kSha256));
  writer.U32Big(attributes).U16Big(0).U16Big(Number(TpmAlgorithm::kNull));
  if (rsa) {
    const Bytes modulus = ak_.public_key().RsaModulus();
    writer.U16Big(Number(TpmAlgorithm::kRsaSsa)).U16Big(Number(TpmAlgorithm::kSha256));
    writer.U16Big(static_cast<std::uint16_t>(8 * modulus.size())).U32Big(0);
    AppendSized(writer, modulus);
  } else {
    const Bytes point = ak_.public_key().EcPoint();
    const ByteView view(point);
    writer.U16Big(Number(TpmAlgorithm::kNull));
    writer.U16Big(ak_.kind() == KeyKind::kP384 ? evidence::kTpmCurveP384 : evidence::kTpmCurveP256);
    writer.U16Big(Number(TpmAlgorithm::kNull));
    AppendSized(writer, view.first(view.size() / 2));
    AppendSized(writer, view.subspan(view.size() / 2));
  }
  return std::move(writer).Take();
}

crypto::Certificate FakeTpm::Certificate() const { return Issue(PkiSpec("test AK"), ak(), ca_); }

endorsements::Endorsements FakeTpm::Endorsements() const {
  endorsements::Endorsements bundle;
  BLINDAI_CHECK(bundle.Add(endorsements::name::kAk, PublicArea()).ok());
  BLINDAI_CHECK(bundle.Add(endorsements::name::kAkChain, PemOf({Certificate(), ca_.certificate})).ok());
  return bundle;
}

verifier::TrustAnchors FakeTpm::Anchors() const {
  verifier::TrustAnchors anchors = verifier::TrustAnchors::Production();
  anchors.AddExtra("test TPM CA", ca_.certificate.public_key().SpkiSha256(), ca_.certificate.der());
  return anchors;
}

}  // namespace blindai::tests
