#include "encoding/der.h"

#include <gtest/gtest.h>

namespace blindai::encoding {
namespace {

using base::Bytes;

Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(Der, WhatIsWrittenIsRead) {
  const Bytes der = DerEncode(
      kDerSequence, Join({DerEncodeOid("1.2.840.113741.1.13.1"), DerEncodeUnsigned(0), DerEncodeUnsigned(200),
                          DerEncodeUnsigned(70000, kDerEnumerated), DerEncode(kDerBoolean, Bytes{0xff}),
                          DerEncode(kDerOctetString, Bytes(300, 9))}));
  DerReader outer(der);
  auto fields = outer.Sequence("outer");
  ASSERT_TRUE(fields.ok());
  EXPECT_TRUE(outer.End("outer").ok());
  EXPECT_EQ(*fields->Oid("oid"), "1.2.840.113741.1.13.1");
  EXPECT_EQ(*fields->Unsigned("zero"), 0u);
  EXPECT_EQ(*fields->Unsigned("two bytes with a leading zero"), 200u);
  EXPECT_EQ(*fields->Unsigned("enumerated", kDerEnumerated), 70000u);
  EXPECT_TRUE(*fields->Boolean("boolean"));
  EXPECT_EQ(fields->OctetString("octets")->size(), 300u);
  EXPECT_TRUE(fields->empty());
  EXPECT_EQ(fields->PeekTag(), 0);
  EXPECT_TRUE(CheckDer(der, "all").ok());
  EXPECT_EQ(*DerElementSize(Join({der, Bytes(5, 0)})), der.size());
}

TEST(Der, ObjectIdentifiersOfAllShapes) {
  for (const char* oid :
       {"0.9", "1.39.1", "2.5.29.19", "2.999.3", "1.3.6.1.4.1.3704.1.4", "1.2.840.113549.1.1.10"}) {
    const Bytes der = DerEncodeOid(oid);
    EXPECT_EQ(*DerReader(der).Oid("oid"), oid);
  }
}

TEST(Der, ErrorsNameTheField) {
  const Bytes der = DerEncodeUnsigned(7);
  EXPECT_EQ(DerReader(der).OctetString("PPID").error().message, "PPID: tag is 2, wanted 4");
  EXPECT_EQ(DerReader({}).Next("TCB").error().code, "bad-der");
}

TEST(Der, RefusesWhatIsBerAndNotDer) {
  const std::pair<const char*, Bytes> kBad[] = {
      {"indefinite length", {0x30, 0x80, 0x00, 0x00}},
      {"long form for a short length", {0x04, 0x81, 0x01, 0x00}},
      {"leading zero in the length", {0x04, 0x82, 0x00, 0x80}},
      {"length of five bytes", {0x04, 0x85, 0, 0, 0, 0, 1}},
      {"length that is not there", {0x04, 0x84, 0xff, 0xff, 0xff, 0xff}},
      {"high tag number", {0x1f, 0x1f, 0x00}},
      {"only a tag", {0x04}},
  };
  for (const auto& [name, der] : kBad) EXPECT_EQ(DerReader(der).Next("x").error().code, "bad-der") << name;
}

TEST(Der, RefusesIntegersBooleansAndOidsThatAreNotShortest) {
  for (const Bytes& der :
       {Bytes{2, 2, 0, 1}, Bytes{2, 0}, Bytes{2, 1, 0x80}, Bytes{2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0}}) {
    EXPECT_FALSE(DerReader(der).Unsigned("n").ok());
  }
  EXPECT_FALSE(DerReader(Bytes{1, 1, 1}).Boolean("b").ok());
  EXPECT_FALSE(DerReader(Bytes{1, 2, 0xff, 0xff}).Boolean("b").ok());
  for (const Bytes& der : {Bytes{6, 0}, Bytes{6, 2, 0x80, 0x01}, Bytes{6, 1, 0x81},
                           Bytes{6, 11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}}) {
    EXPECT_FALSE(DerReader(der).Oid("oid").ok());
  }
}

TEST(Der, CheckDerSeesNestedTroubleAndDepth) {
  EXPECT_FALSE(CheckDer(Bytes{0x30, 0x03, 0x04, 0x05, 0x00}, "x").ok());
  EXPECT_FALSE(CheckDer(Bytes{0x30, 0x04, 0x30, 0x80, 0x00, 0x00}, "x").ok());
  Bytes deep;
  for (int i = 0; i < 30; ++i) deep = DerEncode(kDerSequence, deep);
  EXPECT_EQ(CheckDer(deep, "x").error().message, "x: nested too deeply");
}

}  // namespace
}  // namespace blindai::encoding
