#include "base/byte_writer.h"

#include <gtest/gtest.h>

#include "base/byte_reader.h"

namespace blindai::base {
namespace {

TEST(ByteWriter, WhatIsWrittenIsReadBack) {
  ByteWriter writer;
  writer.U8(1).U16(0x0203).U32(0x04050607).U64(0x08090a0b0c0d0e0f);
  writer.U16Big(0x1011).U32Big(0x12131415).U64Big(0x161718191a1b1c1d).Append("text").Zeros(2);
  ByteReader reader(writer.view());
  EXPECT_EQ(*reader.U8("a"), 1);
  EXPECT_EQ(*reader.U16("b"), 0x0203);
  EXPECT_EQ(*reader.U32("c"), 0x04050607u);
  EXPECT_EQ(*reader.U64("d"), 0x08090a0b0c0d0e0fu);
  EXPECT_EQ(*reader.U16Big("e"), 0x1011);
  EXPECT_EQ(*reader.U32Big("f"), 0x12131415u);
  EXPECT_EQ(*reader.U64Big("g"), 0x161718191a1b1c1du);
  EXPECT_EQ(AsText(*reader.Take("h", 4)), "text");
  EXPECT_EQ(*reader.U16("i"), 0);
  EXPECT_TRUE(reader.End("all").ok());
}

TEST(ByteWriter, BigEndianPutsTheHighByteFirst) {
  ByteWriter writer;
  writer.U32Big(0x01020304);
  EXPECT_EQ(writer.view()[0], 1);
  EXPECT_EQ(writer.view()[3], 4);
}

}  // namespace
}  // namespace blindai::base
