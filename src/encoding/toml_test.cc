#include "encoding/toml.h"

#include <gtest/gtest.h>

namespace blindai::encoding {
namespace {

// "2 why", or "" for what is TOML.
std::string TroubleOf(std::string_view text) {
  const ParsedToml parsed = ParseToml(text);
  return parsed.trouble ? std::to_string(parsed.trouble->line) + " " + parsed.trouble->why : "";
}

TEST(Toml, TablesAreRead) {
  const ParsedToml parsed = ParseToml("a = 1\n[b]\n'c d' = \"e\"\n");
  EXPECT_FALSE(parsed.trouble);
  EXPECT_EQ(parsed.table["a"].value<int>(), 1);
  EXPECT_EQ(parsed.table["b"]["c d"].value<std::string>(), "e");
  EXPECT_EQ(TroubleOf(""), "");
}

TEST(Toml, WhatIsNotSaysItsLineAndLeavesNothing) {
  const ParsedToml parsed = ParseToml("a = 1\nb =");
  ASSERT_TRUE(parsed.trouble);
  EXPECT_EQ(parsed.trouble->line, 2u);
  EXPECT_NE(parsed.trouble->why, "");
  EXPECT_TRUE(parsed.table.empty());
}

TEST(Toml, AByteOrderMarkIsPassedOver) {
  EXPECT_EQ(TroubleOf("\xef\xbb\xbf"), "");
  EXPECT_EQ(TroubleOf("\xef\xbb\xbf"
                      "a = 1"),
            "");
}

TEST(Toml, ControlCharactersAreRefused) {
  EXPECT_EQ(TroubleOf(std::string_view("a = 1\n[[\0pt]]", 13)), "2 a control character");
  EXPECT_EQ(TroubleOf("a = 1\nb = \"\x7f\""), "2 a control character");
  EXPECT_EQ(TroubleOf("\t# tab\r\na = 1\r\n"), "");
}

TEST(Toml, ATableHasAName) {
  for (const char* header : {"[= 1", "[[", "[ ]", "[[\t]]", "[.a]", "[#]"}) {
    EXPECT_EQ(TroubleOf(std::string("a = 1\n") + header), "2 a table without a name") << header;
  }
  for (const char* name : {"Zz", "z9", "9", "_x", "-x", "'x'", "\"x\"", " x "}) {
    EXPECT_EQ(TroubleOf("[" + std::string(name) + "]\n"), "") << name;
  }
}

TEST(Toml, LettersBeyondAsciiStandInTextsAndRemarksOnly) {
  for (const char* line :
       {"\xc6\xbc = 1", "a = \xc5\xbe", "a = [591\"9\xc5\xbe", "a = 5 \"\xc5\xbe\"", "a = \"a\" \xc5\xbe",
        "a = 'a'b\"\xc5\xbe\"", "a = [59.\"+\xc5\xbe\"]", "a = \"\xc5\xbe", "a = 'b' '\xc5\xbe'",
        "a = { b = \"\xc5\xbe\" }", "\"\xc5\xbe\" = 1", "a = \"\"\"\xc5\xbe\"\"\"", "b # \"\"\" \xc5\xbe",
        "a \"\xc5\xbe\"", "= \"\xc5\xbe\"", "\xc5\xbe # a"}) {
    EXPECT_EQ(TroubleOf(line), "1 a letter outside of texts and remarks") << line;
  }
  for (const char* line : {"a = \"\xc5\xbe\"", "a.b-c = '\xc5\xbe' # \xc5\xbe", "a = ['x', '\xc5\xbe']",
                           "a = \"\\\"\xc5\xbe\"\r\n", "a = [\n'\xc5\xbe',\n  \"\xc5\xbe\"\n]",
                           "a = 1 # it's \xc5\xbe", "# \xc5\xbe", "a = [['#\xc5\xbe'], []]"}) {
    EXPECT_EQ(TroubleOf(line), "") << line;
  }
  EXPECT_EQ(ParseToml("a = \"\\\"\xc5\xbe#\"").table["a"].value<std::string>(), "\"\xc5\xbe#");
}

}  // namespace
}  // namespace blindai::encoding
