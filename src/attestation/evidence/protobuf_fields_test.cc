#include "attestation/evidence/protobuf_fields.h"

#include <gtest/gtest.h>

namespace blindai::evidence {
namespace {

TEST(ProtobufFields, NumbersAndBytesAreFoundByTheirField) {
  const base::Bytes message = {0x08, 0x96, 0x01, 0x12, 0x02, 'h', 'i', 0x12, 0x01, 'x'};
  const auto fields = ProtobufFields::Parse(message);
  ASSERT_TRUE(fields.ok());
  EXPECT_EQ(fields->Varint(1), 150U);
  EXPECT_EQ(base::AsText(fields->Bytes(2)), "x") << "the last one counts";
  EXPECT_TRUE(fields->Bytes(3).empty());
  EXPECT_EQ(fields->all().size(), 3U);
}

TEST(ProtobufFields, EveryTruncationInsideAFieldIsAnError) {
  const base::Bytes message = {0x12, 0x03, 'a', 'b', 'c'};
  for (std::size_t size = 1; size < message.size(); ++size) {
    EXPECT_FALSE(ProtobufFields::Parse(base::ByteView(message).first(size)).ok()) << size;
  }
}

TEST(ProtobufFields, LyingLengthsAndOtherTypesAreRefused) {
  const base::Bytes huge = {0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
  EXPECT_FALSE(ProtobufFields::Parse(huge).ok());
  EXPECT_FALSE(ProtobufFields::Parse(base::Bytes(12, 0xff)).ok());
  EXPECT_FALSE(ProtobufFields::Parse(base::Bytes{0x0d, 0, 0, 0, 0}).ok()) << "fixed32";
  EXPECT_FALSE(ProtobufFields::Parse(base::Bytes(2 * 5000, 0x08)).ok()) << "too many fields";
}

}  // namespace
}  // namespace blindai::evidence
