#include "net/http_message.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "base/ascii.h"
#include "base/secret.h"
#include "net/http_response_head.h"

namespace blindai::net {
namespace {

namespace beast = boost::beast;
using base::EqualWithoutCase;
using base::Error;
using base::ErrorKind;
using base::Malformed;
using base::Result;

void WipeText(std::string& text) { base::Wipe(text.data(), text.size()); }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Error BadRequest(std::string message) { return Malformed(std::move(message), "http-request"); }

// What Beast forgives and we do not: every line ends with CRLF, no line is folded, no control character but
// TAB.
base::Status CheckLines(std::string_view head, std::string_view code) {
  bool line_start = false;
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto c = static_cast<unsigned char>(head[i]);
    if (line_start && (c == ' ' || c == '\t')) {
      return Malformed("A header field is folded over two lines; write it in one", std::string(code));
    }
    line_start = false;
    if (c == '\r') {
      if (i + 1 >= head.size() || head[i + 1] != '\n') {
        return Malformed("A carriage return stands alone; lines end with CRLF", std::string(code));
      }
    } else if (c == '\n') {
      if (i == 0 || head[i - 1] != '\r') {
        return Malformed("A line ends with LF alone; lines end with CRLF", std::string(code));
      }
      line_start = true;
    } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
      return Malformed("The head holds a control character", std::string(code));
    }
  }
  if (!head.ends_with("\r\n\r\n")) return Malformed("The head has no end", std::string(code));
  return base::Ok();
}

struct Framing {
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
};

// RFC 9112 section 6: how long the body is, with every doubt refused.
Result<Framing> ReadFraming(const HeaderList& headers, int version_minor, std::string_view code) {
  Framing framing;
  const auto lengths = headers.FindAll("Content-Length");
  const auto encodings = headers.FindAll("Transfer-Encoding");
  if (lengths.size() > 1) return Malformed("Content-Length is given more than once", std::string(code));
  if (!encodings.empty()) {
    if (!lengths.empty()) {
      return Malformed("Content-Length and Transfer-Encoding are both given", std::string(code));
    }
    if (version_minor == 0) return Malformed("Transfer-Encoding needs HTTP/1.1", std::string(code));
    if (encodings.size() > 1 || !EqualWithoutCase(encodings.front(), "chunked")) {
      return base::MakeError(ErrorKind::kUnsupported, "http-transfer-encoding",
                             "The only Transfer-Encoding here is 'chunked'");
    }
    framing.chunked = true;
  } else if (!lengths.empty()) {
    const std::string_view text = lengths.front();
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || text.size() > 19) {
      return Malformed("Content-Length is not a number of bytes", std::string(code));
    }
    framing.content_length = value;
  }
  return framing;
}

// The path of a target in origin form, absolute form or asterisk form (RFC 9112 section 3.2); the query is
// cut off.
Result<std::string_view> PathOf(std::string_view target, std::string_view method) {
  if (method == "CONNECT") {
    return base::MakeError(ErrorKind::kUnsupported, "http-request", "CONNECT is not offered");
  }
  if (target == "*" && method == "OPTIONS") return target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() || !EqualWithoutCase(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t path = target.find_first_of("/?");
    if (path == std::string_view::npos || target[path] == '?') return std::string_view("/");
    target.remove_prefix(path);
    break;
  }
  if (!target.starts_with('/')) return BadRequest("The request target must start with '/'");
  return target.substr(0, target.find('?'));
}

HeaderList CopyFields(const beast::http::fields& fields) {
  HeaderList list;
  for (const auto& field : fields) list.Add(std::string(field.name_string()), std::string(field.value()));
  return list;
}

template <bool is_request>
using HeadParser = beast::http::parser<is_request, beast::http::empty_body>;

// Lets Beast take the head apart. The caller has checked the lines, so an error is one of grammar.
template <bool is_request>
base::Status ParseWith(HeadParser<is_request>& parser, base::ByteView head, std::string_view code) {
  parser.header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(head.size() + 1, 1u << 30)));
  parser.body_limit(boost::none);
  beast::error_code error;
  const std::size_t used = parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error == beast::http::error::bad_version) {
    return base::MakeError(ErrorKind::kUnsupported, "http-version",
                           "Only HTTP/1.1 and HTTP/1.0 are spoken here");
  }
  if (error || !parser.is_header_done() || used != head.size()) {
    return Malformed("The head is not well formed HTTP/1.1", std::string(code));
  }
  return base::Ok();
}

bool KeepAlive(const HeaderList& headers, int version_minor) {
  if (headers.HasToken("Connection", "close")) return false;
  return version_minor >= 1 || headers.HasToken("Connection", "keep-alive");
}

}  // namespace

std::optional<std::string_view> HeaderList::Find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (EqualWithoutCase(key, name)) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> HeaderList::FindAll(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [key, value] : fields_) {
    if (EqualWithoutCase(key, name)) found.push_back(value);
  }
  return found;
}

bool HeaderList::HasToken(std::string_view name, std::string_view token) const {
  for (std::string_view list : FindAll(name)) {
    while (true) {
      const std::size_t comma = list.find(',');
      if (EqualWithoutCase(Trim(list.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      list.remove_prefix(comma + 1);
    }
  }
  return false;
}

void HeaderList::Set(std::string_view name, std::string value) {
  Remove(name);
  Add(std::string(name), std::move(value));
}

void HeaderList::Remove(std::string_view name) {
  std::erase_if(fields_, [name](const Field& field) { return EqualWithoutCase(field.first, name); });
}

void HeaderList::Wipe() {
  for (auto& [name, value] : fields_) {
    WipeText(name);
    WipeText(value);
  }
}

std::optional<std::string_view> RequestHead::Query(std::string_view key) const {
  for (const auto& [name, value] : query) {
    if (name == key) return value;
  }
  return std::nullopt;
}

void RequestHead::Wipe() {
  for (std::string* text : {&method, &path, &raw_target}) WipeText(*text);
  for (auto& [key, value] : query) {
    WipeText(key);
    WipeText(value);
  }
  headers.Wipe();
}

Result<RequestHead> ParseRequestHead(base::ByteView bytes) {
  BLINDAI_RETURN_IF_ERROR(CheckLines(base::AsText(bytes), "http-request"));
  HeadParser<true> parser;
  BLINDAI_RETURN_IF_ERROR(ParseWith(parser, bytes, "http-request"));
  const auto& message = parser.get();

  RequestHead head;
  if (message.version() != 10 && message.version() != 11) {
    return base::MakeError(ErrorKind::kUnsupported, "http-version",
                           "Only HTTP/1.1 and HTTP/1.0 are spoken here");
  }
  head.version_minor = message.version() == 11 ? 1 : 0;
  head.method = std::string(message.method_string());
  head.raw_target = std::string(message.target());
  head.headers = CopyFields(message.base());
  for (const char c : head.raw_target) {
    if (c <= 0x20 || c == 0x7f)
      return BadRequest("The request target holds a character that must be percent-encoded");
  }
  BLINDAI_TRY(const std::string_view path, PathOf(head.raw_target, head.method));
  BLINDAI_TRY(head.path, PercentDecode(path, false));
  if (const std::size_t mark = head.raw_target.find('?'); mark != std::string::npos) {
    BLINDAI_TRY(head.query, ParseQuery(std::string_view(head.raw_target).substr(mark + 1)));
  }

  const std::size_t hosts = head.headers.FindAll("Host").size();
  if (hosts > 1) return BadRequest("Host is given more than once");
  if (hosts == 0 && head.version_minor >= 1) return BadRequest("Host is missing; HTTP/1.1 requires it");

  BLINDAI_TRY(const Framing framing, ReadFraming(head.headers, head.version_minor, "http-request"));
  head.content_length = framing.content_length;
  head.chunked = framing.chunked;
  head.keep_alive = KeepAlive(head.headers, head.version_minor);
  if (const auto expect = head.headers.Find("Expect"); expect.has_value() && head.version_minor >= 1) {
    if (!EqualWithoutCase(*expect, "100-continue")) {
      return base::MakeError(ErrorKind::kUnsupported, "http-expectation",
                             "The only Expect here is '100-continue'");
    }
    head.expect_continue = head.has_body();
  }
  return head;
}

Result<ResponseHead> ParseResponseHead(base::ByteView bytes) {
  BLINDAI_RETURN_IF_ERROR(CheckLines(base::AsText(bytes), "http-response"));
  HeadParser<false> parser;
  BLINDAI_RETURN_IF_ERROR(ParseWith(parser, bytes, "http-response"));
  const auto& message = parser.get();
  ResponseHead head;
  head.status = static_cast<int>(message.result_int());
  head.headers = CopyFields(message.base());
  const int version_minor = message.version() == 10 ? 0 : 1;
  BLINDAI_TRY(const Framing framing, ReadFraming(head.headers, version_minor, "http-response"));
  head.content_length = framing.content_length;
  head.chunked = framing.chunked;
  head.keep_alive = KeepAlive(head.headers, version_minor);
  return head;
}

Result<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 1 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return BadRequest("A '%' in the request target is not followed by two hex digits");
      if (high == 0 && low == 0) return BadRequest("The request target holds an encoded NUL");
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> ParseQuery(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    BLINDAI_TRY(std::string key, PercentDecode(part.substr(0, equals), true));
    std::string value;
    if (equals != std::string_view::npos) {
      BLINDAI_TRY(value, PercentDecode(part.substr(equals + 1), true));
    }
    pairs.emplace_back(std::move(key), std::move(value));
  }
  return pairs;
}

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

std::string_view ReasonPhrase(int status) {
  if (status == 499) return "Client Closed Request";
  const auto known = beast::http::int_to_status(static_cast<unsigned>(status));
  if (known == beast::http::status::unknown) return "Status";
  const auto phrase = beast::http::obsolete_reason(known);
  return {phrase.data(), phrase.size()};
}

int StatusOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kUnauthorized:
      return 401;
    case ErrorKind::kDenied:
      return 403;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kConflict:
      return 409;
    case ErrorKind::kTooLarge:
      return 413;
    case ErrorKind::kUnsupported:
      return 501;
    case ErrorKind::kExhausted:
      return 429;
    case ErrorKind::kUnavailable:
      return 503;
    case ErrorKind::kDeadline:
      return 504;
    case ErrorKind::kCancelled:
      return 499;
    case ErrorKind::kInternal:
      return 500;
  }
  return 500;
}

HttpResponse TextResponse(int status, std::string_view text, std::string_view content_type) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", std::string(content_type));
  response.body.assign(text.begin(), text.end());
  return response;
}

HttpResponse JsonResponse(int status, std::string_view json) {
  return TextResponse(status, json, "application/json");
}

HttpResponse ErrorResponse(const Error& error) { return ErrorResponse(StatusOf(error.kind), error); }

HttpResponse ErrorResponse(int status, const Error& error) {
  std::string_view type = status >= 500 ? "server_error" : "invalid_request_error";
  if (status == 401) type = "authentication_error";
  if (status == 403) type = "permission_error";
  if (status == 429) type = "rate_limit_error";
  boost::json::object fields;
  fields["message"] = error.message;
  fields["type"] = type;
  fields["param"] = nullptr;
  if (!error.param.empty()) fields["param"] = error.param;
  fields["code"] = error.code;
  boost::json::object whole;
  whole["error"] = std::move(fields);
  return JsonResponse(status, boost::json::serialize(whole));
}

}  // namespace blindai::net
