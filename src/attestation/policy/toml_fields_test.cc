#include "attestation/policy/toml_fields.h"

#include <gtest/gtest.h>

#include <functional>

namespace blindai::policy {
namespace {

using Four = base::FixedBytes<4, struct FourTag>;

// The error of reading `text` with `read`; empty when there was none.
std::string ErrorOf(const char* text, const std::function<void(TomlFields&)>& read) {
  const toml::parse_result parsed = toml::parse(std::string_view(text));
  EXPECT_TRUE(parsed);
  TomlErrors errors;
  TomlFields fields(parsed.table(), errors);
  read(fields);
  fields.End();
  return errors.any() ? std::move(errors).Take().message : "";
}

TEST(TomlFields, ValuesOfTheRightTypeAreRead) {
  bool flag = false;
  std::uint16_t number = 0;
  std::uint64_t bits = 0;
  std::optional<base::Time> date;
  std::vector<Four> list;
  const std::string error =
      ErrorOf("a = true\nb = 7\nc = \"0xfffffffffffffffd\"\nd = 2026-01-31\ne = [\"01020304\"]",
              [&](TomlFields& fields) {
                fields.Flag("a", flag);
                fields.Number("b", number);
                fields.Bits("c", bits);
                fields.Date("d", date);
                fields.HexList("e", Zero::kRefused, list);
              });
  EXPECT_EQ(error, "");
  EXPECT_TRUE(flag);
  EXPECT_EQ(number, 7);
  EXPECT_EQ(bits, 0xfffffffffffffffd);
  EXPECT_EQ(base::FormatTime(*date), "2026-01-31T00:00:00Z");
  EXPECT_EQ(list[0].bytes[3], 4);
}

TEST(TomlFields, AbsentKeysLeaveTheDefault) {
  bool flag = true;
  EXPECT_EQ(ErrorOf("", [&](TomlFields& fields) { fields.Flag("a", flag); }), "");
  EXPECT_TRUE(flag);
}

TEST(TomlFields, AWrongTypeIsSaidWithItsLine) {
  bool flag = false;
  EXPECT_EQ(ErrorOf("\n\na = 1", [&](TomlFields& fields) { fields.Flag("a", flag); }),
            "policy line 3: 'a' is not true or false");
  std::uint8_t number = 0;
  const auto read = [&](TomlFields& fields) { fields.Number("a", number); };
  EXPECT_EQ(ErrorOf("a = 256", read), "policy line 1: 'a' is not a whole number from 0 to 255");
  EXPECT_EQ(ErrorOf("a = -1", read), "policy line 1: 'a' is not a whole number from 0 to 255");
  EXPECT_EQ(ErrorOf("a = 1.0", read), "policy line 1: 'a' is not a whole number from 0 to 255");
  std::optional<base::Time> date;
  EXPECT_EQ(ErrorOf("a = \"soon\"", [&](TomlFields& fields) { fields.Date("a", date); }),
            "policy line 1: 'a' is not a date such as 2026-01-31");
  std::uint64_t bits = 0;
  EXPECT_EQ(ErrorOf("a = \"0x\"", [&](TomlFields& fields) { fields.Bits("a", bits); }),
            "policy line 1: 'a' is not a number of 64 bits such as \"0x5\"");
}

TEST(TomlFields, AListSaysWhichOfItsLinesIsWrong) {
  std::vector<Four> list;
  const auto read = [&](TomlFields& fields) { fields.HexList("a", Zero::kRefused, list); };
  EXPECT_EQ(ErrorOf("a = [\n  \"01020304\",\n  \"0102\",\n]", read),
            "policy line 3: 'a' is not 8 hex digits (it has 4 characters)");
  EXPECT_EQ(ErrorOf("a = []", read).substr(0, 36), "policy line 1: 'a' is an empty list,");
  EXPECT_EQ(ErrorOf("a = [\"00000000\"]", read).substr(0, 30), "policy line 1: 'a' is all zero");
  EXPECT_EQ(ErrorOf("a = \"01020304\"", read).substr(0, 31), "policy line 1: 'a' is not a lis");
  EXPECT_EQ(ErrorOf("a = [1]", read).substr(0, 30), "policy line 1: 'a' holds somet");
}

TEST(TomlFields, AValueOutsideItsMaskCouldNeverMatch) {
  MaskedBits bits;
  EXPECT_EQ(ErrorOf("a = \"0x4\"\na_mask = \"0x3\"", [&](TomlFields& fields) { fields.Masked("a", bits); }),
            "policy line 1: 'a' has a bit outside a_mask, so nothing could match");
}

TEST(TomlFields, AKeyThatNobodyAsksForIsAnErrorWithASuggestion) {
  bool flag = false;
  const auto read = [&](TomlFields& fields) { fields.Flag("allow_debug", flag); };
  EXPECT_EQ(ErrorOf("allow_debgu = true", read),
            "policy line 1: 'allow_debgu' is not a key here; did you mean 'allow_debug'?");
  EXPECT_EQ(ErrorOf("\nsomething = 1", read), "policy line 2: 'something' is not a key here");
}

TEST(TomlFields, BitsMayBeWrittenInSeveralWays) {
  std::uint64_t bits = 0;
  const auto read = [&](TomlFields& fields) { fields.Bits("a", bits); };
  for (const char* text : {"a = 5", "a = \"5\"", "a = \"0x5\"", "a = \"0X5\"", "a = 0x5"}) {
    bits = 0;
    EXPECT_EQ(ErrorOf(text, read), "") << text;
    EXPECT_EQ(bits, 5U) << text;
  }
  for (const char* text : {"a = -1", "a = \"0x1g\"", "a = \"\"", "a = \"0x10000000000000000\"", "a = true"}) {
    EXPECT_NE(ErrorOf(text, read), "") << text;
  }
}

TEST(TomlFields, DatesMayHaveATimeOrBeText) {
  for (const char* text : {"a = 2026-01-31", "a = 2026-01-31T00:00:00Z", "a = \"2026-01-31\""}) {
    std::optional<base::Time> date;
    EXPECT_EQ(ErrorOf(text, [&](TomlFields& fields) { fields.Date("a", date); }), "") << text;
    ASSERT_TRUE(date) << text;
    EXPECT_EQ(base::FormatTime(*date), "2026-01-31T00:00:00Z") << text;
  }
  std::optional<base::Time> date;
  EXPECT_NE(ErrorOf("a = 1", [&](TomlFields& fields) { fields.Date("a", date); }), "");
}

TEST(TomlFields, ASingleHexValueIsReadAndChecked) {
  Four value;
  std::optional<Four> optional;
  EXPECT_EQ(ErrorOf("a = \"01020304\"", [&](TomlFields& fields) { fields.Hex("a", value); }), "");
  EXPECT_EQ(value.bytes[0], 1);
  EXPECT_EQ(ErrorOf("", [&](TomlFields& fields) { fields.Hex("a", optional); }), "");
  EXPECT_FALSE(optional);
  EXPECT_EQ(ErrorOf("a = \"0102030405\"", [&](TomlFields& fields) { fields.Hex("a", value); }),
            "policy line 1: 'a' is not 8 hex digits (it has 10 characters)");
  EXPECT_EQ(ErrorOf("a = 1", [&](TomlFields& fields) { fields.Hex("a", value); }),
            "policy line 1: 'a' is not a text in quotes");
}

TEST(TomlFields, TheFirstErrorStays) {
  bool flag = false;
  std::string text;
  const auto read = [&](TomlFields& fields) {
    fields.Flag("a", flag);
    fields.Text("b", text);
  };
  EXPECT_EQ(ErrorOf("b = 1\na = 1", read), "policy line 2: 'a' is not true or false");
}

}  // namespace
}  // namespace blindai::policy
