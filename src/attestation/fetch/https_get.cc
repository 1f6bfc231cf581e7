#include "attestation/fetch/https_get.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "net/http_client.h"

namespace blindai::fetch {
namespace {

using base::Result;

// A TCB info is some 60 kB, a revocation list up to a few hundred.
constexpr std::uint64_t kMaxAnswerBytes = 4 << 20;

base::Error BadUrl() {
  return base::MakeError(
      base::ErrorKind::kInvalid, "url",
      "wanted https://host[:port]/path (http:// only for this machine and its host, no user, no fragment)");
}

bool IsThisMachine(std::string_view host) {
  return host == "127.0.0.1" || host == "::1" || host == "localhost";
}

// RFC 3927: never leaves the link between a virtual machine and its host. Digits only, so that it is no name.
bool IsLinkLocal(std::string_view host) {
  return host.starts_with("169.254.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

Result<Url> ParseUrl(std::string_view text) {
  Url url;
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
    url.tls = false;
    url.port = 80;
  } else {
    return BadUrl();
  }
  const bool unusual = std::any_of(text.begin(), text.end(),
                                   [](char c) { return c <= ' ' || c >= 0x7f || c == '#' || c == '@'; });
  if (unusual) return BadUrl();
  const std::size_t slash = std::min(text.find('/'), text.size());
  std::string_view authority = text.substr(0, slash);
  if (slash < text.size()) url.target = text.substr(slash);

  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return BadUrl();
    url.host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    authority.remove_prefix(colon);
  }
  if (!authority.empty()) {
    const std::string_view digits = authority.substr(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (authority.front() != ':' || digits.empty() || error != std::errc() ||
        end != digits.data() + digits.size() || url.port == 0) {
      return BadUrl();
    }
  }
  if (url.host.empty() || (!url.tls && !IsThisMachine(url.host) && !IsLinkLocal(url.host))) return BadUrl();
  return url;
}

HttpsGet MakeHttpsGet(std::string ca_pem) {
  return
      [ca_pem = std::move(ca_pem)](const std::string& text, Deadline deadline) -> Result<net::HttpResponse> {
        BLINDAI_TRY(const Url url, ParseUrl(text));
        const auto left = [deadline] {
          return std::max(std::chrono::milliseconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(
                                                            deadline - std::chrono::steady_clock::now()));
        };
        net::ConnectOptions options;
        options.host = url.host;
        options.port = url.port;
        options.connect_timeout = left();
        if (url.tls) {
          BLINDAI_TRY(options.tls, net::TlsClientContext::ForHttps(ca_pem));
        }
        BLINDAI_TRY(const auto connection, net::BlockingHttpConnection::Connect(options));
        net::HttpRequest request;
        request.target = url.target;
        request.timeout = left();
        request.max_response_bytes = kMaxAnswerBytes;
        return connection->Send(request);
      };
}

}  // namespace blindai::fetch
