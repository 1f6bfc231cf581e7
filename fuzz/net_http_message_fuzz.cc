// rooms: base encoding crypto net
// Whatever a client sends as a head: no crash; and what is accepted has one meaning only.
#include "base/check.h"
#include "net/http_message.h"
#include "net/http_response_head.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const base::ByteView input(data, size);
  const auto response = net::ParseResponseHead(input);
  if (response.ok()) BLINDAI_CHECK(!(response->chunked && response->content_length.has_value()));

  const auto head = net::ParseRequestHead(input);
  if (!head.ok()) return 0;
  BLINDAI_CHECK(!(head->chunked && head->content_length.has_value()));
  BLINDAI_CHECK(head->path == "*" || head->path.starts_with('/'));
  BLINDAI_CHECK(head->path.find('\0') == std::string::npos);
  BLINDAI_CHECK(head->headers.FindAll("content-length").size() <= 1);
  // The law of percent-encoding, for the path and for every part of the query.
  BLINDAI_CHECK(net::PercentDecode(net::PercentEncode(head->path), false).value() == head->path);
  for (const auto& [key, value] : head->query) {
    const auto again = net::ParseQuery(net::PercentEncode(key) + "=" + net::PercentEncode(value)).value();
    BLINDAI_CHECK(again.size() == 1 && again[0].first == key && again[0].second == value);
  }
  return 0;
}
