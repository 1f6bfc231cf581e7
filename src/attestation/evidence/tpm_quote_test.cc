#include "attestation/evidence/tpm_quote.h"

#include <gtest/gtest.h>

#include "base/byte_writer.h"
#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::evidence {
namespace {

using base::Bytes;
using base::ByteWriter;

Bytes Sized(base::ByteView bytes) {
  ByteWriter writer;
  writer.U16Big(static_cast<std::uint16_t>(bytes.size())).Append(bytes);
  return std::move(writer).Take();
}

struct AttestParts {
  std::uint32_t magic = 0xFF544347;
  std::uint16_t type = 0x8018;
  Bytes signer = {0x00, 0x0B, 0xAA};
  Bytes nonce = {1, 2, 3, 4};
  std::uint8_t safe = 1;
  Bytes selections = {0, 0, 0, 1, 0x00, 0x0B, 3, 0x01, 0x80, 0x80};
  Bytes digest = Bytes(32, 0xDD);
  Bytes tail;

  Bytes Build() const {
    ByteWriter writer;
    writer.U32Big(magic).U16Big(type).Append(Sized(signer)).Append(Sized(nonce));
    writer.U64Big(5000).U32Big(7).U32Big(9).U8(safe).U64Big(0x20160511);
    writer.Append(selections).Append(Sized(digest)).Append(tail);
    return std::move(writer).Take();
  }
};

std::string ErrorOf(const AttestParts& parts) {
  const auto attest = ParseTpmAttest(parts.Build());
  return attest.ok() ? "" : attest.error().message;
}

TEST(TpmAttest, ReadsEveryField) {
  const auto attest = ParseTpmAttest(AttestParts().Build());
  ASSERT_TRUE(attest.ok()) << attest.error().message;
  EXPECT_EQ(attest->qualified_signer, (Bytes{0x00, 0x0B, 0xAA}));
  EXPECT_EQ(attest->extra_data, (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(attest->clock_ms, 5000u);
  EXPECT_EQ(attest->reset_count, 7u);
  EXPECT_EQ(attest->restart_count, 9u);
  EXPECT_TRUE(attest->clock_safe);
  EXPECT_EQ(attest->firmware_version, 0x20160511u);
  ASSERT_EQ(attest->selections.size(), 1u);
  EXPECT_EQ(attest->selections[0].bank, TpmAlgorithm::kSha256);
  EXPECT_TRUE(attest->selections[0].contains(0));
  EXPECT_TRUE(attest->selections[0].contains(15));
  EXPECT_TRUE(attest->selections[0].contains(23));
  EXPECT_FALSE(attest->selections[0].contains(1));
  EXPECT_FALSE(attest->selections[0].contains(40));
  EXPECT_EQ(attest->pcr_digest, Bytes(32, 0xDD));
  EXPECT_EQ(attest->raw, AttestParts().Build());
}

TEST(TpmAttest, MagicShowsWhoMadeIt) {
  AttestParts parts;
  parts.magic = 0xFF544346;
  const auto attest = ParseTpmAttest(parts.Build());
  ASSERT_FALSE(attest.ok());
  EXPECT_EQ(attest.error().code, "tpm-magic");
}

TEST(TpmAttest, OnlyQuotesAreRead) {
  for (const std::uint16_t type : {0x8017, 0x801A, 0x8014}) {
    AttestParts parts;
    parts.type = type;
    const auto attest = ParseTpmAttest(parts.Build());
    ASSERT_FALSE(attest.ok());
    EXPECT_EQ(attest.error().code, "tpm-type");
  }
}

TEST(TpmAttest, RefusesWhatTheStandardDoesNotAllow) {
  AttestParts parts;
  parts.tail = {0};
  EXPECT_NE(ErrorOf(parts), "");
  parts = {};
  parts.safe = 2;
  EXPECT_EQ(ErrorOf(parts), "TPMS_ATTEST: safe: 2 seen, 0 or 1 wanted");
  parts = {};
  parts.nonce = Bytes(67, 1);
  EXPECT_EQ(ErrorOf(parts), "TPMS_ATTEST: extraData: 67 bytes seen, at most 66 wanted");
  parts = {};
  parts.selections = {0xFF, 0xFF, 0xFF, 0xFF};
  EXPECT_EQ(ErrorOf(parts), "TPMS_ATTEST: pcrSelect count: 4294967295 seen, at most 8 wanted");
  parts = {};
  parts.selections = {0, 0, 0, 1, 0x00, 0x0B, 4, 0x01, 0x80, 0x80, 0};
  EXPECT_EQ(ErrorOf(parts), "TPMS_ATTEST: sizeofSelect: 4 seen, at most 3 wanted");
}

TEST(TpmAttest, EveryTruncationIsRefused) {
  const Bytes bytes = AttestParts().Build();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseTpmAttest(base::ByteView(bytes).first(size)).ok()) << size;
  }
}

TEST(TpmSignature, ReadsRsaAndEcdsa) {
  ByteWriter rsa;
  rsa.U16Big(0x0014).U16Big(0x000B).Append(Sized(Bytes(256, 0x5A)));
  const auto first = ParseTpmSignature(rsa.view());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->scheme, TpmAlgorithm::kRsaSsa);
  EXPECT_EQ(first->hash, TpmAlgorithm::kSha256);
  EXPECT_EQ(first->rsa.size(), 256u);

  ByteWriter ecdsa;
  ecdsa.U16Big(0x0018).U16Big(0x000C).Append(Sized(Bytes(48, 1))).Append(Sized(Bytes(47, 2)));
  const auto second = ParseTpmSignature(ecdsa.view());
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->r.size(), 48u);
  EXPECT_EQ(second->s.size(), 47u);
  for (std::size_t size = 0; size < ecdsa.size(); ++size) {
    EXPECT_FALSE(ParseTpmSignature(ecdsa.view().first(size)).ok()) << size;
  }
}

TEST(TpmSignature, RefusesOtherSchemesTailsAndLengths) {
  ByteWriter hmac;
  hmac.U16Big(0x0005).U16Big(0x000B).Append(Bytes(32, 1));
  EXPECT_FALSE(ParseTpmSignature(hmac.view()).ok());
  ByteWriter tail;
  tail.U16Big(0x0014).U16Big(0x000B).Append(Sized(Bytes(256, 1))).U8(0);
  EXPECT_FALSE(ParseTpmSignature(tail.view()).ok());
  ByteWriter huge;
  huge.U16Big(0x0014).U16Big(0x000B).U16Big(0xFFFF).Append(Bytes(600, 1));
  EXPECT_FALSE(ParseTpmSignature(huge.view()).ok());
}

// A restricted RSA signing key as ESAPI makes it.
Bytes RsaPublic(std::uint16_t key_bits = 2048) {
  ByteWriter writer;
  writer.U16Big(0x0001).U16Big(0x000B).U32Big(0x00050072).U16Big(0);
  writer.U16Big(0x0010).U16Big(0x0014).U16Big(0x000B).U16Big(key_bits).U32Big(0).Append(
      Sized(Bytes(256, 0xC3)));
  return std::move(writer).Take();
}

TEST(TpmPublic, ReadsAnRsaKey) {
  const auto key = ParseTpmPublic(RsaPublic());
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_EQ(key->type, TpmAlgorithm::kRsa);
  EXPECT_EQ(key->scheme, TpmAlgorithm::kRsaSsa);
  EXPECT_EQ(key->scheme_hash, TpmAlgorithm::kSha256);
  EXPECT_EQ(key->exponent, 65537u);
  EXPECT_TRUE(key->attributes.fixed_tpm() && key->attributes.fixed_parent());
  EXPECT_TRUE(key->attributes.sensitive_data_origin() && key->attributes.restricted() &&
              key->attributes.sign());
  EXPECT_FALSE(key->attributes.decrypt());
  EXPECT_EQ(key->modulus.size(), 256u);
}

TEST(TpmPublic, ReadsAnEccKeyWithAndWithoutScheme) {
  for (const bool scheme : {true, false}) {
    ByteWriter writer;
    writer.U16Big(0x0023).U16Big(0x000B).U32Big(0x00050072).U16Big(0).U16Big(0x0010);
    if (scheme) {
      writer.U16Big(0x0018).U16Big(0x000B);
    } else {
      writer.U16Big(0x0010);
    }
    writer.U16Big(kTpmCurveP256).U16Big(0x0010).Append(Sized(Bytes(32, 1))).Append(Sized(Bytes(32, 2)));
    const auto key = ParseTpmPublic(writer.view());
    ASSERT_TRUE(key.ok()) << key.error().message;
    EXPECT_EQ(key->curve, kTpmCurveP256);
    EXPECT_EQ(key->x, Bytes(32, 1));
    EXPECT_EQ(key->scheme, scheme ? TpmAlgorithm::kEcdsa : TpmAlgorithm::kNull);
  }
}

TEST(TpmPublic, RefusesOtherTypesAndLengths) {
  Bytes keyed_hash = RsaPublic();
  keyed_hash[1] = 0x08;
  EXPECT_FALSE(ParseTpmPublic(keyed_hash).ok());
  EXPECT_FALSE(ParseTpmPublic(RsaPublic(3072)).ok());
  Bytes tail = RsaPublic();
  tail.push_back(0);
  EXPECT_FALSE(ParseTpmPublic(tail).ok());
  const Bytes bytes = RsaPublic();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseTpmPublic(base::ByteView(bytes).first(size)).ok()) << size;
  }
}

Bytes RsaSignature() {
  ByteWriter writer;
  writer.U16Big(0x0014).U16Big(0x000B).Append(Sized(Bytes(256, 0x5A)));
  return std::move(writer).Take();
}

TEST(TpmEvidence, WhatIsWrittenIsRead) {
  const std::vector<TpmPcrValue> pcrs = {{TpmAlgorithm::kSha256, 0, Bytes(32, 1)},
                                         {TpmAlgorithm::kSha384, 23, Bytes(48, 2)}};
  const Bytes bytes = SerializeTpmEvidence(AttestParts().Build(), RsaSignature(), pcrs);
  const auto evidence = ParseTpmEvidence(bytes);
  ASSERT_TRUE(evidence.ok()) << evidence.error().message;
  EXPECT_EQ(evidence->attest.raw, AttestParts().Build());
  ASSERT_EQ(evidence->pcrs.size(), 2u);
  EXPECT_EQ(evidence->pcrs[1].index, 23);
  EXPECT_EQ(evidence->pcrs[1].digest, Bytes(48, 2));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseTpmEvidence(base::ByteView(bytes).first(size)).ok()) << size;
  }
}

TEST(TpmEvidence, RefusesOtherContainersAndPcrsThatAreWrong) {
  const auto with = [](const std::vector<TpmPcrValue>& pcrs) {
    return SerializeTpmEvidence(AttestParts().Build(), RsaSignature(), pcrs);
  };
  const auto refused = [](const Bytes& bytes) { return !ParseTpmEvidence(bytes).ok(); };
  Bytes bytes = with({});
  EXPECT_FALSE(refused(bytes));
  bytes[0] = 'X';
  EXPECT_TRUE(refused(bytes));
  bytes = with({});
  bytes[5] = 2;
  EXPECT_TRUE(refused(bytes));
  EXPECT_TRUE(refused(with({{TpmAlgorithm::kSha256, 24, Bytes(32, 1)}})));
  EXPECT_TRUE(refused(with({{TpmAlgorithm::kRsa, 0, Bytes(32, 1)}})));
  EXPECT_TRUE(
      refused(with({{TpmAlgorithm::kSha256, 3, Bytes(32, 1)}, {TpmAlgorithm::kSha256, 3, Bytes(32, 1)}})));
  bytes = with({});
  bytes.push_back(0);
  EXPECT_TRUE(refused(bytes));
}

TEST(TpmAttest, ReadsTheBareSampleOfDstack) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  const auto attest = ParseTpmAttest(tests::ReadVector("tpm/dstack/tpm_quote_sample.bin"));
  ASSERT_TRUE(attest.ok()) << attest.error().message;
  EXPECT_EQ(tests::ToHex(attest->extra_data), "12345678");
}

}  // namespace
}  // namespace blindai::evidence
