#include "client/directory.h"

#include <algorithm>
#include <utility>

#include "client/connect.h"
#include "net/http_client.h"
#include "net/tls.h"
#include "protocols/wire/directory.h"

namespace blindai::client {
namespace {

using base::Result;

// A token is renewed so long before its end that a call which begins with it can be answered.
constexpr std::chrono::seconds kRenewBefore{60};

Result<DirectorySession> SessionOf(wire::SessionAnswer answer, base::Time now) {
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

Result<DirectorySession> Directory::OpenSession(const std::string& model, base::Time now) const {
  net::ConnectOptions to;
  to.host = at_.url.host;
  to.port = at_.url.port;
  to.connect_timeout = timeout_;
  if (at_.url.tls) {
    BLINDAI_TRY(to.tls, net::TlsClientContext::ForHttps(at_.ca_pem).Within("directory"));
  }
  auto connection = net::BlockingHttpConnection::Connect(to, keep_waiting_);
  if (!connection.ok()) return std::move(connection).error().Within("directory");
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
  auto response = (*connection)->Send(request);
  if (!response.ok()) return std::move(response).error().Within("directory");
  if (response->status != 200) return AnswerError(*response).Within("directory");
  auto answer = wire::DecodeSessionAnswer(response->body);
  if (!answer.ok()) return std::move(answer).error().Within("directory");
  return SessionOf(*std::move(answer), now);
}

}  // namespace blindai::client
