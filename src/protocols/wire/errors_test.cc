#include "protocols/wire/errors.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using base::AsBytes;
using base::ErrorKind;

TEST(Errors, EveryKindComesBackAsItself) {
  for (int k = 0; k <= static_cast<int>(ErrorKind::kInternal); ++k) {
    const base::Error sent =
        base::MakeError(static_cast<ErrorKind>(k), "some-code", "what was seen, and what to do", "field");
    const base::Error read = DecodeError(HttpStatusOf(sent.kind), AsBytes(EncodeError(sent)));
    EXPECT_EQ(read.kind, sent.kind) << k;
    EXPECT_EQ(read.code, sent.code);
    EXPECT_EQ(read.message, sent.message);
    EXPECT_EQ(read.param, sent.param);
  }
}

TEST(Errors, TheShapeIsOpenAIs) {
  EXPECT_EQ(
      EncodeError(base::MakeError(ErrorKind::kNotFound, "model-not-found", "there is no model 'x'", "model")),
      R"({"error":{"message":"there is no model 'x'","type":"invalid_request_error","param":"model",)"
      R"("code":"model-not-found"}})");
  EXPECT_EQ(EncodeError(base::MakeError(ErrorKind::kExhausted, "queue-full", "later")),
            R"({"error":{"message":"later","type":"rate_limit_error","param":null,"code":"queue-full"}})");
}

TEST(Errors, TheOpenInferenceProtocolsShapeIsRead) {
  const base::Error error = DecodeError(400, AsBytes(R"({"error":"wrong shape","code":"tensor-shape"})"));
  EXPECT_EQ(error.message, "wrong shape");
  EXPECT_EQ(error.code, "tensor-shape");
  EXPECT_EQ(DecodeError(400, AsBytes(R"({"error":"wrong shape"})")).code, "http-status");
}

TEST(Errors, AnyOtherBodyGivesAGeneralMessage) {
  for (const char* body : {"", "<html>", "[]", "{}", R"({"error":7})", R"({"error":{"message":7}})"}) {
    const base::Error error = DecodeError(502, AsBytes(body));
    EXPECT_EQ(error.message, "the server answered with status 502") << body;
    EXPECT_EQ(error.kind, ErrorKind::kInternal);
  }
  EXPECT_EQ(DecodeError(418, {}).kind, ErrorKind::kInvalid);
}

TEST(Errors, TextFromOutsideCannotSteerATerminalOrFillIt) {
  const base::Error escape = DecodeError(400, AsBytes("{\"error\":\"a\\u001b[31mb\\r\\nc\xC2\x9B"
                                                      "d\"}"));
  EXPECT_EQ(escape.message, "a[31mbcd");
  std::string many = "x";
  for (int i = 0; i < 3000; ++i) many += "ä";
  const std::string cut = DecodeError(400, AsBytes("{\"error\":\"" + many + "\"}")).message;
  EXPECT_EQ(cut.size(), 1999u);
}

}  // namespace
}  // namespace blindai::wire
