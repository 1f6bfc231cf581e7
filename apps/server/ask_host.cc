#include "server/ask_host.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "attestation/fetch/https_get.h"
#include "net/http_client.h"

namespace blindai::server {
namespace {

using attester::Attester;
using attester::HostAnswer;
using attester::HostRequest;
using base::Result;

constexpr std::chrono::milliseconds kLongestWait{60'000};

std::chrono::milliseconds Left(Attester::Deadline deadline) {
  const auto now = std::chrono::steady_clock::now();
  if (deadline <= now) return std::chrono::milliseconds(1);
  if (deadline - now > kLongestWait) return kLongestWait;
  return std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
}

}  // namespace

Result<HostAnswer> AskHost(const HostRequest& request, Attester::Deadline deadline) {
  BLINDAI_TRY(const fetch::Url url, fetch::ParseUrl(request.url));
  net::ConnectOptions options;
  options.host = url.host;
  options.port = url.port;
  options.connect_timeout = Left(deadline);
  if (url.tls) {
    BLINDAI_TRY(options.tls, net::TlsClientContext::ForHttps(""));
  }
  BLINDAI_TRY(const auto connection, net::BlockingHttpConnection::Connect(options));
  net::HttpRequest http;
  http.method = request.json.empty() ? "GET" : "POST";
  http.target = url.target;
  for (const auto& [name, value] : request.headers) http.headers.Add(name, value);
  http.body = base::CopyBytes(base::AsBytes(request.json));
  http.timeout = Left(deadline);
  http.max_response_bytes = attester::kMaxHostAnswerBytes;
  BLINDAI_TRY(net::HttpResponse response, connection->Send(http));
  return HostAnswer{response.status, std::move(response.body)};
}

}  // namespace blindai::server
