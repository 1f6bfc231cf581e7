// The plain nouns of HTTP/1.1 (RFC 9110, RFC 9112) that servers, clients and endpoints share, and the pure
// parser of a request head. The parser is strict where leniency lets two programs see two different requests
// (RFC 9112 section 11.2, request smuggling): one Content-Length, never together with Transfer-Encoding, no
// folded lines, no bare CR or LF, no NUL, one Host, percent-encoding that is complete.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::net {

// Header fields in the order they came; names compare without case.
class HeaderList {
 public:
  using Field = std::pair<std::string, std::string>;

  HeaderList() = default;
  HeaderList(std::initializer_list<Field> fields) : fields_(fields) {}

  // The first field of that name, or nothing.
  std::optional<std::string_view> Find(std::string_view name) const;
  bool Has(std::string_view name) const { return Find(name).has_value(); }
  std::vector<std::string_view> FindAll(std::string_view name) const;
  // True when a comma-separated field of that name lists `token` (without case): Connection, Accept-Encoding.
  bool HasToken(std::string_view name, std::string_view token) const;
  void Add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  // Adds, after removing every field of that name.
  void Set(std::string_view name, std::string value);
  void Remove(std::string_view name);
  // Overwrites names and values.
  void Wipe();

  const std::vector<Field>& fields() const { return fields_; }

 private:
  std::vector<Field> fields_;
};

struct RequestHead {
  std::string method;      // as sent: "GET"
  std::string path;        // percent-decoded, without the query; starts with '/', or is "*"
  std::string raw_target;  // as sent
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order; '+' is a space
  HeaderList headers;
  std::optional<std::uint64_t> content_length;  // nothing: no body, or a chunked one
  bool chunked = false;
  bool keep_alive = true;        // what the client asked for
  bool expect_continue = false;  // it waits for "100 Continue" before it sends the body
  int version_minor = 1;         // HTTP/1.x
  // No request, but the first bytes of a client that speaks HTTP/2 (RFC 9113 section 3.4); `method` is "PRI" then.
  bool is_http2_preface = false;

  // The first value of a query key, or nothing.
  std::optional<std::string_view> Query(std::string_view key) const;
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
  // Overwrites all texts: who asked, with which key, and for what.
  void Wipe();
};

// `head` ends with the empty line. Codes: "http-request" (400), "http-version" (505), "http-expectation"
// (417), "http-transfer-encoding" (501).
base::Result<RequestHead> ParseRequestHead(base::ByteView head);
// "a%20b+c" → "a b+c"; plus_is_space for query parts. Incomplete or NUL escapes are errors.
base::Result<std::string> PercentDecode(std::string_view text, bool plus_is_space);
base::Result<std::vector<std::pair<std::string, std::string>>> ParseQuery(std::string_view query);
// Everything but unreserved characters becomes %XX; for one path segment or one query part.
std::string PercentEncode(std::string_view text);

// A piece of a body that is written where it lies. `owner` keeps it alive; without one the caller does.
struct BodyPart {
  base::ByteView bytes;
  std::shared_ptr<const void> owner;
};

struct HttpResponse {
  int status = 200;
  HeaderList headers;  // without Content-Length, Transfer-Encoding, Connection and Date: the room adds those
  base::Bytes body;
  std::vector<BodyPart> parts;  // follow `body`, written without a copy
};

// The usual phrase of a status number: "Not Found".
std::string_view ReasonPhrase(int status);
// The usual status number of an error: kNotFound is 404.
int StatusOf(base::ErrorKind kind);
HttpResponse TextResponse(int status, std::string_view text,
                          std::string_view content_type = "text/plain; charset=utf-8");
HttpResponse JsonResponse(int status, std::string_view json);
// {"error":{"message","type","param","code"}} with the status of the error's kind (OpenAI's shape).
HttpResponse ErrorResponse(const base::Error& error);
HttpResponse ErrorResponse(int status, const base::Error& error);

}  // namespace blindai::net
