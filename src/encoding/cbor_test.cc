#include "encoding/cbor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "encoding/hex.h"

namespace blindai::encoding {
namespace {

using base::AsBytes;
using base::Bytes;

base::Result<CborValue> Parse(std::string_view hex) { return ParseCbor(*HexDecode(hex)); }

TEST(Cbor, KnowsTheNumbersOfTheStandard) {
  EXPECT_EQ(Parse("17")->number, 23u);
  EXPECT_EQ(Parse("1818")->number, 24u);
  EXPECT_EQ(Parse("1903e8")->number, 1000u);
  EXPECT_EQ(Parse("1bffffffffffffffff")->number, 18446744073709551615u);
  EXPECT_EQ(Parse("3903e7")->kind, CborKind::kNegative);
  EXPECT_EQ(Parse("3903e7")->number, 999u);
  EXPECT_EQ(Parse("f5")->number, 1u);
  EXPECT_EQ(Parse("f6")->kind, CborKind::kNull);
  EXPECT_EQ(Parse("f7")->kind, CborKind::kUndefined);
}

TEST(Cbor, KnowsTheFloatsOfTheStandard) {
  EXPECT_EQ(Parse("f93c00")->real, 1.0);
  EXPECT_EQ(Parse("f9c400")->real, -4.0);
  EXPECT_EQ(Parse("f90001")->real, 5.960464477539063e-8);
  EXPECT_TRUE(std::isinf(Parse("f97c00")->real));
  EXPECT_TRUE(std::isnan(Parse("f97e00")->real));
  EXPECT_EQ(Parse("fa47c35000")->real, 100000.0);
  EXPECT_EQ(Parse("fbc010666666666666")->real, -4.1);
}

TEST(Cbor, ReadsDefiniteAndIndefiniteItemsAlike) {
  for (const char* digits : {"a2616101616282182a43010203", "bf616101616282182a43010203ff",
                             "a2616101616282182a5f4201024103ff", "bf61610161629f182a5f4201024103ffffff"}) {
    const auto map = Parse(digits);
    ASSERT_TRUE(map.ok()) << digits << map.error().message;
    EXPECT_EQ(map->Find("a")->number, 1u);
    EXPECT_EQ(map->Find("b")->items[1].string, (Bytes{1, 2, 3}));
    EXPECT_EQ(map->Find("c"), nullptr);
  }
}

TEST(Cbor, RefusesMalformedInput) {
  const char* const kBad[] = {
      "1c",              // reserved length
      "ff",              // break alone
      "1f",              // indefinite integer
      "df",              // indefinite tag
      "f818",            // simple value
      "e0",              // unassigned simple value
      "5f6161ff",        // text chunk in a byte string
      "5f5f4101ffff",    // nested indefinite chunk
      "bf6161ff",        // key without a value
      "8201ff",          // break in a definite array
      "a2616101616102",  // key twice
      "a20101180102",    // key twice, once in a longer form
      "a1f501",          // key that is a bool
      "62c328",          // not UTF-8
      "0000",            // something follows
  };
  for (const char* hex : kBad) {
    EXPECT_EQ(Parse(hex).error().code, "bad-cbor") << hex;
  }
}

TEST(Cbor, SaysWhenMoreBytesAreNeeded) {
  const Bytes good = *HexDecode("bf61610161629f182a5f4201024103ffffff");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(ParseCbor(base::ByteView(good).first(size)).error().code, "cbor-ends-early") << size;
  }
}

TEST(Cbor, AHugePromiseReservesNothing) {
  EXPECT_EQ(Parse("5bffffffffffffffff").error().code, "cbor-ends-early");
  EXPECT_EQ(Parse("9bffffffffffffffff").error().code, "too-large");
  EXPECT_EQ(Parse("bb7fffffffffffffff").error().code, "too-large");
  EXPECT_EQ(Parse("99ffff").error().code, "cbor-ends-early");
}

TEST(Cbor, HoldsToItsLimits) {
  CborLimits limits;
  limits.max_depth = 3;
  EXPECT_TRUE(ParseCbor(*HexDecode("81818101"), limits).ok());
  EXPECT_EQ(ParseCbor(*HexDecode("8181818101"), limits).error().code, "too-large");
  EXPECT_EQ(ParseCbor(*HexDecode("c1c1c1c101"), limits).error().code, "too-large");
  limits.max_items = 2;
  EXPECT_EQ(ParseCbor(*HexDecode("9f010203ff"), limits).error().code, "too-large");
  limits.max_bytes = 3;
  EXPECT_EQ(ParseCbor(*HexDecode("43010203"), limits).error().code, "too-large");
}

TEST(Cbor, WhatIsWrittenIsRead) {
  CborWriter writer;
  writer.Map(7).Text("u").Unsigned(70000).Text("n").Signed(-129).Text("b").Bytes(Bytes(300, 5));
  writer.Text("l").Array(2).Bool(true).Null().Text("t").Tag(18).Array(0).Text("d").Double(0.5);
  writer.Text("big").Unsigned(0x1'0000'0000);
  const auto value = ParseCbor(std::move(writer).Take());
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*CborUnsignedField(*value, "u"), 70000u);
  EXPECT_EQ(value->Find("n")->number, 128u);
  EXPECT_EQ(CborBytesField(*value, "b")->size(), 300u);
  EXPECT_EQ(value->Find("t")->number, 18u);
  EXPECT_EQ(value->Find("d")->real, 0.5);
  EXPECT_EQ(*CborUnsignedField(*value, "big"), 0x1'0000'0000u);
}

TEST(Cbor, FieldErrorsNameTheField) {
  const auto map = Parse("a1616101");
  EXPECT_EQ(CborTextField(*map, "a").error().message, "a: is an unsigned integer, wanted a text");
  EXPECT_EQ(CborTextField(*map, "x").error().code, "missing-field");
  EXPECT_EQ(CborTextField(*map, "x").error().param, "x");
}

TEST(Cbor, AnItemsSizeIsKnownWithoutReadingIt) {
  for (const char* digits :
       {"17", "1903e8", "a2616101616282182a43010203", "bf616101616282182a43010203ff", "5f41014102ff",
        "c11a514b67b0", "80", "a0", "9fff", "f6", "83818180a1616180f5"}) {
    Bytes bytes = *HexDecode(digits);
    const std::size_t size = bytes.size();
    bytes.push_back(0x01);
    const auto item = CborItemSize(bytes);
    ASSERT_TRUE(item.ok()) << digits;
    EXPECT_EQ(*item, size) << digits;
    for (std::size_t cut = 0; cut < size; ++cut) {
      EXPECT_EQ(CborItemSize(base::ByteView(bytes).first(cut)).error().code, "cbor-ends-early")
          << digits << " " << cut;
    }
  }
}

TEST(Cbor, AnItemThatCannotEndWellHasNoSize) {
  for (const char* digits : {"ff", "1c", "5f01ff", "5f6161ff", "81ff"})
    EXPECT_EQ(CborItemSize(*HexDecode(digits)).error().code, "bad-cbor") << digits;
  EXPECT_EQ(CborItemSize(*HexDecode("9affffffff")).error().code, "too-large");
  EXPECT_EQ(CborItemSize(Bytes(100, 0x81)).error().code, "too-large");
}

TEST(Cbor, HeadsComeOneByOne) {
  const Bytes stream = *HexDecode("9a000f424018ff");
  const auto array = ReadCborHead(stream);
  ASSERT_TRUE(array.ok());
  EXPECT_EQ(array->kind, CborKind::kArray);
  EXPECT_EQ(array->number, 1000000u);
  const auto element = ReadCborHead(base::ByteView(stream).subspan(array->head_bytes));
  EXPECT_EQ(element->number, 255u);
  EXPECT_EQ(element->head_bytes, 2u);
}

}  // namespace
}  // namespace blindai::encoding
