#include "gateway/forward.h"

#include <gtest/gtest.h>

namespace blindai::gateway {
namespace {

net::RequestHead Head(const std::string& fields, const std::string& line = "GET /v1/models") {
  const std::string text = line + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
  return *net::ParseRequestHead(base::AsBytes(text));
}

TEST(FieldsToServer, WhatTheRequestSaysGoesOnAndWhatTheBrowserAddsStays) {
  const net::HeaderList fields = FieldsToServer(Head(
      "Content-Type: audio/wav\r\nAccept: text/event-stream\r\nInference-Header-Content-Length: 7\r\n"
      "Authorization: Bearer page\r\nCookie: a=b\r\nOrigin: http://localhost\r\nReferer: "
      "http://localhost/\r\n"
      "User-Agent: Browser\r\nSec-Fetch-Site: same-origin\r\nSec-CH-UA: x\r\nX-Forwarded-For: 10.0.0.1\r\n"
      "Forwarded: for=10.0.0.1\r\nVia: 1.1 a\r\nSec-WebSocket-Key: k\r\n"));
  ASSERT_EQ(fields.fields().size(), 3u);
  EXPECT_EQ(fields.Find("Content-Type"), "audio/wav");
  EXPECT_EQ(fields.Find("Accept"), "text/event-stream");
  EXPECT_EQ(fields.Find("Inference-Header-Content-Length"), "7");
}

TEST(FieldsToServer, WhatBelongsToOneConnectionStaysOnIt) {
  const net::HeaderList fields = FieldsToServer(
      Head("Connection: keep-alive, X-Private\r\nX-Private: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
           "Transfer-Encoding: chunked\r\nTrailer: a\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
           "Proxy-Authorization: Basic x\r\nProxy-Connection: close\r\nExpect: 100-continue\r\nX-Own: 1\r\n",
           "POST /v1/models"));
  ASSERT_EQ(fields.fields().size(), 1u);
  EXPECT_EQ(fields.Find("X-Own"), "1");
}

TEST(FieldsToClient, AnAnswerCannotSpeakForTheGateway) {
  const net::HeaderList fields = FieldsToClient({{"Content-Type", "text/html"},
                                                 {"Set-Cookie", "a=b"},
                                                 {"Access-Control-Allow-Origin", "*"},
                                                 {"Content-Security-Policy", "default-src *"},
                                                 {"Connection", "close, X-Private"},
                                                 {"X-Private", "1"},
                                                 {"Transfer-Encoding", "chunked"},
                                                 {"Date", "now"},
                                                 {"Retry-After", "3"},
                                                 {"X-Content-Type-Options", "maybe"}});
  EXPECT_EQ(fields.Find("Content-Type"), "text/html");
  EXPECT_EQ(fields.Find("Retry-After"), "3");
  EXPECT_EQ(fields.Find("Content-Security-Policy"), "sandbox; default-src 'none'");
  EXPECT_EQ(fields.FindAll("X-Content-Type-Options").size(), 1u);
  for (const char* name :
       {"Set-Cookie", "Access-Control-Allow-Origin", "Connection", "X-Private", "Transfer-Encoding", "Date"})
    EXPECT_FALSE(fields.Has(name)) << name;
}

TEST(IsWebSocket, OnlyACompleteHandshakeIsOne) {
  const std::string good = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n";
  EXPECT_TRUE(IsWebSocket(Head(good)));
  EXPECT_FALSE(IsWebSocket(Head("Upgrade: websocket\r\n")));
  EXPECT_FALSE(IsWebSocket(Head("Connection: Upgrade\r\nUpgrade: h2c\r\n")));
  EXPECT_FALSE(IsWebSocket(Head(good, "POST /v1/realtime")));
  EXPECT_FALSE(IsWebSocket(Head(good + "Content-Length: 3\r\n")));
}

TEST(ShapeOf, IsThatOfTheProtocolBelowThePath) {
  EXPECT_EQ(ShapeOf("/v1/models"), ErrorShape::kOpenAI);
  EXPECT_EQ(ShapeOf("/v2"), ErrorShape::kOpenInference);
  EXPECT_EQ(ShapeOf("/v2/models/a/infer"), ErrorShape::kOpenInference);
  EXPECT_EQ(ShapeOf("/v2x"), ErrorShape::kOpenAI);
}

}  // namespace
}  // namespace blindai::gateway
