#include "protocols/wire/json_fields.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using base::AsBytes;

TEST(JsonFields, AFieldOfAnotherTypeIsNamed) {
  const auto object =
      ParseSmallJsonObject(AsBytes(R"({"text":1,"flag":"yes","count":-1,"list":{},"none":null})"), "code");
  ASSERT_TRUE(object.ok());
  const JsonFields fields(*object, "code", "place");
  EXPECT_EQ(fields.String("text").error().message, "place: 'text' is not a string");
  EXPECT_EQ(fields.String("gone").error().message, "place: 'gone' is missing; a string is wanted");
  EXPECT_EQ(fields.OptionalBool("flag").error().param, "place.flag");
  EXPECT_EQ(fields.OptionalUnsigned("count").error().code, "code");
  EXPECT_FALSE(fields.OptionalArray("list").ok());
  EXPECT_FALSE(fields.Array("none").ok());
  EXPECT_EQ(*fields.OptionalString("none"), std::nullopt);
}

TEST(JsonFields, WhatIsNotOneJsonValueIsRefused) {
  for (const char* text : {"", "{", "{} {}", "{\"a\":1,}", "nul", "{\"a\":NaN}", "// c\n{}", "\xFF"}) {
    EXPECT_EQ(ParseSmallJson(AsBytes(text), "code").error().code, "code") << text;
  }
  EXPECT_FALSE(ParseSmallJson(AsBytes(std::string(100, '[') + std::string(100, ']')), "code").ok());
  EXPECT_FALSE(ParseSmallJsonObject(AsBytes("[]"), "code").ok());
  EXPECT_EQ(ParseSmallJson(AsBytes("[1,2,3]"), "code", 6).error().kind, base::ErrorKind::kTooLarge);
}

TEST(JsonFields, StringsAreEscaped) { EXPECT_EQ(JsonString("a\"b\\c\n\x01"), R"("a\"b\\c\n\u0001")"); }

}  // namespace
}  // namespace blindai::wire
