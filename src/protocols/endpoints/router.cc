#include "protocols/endpoints/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "net/http_message.h"
#include "protocols/endpoints/answer.h"

namespace blindai::endpoints {
namespace {

std::vector<std::string> Split(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the '/'
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

bool IsName(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

// The arguments when the path fits the pattern.
bool Match(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
           PathArguments& arguments) {
  if (pattern.size() != path.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (IsName(pattern[i])) {
      base::Result<std::string> decoded = net::PercentDecode(path[i], false);
      if (!decoded.ok() || decoded->empty()) return false;
      arguments.insert_or_assign(pattern[i].substr(1, pattern[i].size() - 2), *std::move(decoded));
    } else if (pattern[i] != path[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

void Router::Add(std::string method, std::string_view pattern, Handler handler) {
  BLINDAI_CHECK(pattern.starts_with('/'));
  routes_.push_back(Route{std::move(method), Split(pattern), std::move(handler)});
}

net::Task<void> Router::Handle(net::HttpExchange& exchange) const {
  const net::RequestHead& head = exchange.head();
  const std::string_view target = head.raw_target;
  const std::string_view raw_path = target.substr(0, target.find('?'));
  const std::vector<std::string> path =
      raw_path.starts_with('/') ? Split(raw_path) : std::vector<std::string>{};
  std::string allowed;
  for (const Route& route : routes_) {
    PathArguments arguments;
    if (!Match(route.segments, path, arguments)) continue;
    if (route.method == head.method) {
      co_await route.handler(exchange, arguments);
      co_return;
    }
    allowed += (allowed.empty() ? "" : ", ") + route.method;
  }
  if (allowed.empty()) {
    const base::Error error = base::MakeError(base::ErrorKind::kNotFound, "path-not-found",
                                              "nothing is served at this path; docs/http.md lists what is");
    co_await AnswerError(exchange, error);
    co_return;
  }
  const base::Error error = base::MakeError(base::ErrorKind::kUnsupported, "method-not-allowed",
                                            fmt::format("this path takes {}", allowed));
  net::HeaderList headers;
  headers.Add("Allow", allowed);
  co_await AnswerErrorWith(exchange, 405, error, headers);
}

}  // namespace blindai::endpoints
