// One GET from a key service, by URL. Nothing here is contacted unless the operator configured its address.
// Plain HTTP is accepted for this machine (a caching service beside the server) and for the link-local addresses of
// its host's services; what is fetched is signed by its maker, so the connection adds privacy and not trust.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_message.h"

namespace blindai::fetch {

using Deadline = std::chrono::steady_clock::time_point;

// Blocks until the answer is there. Any status number is an answer.
using HttpsGet = std::function<base::Result<net::HttpResponse>(const std::string& url, Deadline deadline)>;

struct Url {
  bool tls = true;
  std::string host;  // without brackets
  std::uint16_t port = 443;
  std::string target = "/";
};
// "https://host[:port]/path?query"; http:// for 127.0.0.1, [::1], localhost and 169.254.0.0/16. No user, no fragment.
// Code: url.
base::Result<Url> ParseUrl(std::string_view text);

// A new connection for each request. `ca_pem` replaces the system's CAs when it is not empty.
HttpsGet MakeHttpsGet(std::string ca_pem);

}  // namespace blindai::fetch
