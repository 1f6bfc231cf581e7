#include "protocols/wire/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace blindai::wire {
namespace {

using ::testing::HasSubstr;

constexpr const char* kType = "multipart/form-data; boundary=XX";

const std::string kTwoParts =
    "--XX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ndemo\r\n"
    "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".wav\"\r\nContent-Type: "
    "audio/WAV; x=y\r\n\r\n"
    "\r\n--X\r\n--XY..\r\n--XX--\r\nepilogue";

// Parts as "name|file name|type=data;", or the error.
std::string Read(std::string_view body, std::size_t piece, const std::string& type = kType,
                 MultipartLimits limits = {}) {
  std::string text;
  PartHandler handler;
  handler.begin = [&](const PartHead& head) {
    text += head.name + "|" + head.file_name + "|" + head.content_type + "=";
    return base::Ok();
  };
  handler.data = [&](base::ByteView bytes) {
    text += base::AsText(bytes);
    return base::Ok();
  };
  handler.end = [&] {
    text += ";";
    return base::Ok();
  };
  auto reader = MultipartReader::Make(type, handler, limits);
  if (!reader.ok()) return reader.error().code;
  for (std::size_t at = 0; at < body.size(); at += piece) {
    const base::Status fed = reader->Feed(base::AsBytes(body.substr(at, piece)));
    if (!fed.ok()) return fed.error().code + ": " + fed.error().message;
  }
  const base::Status finished = reader->Finish();
  return finished.ok() ? text : finished.error().code + ": " + finished.error().message;
}

TEST(Multipart, PartsComeOutTheSameForEveryPieceSize) {
  const std::string wanted = "model||=demo;file|a \"b\".wav|audio/wav=\r\n--X\r\n--XY..;";
  // "\r\n--XY" begins like the delimiter "\r\n--XX" and is data.
  for (std::size_t piece = 1; piece <= kTwoParts.size(); ++piece)
    EXPECT_EQ(Read(kTwoParts, piece), wanted) << piece;
}

TEST(Multipart, EveryCutBodyIsAnError) {
  const std::string whole = kTwoParts.substr(0, kTwoParts.find("epilogue") - 2);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(Read(std::string_view(whole).substr(0, size), 7), HasSubstr("ends before its last boundary"))
        << size;
  }
}

TEST(Multipart, AnEmptyPartAndNoPartAreFine) {
  EXPECT_EQ(Read("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--XX--", 5), "a||=;");
  EXPECT_EQ(Read("--XX--", 2), "");
}

TEST(Multipart, OtherTypesAndBoundariesAreRefused) {
  for (const char* type : {"", "application/json", "multipart/form-data", "multipart/form-data; boundary=",
                           "multipart/mixed; boundary=XX", "multipart/form-data; boundary=\"a\x01\""}) {
    EXPECT_EQ(Read("", 1, type), "multipart-type") << type;
  }
  EXPECT_EQ(Read("--XX--", 1, "Multipart/Form-Data; charset=utf-8; Boundary=\"XX\""), "");
}

TEST(Multipart, LimitsEndInAnError) {
  EXPECT_THAT(Read(kTwoParts, 9, kType, {.max_parts = 1}), HasSubstr("more than 1 parts"));
  EXPECT_THAT(Read(kTwoParts, 9, kType, {.max_head_bytes = 20}), HasSubstr("more than 20 bytes"));
  EXPECT_THAT(Read("--XX\r\n" + std::string(5000, 'a'), 100), HasSubstr("more than 4096 bytes"));
}

TEST(Multipart, PartsWithoutANameOrEncodedAreRefused) {
  EXPECT_THAT(Read("--XX\r\nContent-Type: a/b\r\n\r\nx\r\n--XX--", 64), HasSubstr("no Content-Disposition"));
  EXPECT_THAT(Read("--XX\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--XX--", 64),
              HasSubstr("not form-data"));
  EXPECT_THAT(Read("--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: "
                   "base64\r\n\r\nx\r\n--XX--",
                   64),
              HasSubstr("transfer encoding"));
  EXPECT_THAT(Read("--XX\r\nno colon\r\n\r\nx\r\n--XX--", 64), HasSubstr("no ':'"));
  EXPECT_THAT(Read("--XXjunk", 64), HasSubstr("followed by something else"));
}

TEST(Multipart, AHandlerMayStopTheReading) {
  PartHandler handler;
  handler.begin = [](const PartHead&) -> base::Status { return base::Malformed("no", "stop"); };
  auto reader = MultipartReader::Make(kType, handler);
  EXPECT_EQ(reader->Feed(base::AsBytes(kTwoParts)).error().code, "stop");
}

TEST(Multipart, MemoryStaysSmallForALargePart) {
  PartHandler handler;
  std::size_t seen = 0;
  handler.begin = [](const PartHead&) { return base::Ok(); };
  handler.data = [&](base::ByteView bytes) {
    seen += bytes.size();
    return base::Ok();
  };
  handler.end = [] { return base::Ok(); };
  auto reader = MultipartReader::Make(kType, handler);
  ASSERT_TRUE(reader->Feed(base::AsBytes("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n")).ok());
  const base::Bytes piece(65'536, '\r');
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(reader->Feed(piece).ok());
    // Everything but the length of a delimiter has been handed on at once.
    ASSERT_GT(seen + 8, static_cast<std::size_t>(i + 1) * piece.size());
  }
}

TEST(Multipart, WhatIsWrittenIsReadAgain) {
  const PartHead head{"a \"b\"\r\n", "c\\d.wav", "audio/wav"};
  EXPECT_EQ(Read(EncodePartHead("XX", head) + "data\r\n" + EncodeMultipartEnd("XX"), 5),
            "a %22b%22%0D%0A|c\\d.wav|audio/wav=data;");
}

}  // namespace
}  // namespace blindai::wire
