#include "net/http_message.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/chunked_decoder.h"
#include "net/http_response_head.h"

namespace blindai::net {
namespace {

using base::AsBytes;

base::Result<RequestHead> Parse(const std::string& text) { return ParseRequestHead(AsBytes(text)); }

std::string ErrorCodeOf(const std::string& text) {
  const auto parsed = Parse(text);
  return parsed.ok() ? "accepted" : parsed.error().code;
}

TEST(RequestHead, WipesEveryText) {
  auto head =
      Parse("GET /v1/models/mine?key=value HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n\r\n")
          .value();
  head.Wipe();
  std::string left = head.method + head.path + head.raw_target;
  for (const auto& fields : {head.query, head.headers.fields()}) {
    for (const auto& [name, value] : fields) left += name + value;
  }
  EXPECT_GT(left.size(), 60u);
  EXPECT_EQ(left.find_first_not_of('\0'), std::string::npos);
}

TEST(RequestHead, HoldsMethodPathQueryAndHeaders) {
  const auto head = Parse(
      "PUT /v1/models/my%20model?precision=bf16&name=a+b%26c&flag HTTP/1.1\r\nHost: x\r\nContent-Length: "
      "12\r\n"
      "X-One: 1\r\nx-one: 2\r\n\r\n");
  ASSERT_TRUE(head.ok()) << head.error().message;
  EXPECT_EQ(head->method, "PUT");
  EXPECT_EQ(head->path, "/v1/models/my model");
  EXPECT_EQ(head->raw_target, "/v1/models/my%20model?precision=bf16&name=a+b%26c&flag");
  EXPECT_EQ(head->Query("precision"), "bf16");
  EXPECT_EQ(head->Query("name"), "a b&c");
  EXPECT_EQ(head->Query("flag"), "");
  EXPECT_EQ(head->Query("none"), std::nullopt);
  EXPECT_EQ(head->content_length, 12u);
  EXPECT_EQ(head->headers.Find("CONTENT-length"), "12");
  EXPECT_EQ(head->headers.FindAll("X-One").size(), 2u);
  EXPECT_TRUE(head->keep_alive);
  EXPECT_TRUE(head->has_body());
}

TEST(RequestHead, KnowsWhoWantsToKeepTheConnection) {
  EXPECT_TRUE(Parse("GET / HTTP/1.1\r\nHost: x\r\n\r\n")->keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")->keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, Close\r\n\r\n")->keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.0\r\n\r\n")->keep_alive);
  EXPECT_TRUE(Parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")->keep_alive);
}

TEST(RequestHead, TakesAbsoluteAndAsteriskForm) {
  EXPECT_EQ(Parse("GET http://host:1/a?b=c HTTP/1.1\r\nHost: x\r\n\r\n")->path, "/a");
  EXPECT_EQ(Parse("GET HTTPS://host HTTP/1.1\r\nHost: x\r\n\r\n")->path, "/");
  EXPECT_EQ(Parse("GET https://host?q=1 HTTP/1.1\r\nHost: x\r\n\r\n")->Query("q"), "1");
  EXPECT_EQ(Parse("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")->path, "*");
}

TEST(RequestHead, ExpectsContinueOnlyWithABody) {
  EXPECT_TRUE(Parse("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n")
                  ->expect_continue);
  EXPECT_FALSE(Parse("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n")->expect_continue);
}

// Each of these can be read in two ways by two programs in a row (RFC 9112 section 11.2), or is no HTTP at
// all.
TEST(RequestHead, RefusesWhatCouldSmuggleARequest) {
  struct Case {
    std::string what;
    std::string head;
    std::string code;
  };
  const std::string start = "POST / HTTP/1.1\r\nHost: x\r\n";
  const std::vector<Case> cases = {
      {"two lengths", start + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "http-request"},
      {"the same length twice", start + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", "http-request"},
      {"a list of lengths", start + "Content-Length: 1, 1\r\n\r\n", "http-request"},
      {"a signed length", start + "Content-Length: +1\r\n\r\n", "http-request"},
      {"a negative length", start + "Content-Length: -1\r\n\r\n", "http-request"},
      {"a hexadecimal length", start + "Content-Length: 0x10\r\n\r\n", "http-request"},
      {"an empty length", start + "Content-Length: \r\n\r\n", "http-request"},
      {"a length above 64 bits", start + "Content-Length: 99999999999999999999\r\n\r\n", "http-request"},
      {"length and encoding", start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
       "http-request"},
      {"encoding and length", start + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
       "http-request"},
      {"two encodings", start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
       "http-request"},
      {"an unknown encoding", start + "Transfer-Encoding: gzip, chunked\r\n\r\n", "http-transfer-encoding"},
      {"identity", start + "Transfer-Encoding: identity\r\n\r\n", "http-transfer-encoding"},
      {"a disguised encoding", start + "Transfer-Encoding: xchunked\r\n\r\n", "http-transfer-encoding"},
      {"encoding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "http-request"},
      {"a space before the colon", start + "Content-Length : 5\r\n\r\n", "http-request"},
      {"a tab before the colon", start + "Transfer-Encoding\t: chunked\r\n\r\n", "http-request"},
      {"a folded line", start + "X: a\r\n b\r\n\r\n", "http-request"},
      {"a folded encoding", start + "Transfer-Encoding:\r\n chunked\r\n\r\n", "http-request"},
      {"a space before the first field", "POST / HTTP/1.1\r\n Host: x\r\n\r\n", "http-request"},
      {"a bare LF", start + "X: a\nY: b\r\n\r\n", "http-request"},
      {"a bare CR", start + "X: a\rY: b\r\n\r\n", "http-request"},
      {"a NUL in a value", start + std::string("X: a\0b\r\n\r\n", 10), "http-request"},
      {"a NUL in a name", start + std::string("X\0: b\r\n\r\n", 9), "http-request"},
      {"a control character", start + "X: a\x01\r\n\r\n", "http-request"},
      {"an empty name", start + ": b\r\n\r\n", "http-request"},
      {"a line without a colon", start + "nonsense\r\n\r\n", "http-request"},
      {"no host", "GET / HTTP/1.1\r\n\r\n", "http-request"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "http-request"},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "http-request"},
      {"no version", "GET /\r\nHost: x\r\n\r\n", "http-request"},
      {"HTTP/2", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "http-version"},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", "http-version"},
      {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: x\r\n\r\n", "http-version"},
      {"lower case http", "GET / http/1.1\r\nHost: x\r\n\r\n", "http-version"},
      {"CONNECT", "CONNECT host:443 HTTP/1.1\r\nHost: x\r\n\r\n", "http-request"},
      {"a target without a slash", "GET models HTTP/1.1\r\nHost: x\r\n\r\n", "http-request"},
      {"an asterisk for GET", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", "http-request"},
      {"a raw byte in the target", "GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n", "http-request"},
      {"a raw UTF-8 target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", "http-request"},
      {"half an escape", "GET /%4 HTTP/1.1\r\nHost: x\r\n\r\n", "http-request"},
      {"a wrong escape", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "http-request"},
      {"an encoded NUL", "GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", "http-request"},
      {"a wrong escape in the query", "GET /?a=%G1 HTTP/1.1\r\nHost: x\r\n\r\n", "http-request"},
      {"an unknown expectation", start + "Content-Length: 1\r\nExpect: 200-ok\r\n\r\n", "http-expectation"},
      {"no end", start, "http-request"},
      {"nothing", "", "http-request"},
      {"something behind the end", start + "\r\nGET", "http-request"},
  };
  for (const Case& c : cases) EXPECT_EQ(ErrorCodeOf(c.head), c.code) << c.what;
}

TEST(RequestHead, IsRefusedAtEveryCut) {
  const std::string whole = "GET /a?b=c HTTP/1.1\r\nHost: x\r\nX: y\r\n\r\n";
  ASSERT_TRUE(Parse(whole).ok());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(ErrorCodeOf(whole.substr(0, size)), "http-request") << size;
  }
}

TEST(HeaderList, SetsAndRemovesWithoutCase) {
  HeaderList headers = {{"A", "1"}, {"a", "2"}, {"B", "3"}};
  headers.Set("a", "4");
  EXPECT_EQ(headers.FindAll("A").size(), 1u);
  EXPECT_EQ(headers.Find("A"), "4");
  headers.Remove("b");
  EXPECT_FALSE(headers.Has("B"));
}

TEST(PercentCoding, EncodesWhatDecodesBack) {
  std::string all;
  for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(PercentDecode(PercentEncode(all), true).value(), all);
  EXPECT_EQ(PercentEncode("a b/c~"), "a%20b%2Fc~");
}

TEST(ErrorResponse, HasOpenAisShape) {
  const auto error =
      base::MakeError(base::ErrorKind::kNotFound, "model-not-found", "No \"such\" model", "model");
  const HttpResponse response = ErrorResponse(error);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.headers.Find("content-type"), "application/json");
  EXPECT_EQ(base::AsText(response.body),
            R"({"error":{"message":"No \"such\" model","type":"invalid_request_error","param":"model",)"
            R"("code":"model-not-found"}})");
}

TEST(ResponseHead, HoldsStatusAndFraming) {
  const auto head = ParseResponseHead(AsBytes("HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\n"));
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head->status, 201);
  EXPECT_EQ(head->content_length, 3u);
  EXPECT_TRUE(head->keep_alive);
  for (const std::string_view bad : {"HTTP/1.1 99 X\r\n\r\n", "HTTP/1.1 2000 X\r\n\r\n", "SSH-2.0-x\r\n\r\n",
                                     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"}) {
    EXPECT_FALSE(ParseResponseHead(AsBytes(bad)).ok()) << bad;
  }
}

// Feeds the whole input in steps of `step` bytes and collects what comes out, in pieces of `room` bytes.
base::Result<std::string> Decode(std::string_view input, std::size_t step, std::size_t room) {
  ChunkedDecoder decoder("http-request");
  std::string out;
  std::string pending;
  base::Bytes space(room);
  while (true) {
    auto progress = decoder.Decode(AsBytes(pending), space);
    if (!progress.ok()) return std::move(progress).error();
    pending.erase(0, progress->consumed);
    out.append(base::AsText(base::ByteView(space).first(progress->produced)));
    if (progress->done) return out + (pending.empty() ? "" : "|" + pending);
    if (progress->produced > 0) continue;
    if (input.empty()) return base::Malformed("cut");
    pending += input.substr(0, step);
    input.remove_prefix(std::min(step, input.size()));
  }
}

TEST(ChunkedDecoder, GivesTheBodyInAnyCutting) {
  const std::string_view body =
      "4\r\nWiki\r\n6;x=y\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nX: y\r\n\r\n";
  for (const std::size_t step : {1, 2, 3, 7, 100}) {
    for (const std::size_t room : {1, 2, 5, 100}) {
      const auto decoded = Decode(body, step, room);
      ASSERT_TRUE(decoded.ok()) << step << " " << room << " " << decoded.error().message;
      EXPECT_EQ(*decoded, "Wikipedia in \r\n\r\nchunks.") << step << " " << room;
    }
  }
}

TEST(ChunkedDecoder, StopsAtTheEnd) { EXPECT_EQ(*Decode("1\r\na\r\n0\r\n\r\nGET /", 100, 10), "a|GET /"); }

TEST(ChunkedDecoder, RefusesBrokenFraming) {
  for (const std::string_view bad : {"x\r\n", "-1\r\na", "1\r\nab\r\n", "1\nab", "FFFFFFFFFFFFFFFFFF\r\n",
                                     "\r\n\r\n", "0x1\r\na\r\n", " 1\r\na\r\n", "1 \r\na\r\n", "+1\r\na\r\n",
                                     "1;a\x01\r\na\r\n", "0\r\nno colon\r\n\r\n", "1\r\na\n"}) {
    EXPECT_FALSE(Decode(bad, 100, 10).ok()) << bad;
  }
}

TEST(ChunkedDecoder, RefusesFramingWithoutEnd) {
  const std::string endless = "1;" + std::string(2 * ChunkedDecoder::kMaxLine, 'a');
  const auto decoded = Decode(endless, endless.size(), 10);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code, "http-request");
}

}  // namespace
}  // namespace blindai::net
