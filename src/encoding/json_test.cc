#include "encoding/json.h"

#include <gtest/gtest.h>

namespace blindai::encoding {
namespace {

TEST(Json, ReadsTypedFields) {
  const auto object = ParseJsonObject(
      R"({"s":"text","i":-3,"u":18446744073709551615,"d":0.5,"b":true,"o":{"x":1},"a":[1,2],"n":null,"h":"00ff",)"
      R"("t":"2026-01-02T03:04:05Z"})");
  ASSERT_TRUE(object.ok()) << object.error().message;
  EXPECT_EQ(*JsonString(*object, "s"), "text");
  EXPECT_EQ(*JsonInteger(*object, "i"), -3);
  EXPECT_EQ(*JsonUnsigned(*object, "u"), 18446744073709551615u);
  EXPECT_EQ(*JsonNumber(*object, "d"), 0.5);
  EXPECT_EQ(*JsonNumber(*object, "i"), -3.0);
  EXPECT_TRUE(*JsonBool(*object, "b"));
  EXPECT_EQ(*JsonInteger(**JsonObject(*object, "o"), "x"), 1);
  EXPECT_EQ((*JsonArray(*object, "a"))->size(), 2u);
  EXPECT_EQ(JsonFind(*object, "n"), nullptr);
  EXPECT_NE(JsonFind(*object, "s"), nullptr);
  EXPECT_EQ(JsonHex(*object, "h")->at(1), 0xff);
  EXPECT_EQ(base::FormatTime(*JsonTime(*object, "t")), "2026-01-02T03:04:05Z");
  EXPECT_EQ(**JsonOptionalString(*object, "s"), "text");
  EXPECT_FALSE(JsonOptionalString(*object, "n")->has_value());
  EXPECT_FALSE(JsonOptionalString(*object, "i").ok());
}

TEST(Json, FieldErrorsNameTheField) {
  const auto object = ParseJsonObject(R"({"a":1.0,"b":"x","c":-1})");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(JsonString(*object, "model").error().message, "model: field is missing");
  EXPECT_EQ(JsonString(*object, "model").error().param, "model");
  EXPECT_EQ(JsonInteger(*object, "a").error().message, "a: is not an integer");
  EXPECT_EQ(JsonUnsigned(*object, "c").error().code, "wrong-type");
  EXPECT_FALSE(JsonNumber(*object, "b").ok());
  EXPECT_FALSE(JsonBool(*object, "b").ok());
  EXPECT_FALSE(JsonObject(*object, "b").ok());
  EXPECT_FALSE(JsonArray(*object, "b").ok());
  EXPECT_EQ(JsonHex(*object, "b").error().code, "bad-hex");
  EXPECT_FALSE(JsonTime(*object, "b").ok());
}

TEST(Json, AKeyThatStandsTwiceIsAnErrorAtEveryDepth) {
  for (const char* text : {R"({"a":1,"a":2})", R"([{"x":{"a":1,"b":2,"a":3}}])", R"({"a":1,"\u0061":2})"}) {
    EXPECT_EQ(ParseJson(text).error().code, "duplicate-key") << text;
  }
  EXPECT_TRUE(ParseJson(R"([{"a":1},{"a":{"a":2}}])").ok());
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"", " ", "{", "{\"a\":1,}", "[1 2]", "{} {}", "nul", "\"\xff\"", "{a:1}", "01",
                           "// c\n1", "\"\\ud800\"", "{\"a\":1}x", "'a'", "NaN", "[\"a\nb\"]"}) {
    EXPECT_EQ(ParseJson(text).error().code, "bad-json") << text;
  }
  EXPECT_EQ(ParseJsonObject("[]").error().code, "bad-json");
}

TEST(Json, ErrorsDoNotShowTheText) {
  const auto result = ParseJson(R"({"secret-value": nope})");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message.find("secret"), std::string::npos);
  EXPECT_EQ(result.error().message.find("nope"), std::string::npos);
}

TEST(Json, HoldsToItsLimits) {
  JsonLimits limits;
  limits.max_depth = 2;
  EXPECT_TRUE(ParseJson("[[1]]", limits).ok());
  EXPECT_EQ(ParseJson("[[[1]]]", limits).error().code, "too-large");
  limits.max_bytes = 4;
  EXPECT_EQ(ParseJson("[[1]]", limits).error().code, "too-large");
  EXPECT_EQ(ParseJson(std::string(100000, '[')).error().code, "too-large");
}

TEST(Json, LongKeysAndStringsSurviveInPieces) {
  const std::string key(5000, 'k');
  const std::string text = "{\"" + key + "\":\"" + std::string(5000, 'v') + "\\n\"}";
  const auto object = ParseJsonObject(text);
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(JsonString(*object, key)->size(), 5001u);
}

TEST(Json, AMembersTextIsSlicedAsItWasSent) {
  const std::string text =
      "\n{ \"x\" : \"a\\\"}{\" , \"tcbInfo\" :\t{ \"b\": [1, {\"c\":\"]}\"}] } ,\"n\":12, \"s\":\"q\\\\\"}";
  EXPECT_EQ(*JsonMemberText(text, "tcbInfo"), R"({ "b": [1, {"c":"]}"}] })");
  EXPECT_EQ(*JsonMemberText(text, "x"), R"("a\"}{")");
  EXPECT_EQ(*JsonMemberText(text, "n"), "12");
  EXPECT_EQ(*JsonMemberText(text, "s"), R"("q\\")");
  EXPECT_EQ(JsonMemberText(text, "b").error().code, "missing-field");
  EXPECT_EQ(JsonMemberText("{}", "a").error().code, "missing-field");
  EXPECT_EQ(JsonMemberText("[]", "a").error().code, "bad-json");
  EXPECT_EQ(JsonMemberText(R"({"a":1,"a":2})", "a").error().code, "duplicate-key");
  EXPECT_EQ(JsonMemberText(R"({"\u0061":1})", "a").error().code, "missing-field");
}

}  // namespace
}  // namespace blindai::encoding
