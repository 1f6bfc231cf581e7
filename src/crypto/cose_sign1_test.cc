#include "crypto/cose_sign1.h"

#include <gtest/gtest.h>

#include "encoding/cbor.h"
#include "support/paths.h"

namespace blindai::crypto {
namespace {

using base::Bytes;
using encoding::CborWriter;

Bytes Message(Bytes protected_header) {
  CborWriter writer;
  writer.Array(4).Bytes(protected_header).Map(0).Bytes(Bytes{1}).Bytes(Bytes(96));
  return std::move(writer).Take();
}

TEST(CoseSign1, VerifiesOnlyWithTheKeyThatSigned) {
  for (const auto& key : {SigningKey::GenerateP384(), SigningKey::GenerateP256()}) {
    const auto message = ParseCoseSign1(MakeCoseSign1(Bytes{1, 2, 3}, key));
    ASSERT_TRUE(message.ok()) << message.error().message;
    EXPECT_EQ(message->payload, (Bytes{1, 2, 3}));
    EXPECT_TRUE(VerifyCoseSign1(*message, key.public_key()));
    EXPECT_FALSE(VerifyCoseSign1(*message, SigningKey::GenerateP384().public_key()));
    EXPECT_FALSE(VerifyCoseSign1(*message, SigningKey::GenerateP256().public_key()));
    EXPECT_FALSE(VerifyCoseSign1(*message, SigningKey::GenerateRsa(2048).public_key()));
    CoseSign1 bent = *message;
    bent.payload[0] ^= 1;
    EXPECT_FALSE(VerifyCoseSign1(bent, key.public_key()));
    bent = *message;
    bent.protected_header.push_back(0);
    EXPECT_FALSE(VerifyCoseSign1(bent, key.public_key()));
  }
}

TEST(CoseSign1, TheTagIsOptional) {
  Bytes message = MakeCoseSign1(Bytes{1}, SigningKey::GenerateP384());
  message.insert(message.begin(), 0xd2);
  EXPECT_TRUE(ParseCoseSign1(message).ok());
  message[0] = 0xd1;
  EXPECT_FALSE(ParseCoseSign1(message).ok());
}

TEST(CoseSign1, RefusesOtherShapesAndAlgorithms) {
  EXPECT_TRUE(ParseCoseSign1(Message(Bytes{0xa1, 0x01, 0x38, 0x22})).ok());
  EXPECT_EQ(ParseCoseSign1(Message(Bytes{0xa1, 0x01, 0x38, 0x23})).error().code, "bad-cose");  // ES512
  EXPECT_EQ(ParseCoseSign1(Message(Bytes{0xa0})).error().code, "bad-cose");                    // none
  EXPECT_EQ(ParseCoseSign1(Message(Bytes{})).error().code, "cbor-ends-early");                 // no map
  EXPECT_EQ(ParseCoseSign1(Message(Bytes{0xa2, 0x01, 0x38, 0x22, 0x02, 0x81, 0x01})).error().code,
            "bad-cose");  // crit
  EXPECT_EQ(ParseCoseSign1(Bytes{0x83, 0x40, 0xa0, 0x40}).error().code, "bad-cose");
  EXPECT_EQ(ParseCoseSign1(Bytes{0x84, 0x40, 0xa0, 0xf6, 0x40}).error().code, "bad-cose");
}

TEST(CoseSign1, RealDocumentsAreRead) {
  const auto vectors = tests::VectorsDir();
  if (!vectors) GTEST_SKIP() << tests::kNoVectors;
  const auto message = ParseCoseSign1(tests::ReadFile(*vectors / "nitro/fortanix/request_proper.bin"));
  ASSERT_TRUE(message.ok()) << message.error().message;
  EXPECT_EQ(message->algorithm, CoseAlgorithm::kEs384);
}

}  // namespace
}  // namespace blindai::crypto
