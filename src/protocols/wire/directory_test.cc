#include "protocols/wire/directory.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

template <typename T>
std::string CodeOf(const base::Result<T>& result) {
  return result.ok() ? "ok" : result.error().code + " " + result.error().param;
}

TEST(ServerAddress, IsHostAndPort) {
  for (const char* good : {"a:1", "server-1.example:8443", "127.0.0.1:65535", "[::1]:8443", "[fe80::1]:1"}) {
    EXPECT_TRUE(IsServerAddress(good)) << good;
  }
  for (const char* bad : {"", "a", "a:", ":1", "a:0", "a:65536", "a:+1", "a:1 ", "a b:1", "a/b:1", "::1:8443",
                          "[]:1", "[::1:8443", "[x]:1", "a@b:1", "https://a:1", "a\n:1"}) {
    EXPECT_FALSE(IsServerAddress(bad)) << bad;
  }
  EXPECT_FALSE(IsServerAddress(std::string(260, 'a') + ":1"));
}

TEST(SessionRequest, NamesAModelOrNone) {
  EXPECT_FALSE(DecodeSessionRequest({})->model.has_value());
  EXPECT_FALSE(DecodeSessionRequest(base::AsBytes("{}"))->model.has_value());
  EXPECT_EQ(DecodeSessionRequest(base::AsBytes(EncodeSessionRequest({"user/demo"})))->model, "user/demo");
  EXPECT_EQ(CodeOf(DecodeSessionRequest(base::AsBytes(R"({"model":7})"))), "directory-message model");
  EXPECT_EQ(CodeOf(DecodeSessionRequest(base::AsBytes(EncodeSessionRequest({std::string(257, 'm')})))),
            "directory-message model");
  EXPECT_EQ(CodeOf(DecodeSessionRequest(base::AsBytes("[]"))), "directory-message ");
}

TEST(SessionAnswer, WhatIsWrittenIsRead) {
  const SessionAnswer answer{"e30.e30.AAAA", 1'800'000'000, {{"a.example:8443", 12}, {"[::1]:1", 0}}, true};
  const auto read = DecodeSessionAnswer(base::AsBytes(EncodeSessionAnswer(answer)));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, answer);
}

TEST(SessionAnswer, AHostileDirectoryCannotSmuggleAnything) {
  const auto with = [](const std::string& token, const std::string& servers) {
    return CodeOf(DecodeSessionAnswer(
        base::AsBytes(R"({"token":")" + token + R"(","expires_at":1,"servers":)" + servers + "}")));
  };
  const std::string good = R"([{"address":"a:1"}])";
  EXPECT_EQ(with("t", good), "ok");
  EXPECT_EQ(with("t\\r\\nX: y", good), "directory-message token");
  EXPECT_EQ(with("", good), "directory-message token");
  EXPECT_EQ(with(std::string(5000, 't'), good), "directory-message token");
  EXPECT_EQ(with("t", "[]"), "directory-message servers");
  EXPECT_EQ(with("t", "[1]"), "directory-message servers.address");
  EXPECT_EQ(with("t", R"([{"address":"a"}])"), "directory-message servers.address");
  EXPECT_EQ(with("t", R"([{"address":"a:1","backlog_ms":-1}])"), "directory-message servers.backlog_ms");
}

TEST(ServerReport, WhatIsWrittenIsRead) {
  const ServerReport report{
      "a.example:8443", {std::string(64, 'a'), std::string(64, '0')}, 1500, V05Ports{50051, 50052}};
  const auto read = DecodeServerReport(base::AsBytes(EncodeServerReport(report)));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, report);
  EXPECT_EQ(DecodeServerReport(base::AsBytes(R"({"address":"a:1"})"))->models.size(), 0u);
}

TEST(ServerReport, BadFieldsAreRefusedByName) {
  const auto with = [](const std::string& rest) {
    return CodeOf(DecodeServerReport(base::AsBytes(R"({"address":"a:1")" + rest + "}")));
  };
  EXPECT_EQ(with(""), "ok");
  EXPECT_EQ(with(R"(,"models":["demo"])"), "directory-message models");
  EXPECT_EQ(with(R"(,"models":[")" + std::string(64, 'A') + R"("])"), "directory-message models");
  EXPECT_EQ(with(R"(,"models":{})"), "directory-message models");
  EXPECT_EQ(with(R"(,"backlog_ms":"1")"), "directory-message backlog_ms");
  EXPECT_EQ(with(R"(,"v05":{"attested":1})"), "directory-message v05.untrusted");
  EXPECT_EQ(with(R"(,"v05":{"attested":1,"untrusted":65536})"), "directory-message v05.untrusted");
  EXPECT_EQ(CodeOf(DecodeServerReport(base::AsBytes("{}"))), "directory-message address");
  std::string many = R"(,"models":[")" + std::string(64, 'a') + '"';
  for (std::size_t i = 0; i < kMaxReportedModels; ++i) many += ",\"" + std::string(64, 'a') + '"';
  EXPECT_EQ(with(many + "]"), "directory-message models");
}

TEST(ServerReportAnswer, CarriesTheKeySetAsItIs) {
  const ServerReportAnswer answer{"refused", "snp-debug", "cloud.example", R"({"keys":[]})"};
  const auto read = DecodeServerReportAnswer(base::AsBytes(EncodeServerReportAnswer(answer)));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, answer);
  EXPECT_EQ(CodeOf(DecodeServerReportAnswer(base::AsBytes(R"({"state":"listed","issuer":"a"})"))),
            "directory-message jwks");
}

}  // namespace
}  // namespace blindai::wire
