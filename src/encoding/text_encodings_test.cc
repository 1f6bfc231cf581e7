#include <gtest/gtest.h>

#include "encoding/base64.h"
#include "encoding/hex.h"
#include "encoding/pem.h"
#include "encoding/utf8.h"

namespace blindai::encoding {
namespace {

using base::AsBytes;
using base::Bytes;

TEST(Hex, RoundTripsAndTakesBothCases) {
  EXPECT_EQ(HexEncode(Bytes{0x00, 0xab, 0xff}), "00abff");
  EXPECT_EQ(*HexDecode("00aBFf"), (Bytes{0x00, 0xab, 0xff}));
  EXPECT_TRUE(HexDecode("")->empty());
}

TEST(Hex, RefusesEverythingElseAndSaysWhere) {
  EXPECT_EQ(HexDecode("abc").error().message, "hex text has an odd number of digits (3)");
  EXPECT_EQ(HexDecode("00g0").error().message, "not a hex digit at position 2");
  for (const char* bad : {"0x00", " 00", "00 ", "0\n", "-1"})
    EXPECT_EQ(HexDecode(bad).error().code, "bad-hex");
}

TEST(Hex, AFixedSizeWantsExactlyItsDigits) {
  using Four = base::FixedBytes<4>;
  EXPECT_EQ(HexDecodeFixed<Four>("00010203")->bytes[3], 3);
  EXPECT_EQ(HexDecodeFixed<Four>("000102").error().message, "has 6 hex digits, wanted 8");
  EXPECT_FALSE(HexDecodeFixed<Four>("0001020304").ok());
}

TEST(Base64, KnowsTheVectorsOfTheStandard) {
  const std::pair<const char*, const char*> kVectors[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : kVectors) {
    EXPECT_EQ(Base64Encode(AsBytes(plain)), text);
    EXPECT_EQ(*Base64Decode(text), base::CopyBytes(AsBytes(plain)));
  }
}

TEST(Base64, TheUrlAlphabetHasNoPadding) {
  EXPECT_EQ(Base64UrlEncode(Bytes{0xfb, 0xff, 0xfe}), "-__-");
  EXPECT_EQ(Base64UrlEncode(Bytes{0xfb}), "-w");
  EXPECT_EQ(*Base64UrlDecode("-w"), Bytes{0xfb});
  EXPECT_FALSE(Base64UrlDecode("-w==").ok());
  EXPECT_FALSE(Base64UrlDecode("+w").ok());
  EXPECT_FALSE(Base64UrlDecode("Z").ok());
}

TEST(Base64, OneTextForEachByteString) {
  for (const char* bad :
       {"Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "=Zg=", "Zg= =", "Zm9v\n", "====", "-w=="}) {
    EXPECT_EQ(Base64Decode(bad).error().code, "bad-base64") << bad;
  }
}

TEST(Pem, ReadsSeveralBlocksWithTextAroundAndANulAtTheEnd) {
  const std::string text = "Bag attributes\n" + PemEncode("CERTIFICATE", Bytes(100, 7)) + "\r\nmore\n" +
                           PemEncode("X509 CRL", Bytes{1}) + std::string(1, '\0');
  const auto blocks = ParsePem(text);
  ASSERT_TRUE(blocks.ok());
  ASSERT_EQ(blocks->size(), 2u);
  EXPECT_EQ((*blocks)[0].label, "CERTIFICATE");
  EXPECT_EQ((*blocks)[0].bytes, Bytes(100, 7));
  EXPECT_EQ((*blocks)[1].label, "X509 CRL");
}

TEST(Pem, TakesWindowsLineEnds) {
  const auto blocks = ParsePem("-----BEGIN A-----\r\nZm9v\r\n-----END A-----\r\n");
  ASSERT_TRUE(blocks.ok());
  EXPECT_EQ((*blocks)[0].bytes, base::CopyBytes(AsBytes("foo")));
}

TEST(Pem, RefusesBrokenBlocksAndSaysWhich) {
  const std::string good = PemEncode("A", Bytes{1});
  EXPECT_EQ(ParsePem("nothing").error().code, "bad-pem");
  EXPECT_EQ(ParsePem("-----BEGIN A").error().message, "PEM block 1: its first line does not end");
  EXPECT_EQ(ParsePem(good + "-----BEGIN A-----\nAQ==\n").error().message,
            "PEM block 2: its last line is missing");
  EXPECT_EQ(ParsePem("-----BEGIN A-----\nAQ==\n-----END B-----\n").error().code, "bad-pem");
  EXPECT_EQ(ParsePem("-----BEGIN A-----\nA!==\n-----END A-----\n").error().code, "bad-pem");
  EXPECT_EQ(ParsePem("-----BEGIN A-----\n-----END A-----\n").error().message, "PEM block 1: is empty");
  EXPECT_EQ(ParsePem("-----BEGIN A-----\nProc-Type: 4\n\nAQ==\n-----END A-----\n").error().code, "bad-pem");
}

TEST(Pem, HoldsToItsLimits) {
  PemLimits limits;
  limits.max_blocks = 1;
  const std::string good = PemEncode("A", Bytes{1});
  EXPECT_TRUE(ParsePem(good, limits).ok());
  EXPECT_EQ(ParsePem(good + good, limits).error().code, "too-large");
  limits.max_text_bytes = 10;
  EXPECT_EQ(ParsePem(good, limits).error().code, "too-large");
}

TEST(Utf8, TakesWhatTheStandardTakes) {
  for (const char* good :
       {"", "abc", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  // Overlong, surrogate, above U+10FFFF, cut off, lone continuation.
  for (const char* bad : {"\xc0\x80", "\xe0\x9f\x80", "\xed\xa0\x80", "\xf0\x8f\x80\x80", "\xf4\x90\x80\x80",
                          "\xc2", "\x80", "\xff", "\xe2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad));
  }
}

}  // namespace
}  // namespace blindai::encoding
