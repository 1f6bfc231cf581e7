#include "base/byte_reader.h"

#include <gtest/gtest.h>

namespace blindai::base {
namespace {

const Bytes kNine = {1, 2, 3, 4, 5, 6, 7, 8, 9};

TEST(ByteReader, ReadsLittleEndian) {
  ByteReader reader(kNine);
  EXPECT_EQ(*reader.U8("a"), 0x01);
  EXPECT_EQ(*reader.U16("b"), 0x0302);
  EXPECT_EQ(*reader.U32("c"), 0x07060504u);
  EXPECT_EQ(reader.offset(), 7u);
}

TEST(ByteReader, ReadsBigEndian) {
  ByteReader reader(kNine);
  EXPECT_EQ(*reader.U64Big("a"), 0x0102030405060708u);
  ByteReader again(kNine);
  EXPECT_EQ(*again.U16Big("a"), 0x0102);
  EXPECT_EQ(*again.U32Big("b"), 0x03040506u);
}

TEST(ByteReader, ReadsEightLittleEndianBytes) {
  ByteReader reader(kNine);
  EXPECT_EQ(*reader.U64("a"), 0x0807060504030201u);
}

TEST(ByteReader, ErrorNamesFieldOffsetAndWhatIsLeft) {
  ByteReader reader(kNine);
  ASSERT_TRUE(reader.Skip("header", 6).ok());
  const auto result = reader.Take("REPORTDATA", 64);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "REPORTDATA: input ends early (64 bytes wanted at offset 6, 3 left)");
}

TEST(ByteReader, HugeLengthDoesNotWrap) {
  ByteReader reader(kNine);
  ASSERT_TRUE(reader.Skip("header", 6).ok());
  EXPECT_FALSE(reader.Take("field", static_cast<std::size_t>(-1)).ok());
  EXPECT_EQ(reader.remaining(), 3u);
}

TEST(ByteReader, FailedReadDoesNotMove) {
  ByteReader reader(kNine);
  ASSERT_TRUE(reader.Skip("header", 8).ok());
  EXPECT_FALSE(reader.U32("field").ok());
  EXPECT_EQ(*reader.U8("field"), 9);
}

TEST(ByteReader, FillsAFixedSize) {
  struct Tag {};
  ByteReader reader(kNine);
  const auto fixed = reader.Fill<FixedBytes<4, Tag>>("id");
  ASSERT_TRUE(fixed.ok());
  EXPECT_EQ(fixed->bytes[3], 4);
  EXPECT_FALSE(fixed->is_zero());
}

TEST(ByteReader, EndSaysHowMuchFollows) {
  ByteReader reader(kNine);
  ASSERT_TRUE(reader.Skip("all but one", 8).ok());
  EXPECT_EQ(reader.End("quote").error().message, "quote: 1 bytes follow where it should end (offset 8)");
  ASSERT_TRUE(reader.Skip("last", 1).ok());
  EXPECT_TRUE(reader.End("quote").ok());
}

}  // namespace
}  // namespace blindai::base
