#include "client/directory.h"

#include <algorithm>
#include <utility>

#include "client/connect.h"
#include "net/tls.h"
#include "protocols/wire/directory.h"

namespace blindai::client {
namespace {

using base::Result;

// A token is renewed so long before its end that a call which begins with it can be answered.
constexpr std::chrono::seconds kRenewBefore{60};

Result<DirectorySession> SessionOf(Result<net::HttpResponse> response, base::Time now) {
  if (!response.ok()) return std::move(response).error().Within("directory");
  if (response->status != 200) return AnswerError(*response).Within("directory");
  auto decoded = wire::DecodeSessionAnswer(response->body);
  if (!decoded.ok()) return std::move(decoded).error().Within("directory");
  const wire::SessionAnswer& answer = *decoded;
  DirectorySession session;
  session.token =
      std::make_shared<const base::SecretBytes>(base::SecretBytes::CopyOf(base::AsBytes(answer.token)));
  session.expires_at = base::Time(std::chrono::seconds(answer.expires_at));
  const auto life = std::max(session.expires_at - now, std::chrono::seconds(0));
  session.renew_at = session.expires_at - std::min(kRenewBefore, life / 4);
  for (const wire::PlacedServer& placed : answer.servers) {
    BLINDAI_TRY(ServerAddress address, ParseServerAddress(placed.address));
    session.servers.push_back(std::move(address));
  }
  return session;
}

}  // namespace

Directory::Directory(const ConnectOptions& options)
    : at_(*options.directory),
      api_key_(options.api_key),
      timeout_(options.connect_timeout),
      keep_waiting_(options.keep_waiting) {}

Result<net::ConnectOptions> Directory::Where() const {
  net::ConnectOptions to;
  to.host = at_.url.host;
  to.port = at_.url.port;
  to.connect_timeout = timeout_;
  if (at_.url.tls) {
    BLINDAI_TRY(to.tls, net::TlsClientContext::ForHttps(at_.ca_pem));
  }
  return to;
}

net::HttpRequest Directory::Question(const std::string& model) const {
  net::HttpRequest request;
  request.method = "POST";
  request.target =
      (at_.url.target.ends_with('/') ? at_.url.target.substr(0, at_.url.target.size() - 1) : at_.url.target) +
      "/v1/session";
  if (api_key_ != nullptr) {
    request.headers.Set("Authorization", "Bearer " + std::string(base::AsText(api_key_->ExposeSecret())));
  }
  wire::SessionRequest wanted;
  if (!model.empty()) wanted.model = model;
  request.headers.Set("Content-Type", "application/json");
  request.body = base::CopyBytes(base::AsBytes(wire::EncodeSessionRequest(wanted)));
  request.timeout = timeout_;
  request.max_response_bytes = wire::kMaxDirectoryJsonBytes;
  return request;
}

Result<DirectorySession> Directory::OpenSession(const std::string& model, base::Time now) const {
  auto to = Where();
  if (!to.ok()) return std::move(to).error().Within("directory");
  auto connection = net::BlockingHttpConnection::Connect(*to, keep_waiting_);
  if (!connection.ok()) return std::move(connection).error().Within("directory");
  net::HttpRequest request = Question(model);
  return SessionOf((*connection)->Send(request), now);
}

net::Task<Result<DirectorySession>> Directory::AskForSession(base::Time now) const {
  auto to = Where();
  if (!to.ok()) co_return std::move(to).error().Within("directory");
  auto connection = co_await net::HttpConnection::Connect(*to);
  if (!connection.ok()) co_return std::move(connection).error().Within("directory");
  net::HttpRequest request = Question("");
  Result<net::HttpResponse> response = co_await (*connection)->Send(request);
  co_return SessionOf(std::move(response), now);
}

}  // namespace blindai::client
