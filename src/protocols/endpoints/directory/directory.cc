#include "protocols/endpoints/directory/directory.h"

#include <boost/json.hpp>
#include <memory>
#include <utility>

#include "encoding/hex.h"
#include "encoding/json.h"
#include "net/await_callback.h"
#include "net/http_message.h"
#include "protocols/endpoints/answer.h"
#include "protocols/endpoints/authentication.h"
#include "protocols/wire/directory.h"

namespace blindai::endpoints {
namespace {

namespace json = boost::json;
using accounts::Directory;
using accounts::Holder;
using base::Result;

constexpr std::size_t kMaxSmallBody = std::size_t{16} << 10;
constexpr std::string_view kAdminCode = "directory-message";

// One request as plain values, for code that may run on another thread.
struct Call {
  const net::RequestHead& head;
  const PathArguments& arguments;
  std::string address;  // of the peer
  base::Bytes body;
};

// Seconds since the epoch, or null.
json::value MomentJson(const std::optional<base::Time>& time) {
  return time ? json::value(time->time_since_epoch().count()) : json::value(nullptr);
}

json::array ScopesJson(const accounts::Scopes& scopes) {
  json::array words;
  std::string text = accounts::ScopesText(scopes);
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    words.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

json::object KeyJson(const accounts::KeyInfo& key) {
  return {{"id", key.id},
          {"object", "key"},
          {"tenant", key.tenant},
          {"scopes", ScopesJson(key.scopes)},
          {"created_at", MomentJson(key.created)},
          {"expires_at", MomentJson(key.expires)},
          {"revoked_at", MomentJson(key.revoked)}};
}

json::object ServerJson(const accounts::ServerInfo& server) {
  json::object object{{"address", server.address},
                      {"object", "server"},
                      {"owner", server.owner},
                      {"state", accounts::ServerStateName(server.state)},
                      {"models", server.models.size()},
                      {"backlog_ms", server.backlog_ms},
                      {"reported_at", MomentJson(server.reported)},
                      {"verified_at", MomentJson(server.verified)},
                      {"simulation", server.simulation}};
  if (!server.reason.empty()) object["reason"] = server.reason;
  return object;
}

template <typename Items, typename ToJson>
net::HttpResponse ListJson(const Items& items, ToJson to_json) {
  json::array data;
  for (const auto& item : items) data.push_back(to_json(item));
  return net::JsonResponse(200, json::serialize(json::object{{"object", "list"}, {"data", std::move(data)}}));
}

struct NewKeyRequest {
  std::string tenant;
  accounts::Scopes scopes;
  std::optional<base::Time> expires;
};

Result<NewKeyRequest> ReadNewKey(const base::Bytes& body) {
  NewKeyRequest request;
  BLINDAI_TRY(const json::object object,
              encoding::ParseJsonObject(base::AsText(body), {.max_bytes = kMaxSmallBody, .max_depth = 4}));
  BLINDAI_TRY(request.tenant, encoding::JsonString(object, "tenant"));
  BLINDAI_TRY(const json::array* const scopes, encoding::JsonArray(object, "scopes"));
  std::string text;
  for (const json::value& scope : *scopes) {
    if (!scope.is_string()) return encoding::JsonFieldError("scopes", "a list of texts");
    text += (text.empty() ? "" : ",") + std::string(scope.get_string());
  }
  BLINDAI_TRY(request.scopes, accounts::ParseScopes(text));
  if (encoding::JsonFind(object, "expires_at") != nullptr) {
    constexpr std::int64_t kMax = 253'402'300'799;  // the end of the year 9999
    BLINDAI_TRY(const std::int64_t seconds, encoding::JsonInteger(object, "expires_at"));
    if (seconds < 0 || seconds > kMax)
      return encoding::JsonFieldError("expires_at", "a time in whole seconds");
    request.expires = base::Time(std::chrono::seconds(seconds));
  }
  return request;
}

class Endpoint {
 public:
  Endpoint(Directory& directory, DirectoryEndpointOptions options)
      : directory_(directory), options_(std::move(options)) {}

  using Work = Result<net::HttpResponse> (Endpoint::*)(const Call&, const Holder&);

  // The way of every request that needs a key: the address may ask, the body is read, then, where blocking is allowed,
  // the key is looked up and the work done.
  net::Task<void> Handle(net::HttpExchange& exchange, const PathArguments& arguments, std::size_t max_body,
                         Work work) {
    Call call{exchange.head(), arguments, exchange.connection().peer_address, {}};
    if (const auto wait = directory_.WaitOfAddress(call.address, options_.steady_now())) {
      net::HttpResponse refusal = TooOften(call.head, *wait);
      const base::Status sent = co_await exchange.Respond(refusal);
      (void)sent;
      co_return;
    }
    Result<base::Bytes> body = co_await exchange.ReadWholeBody(max_body);
    if (!body.ok()) {
      co_await AnswerError(exchange, body.error());
      co_return;
    }
    call.body = *std::move(body);
    std::function<void(net::Callback<net::HttpResponse>)> start = [&](net::Callback<net::HttpResponse> done) {
      options_.run([this, &call, work, done = std::move(done)] { done(Blocking(call, work)); });
    };
    Result<net::HttpResponse> answer = co_await net::AwaitCallback<net::HttpResponse>(start);
    if (!answer.ok()) {
      co_await AnswerError(exchange, answer.error());
      co_return;
    }
    const base::Status sent = co_await exchange.Respond(*answer);
    (void)sent;
  }

  net::Task<void> Jwks(net::HttpExchange& exchange) const {
    net::HttpResponse response = net::JsonResponse(200, directory_.Jwks());
    response.headers.Add("Cache-Control", "public, max-age=60");
    const base::Status sent = co_await exchange.Respond(response);
    (void)sent;
  }

  Result<net::HttpResponse> OpenSession(const Call& call, const Holder& holder) {
    BLINDAI_TRY(const wire::SessionRequest request, wire::DecodeSessionRequest(call.body));
    BLINDAI_TRY(const accounts::Session session,
                directory_.OpenSession(holder, request.model, false, options_.now()));
    wire::SessionAnswer answer;
    answer.token = session.token;
    answer.expires_at = session.expires.time_since_epoch().count();
    answer.simulation = options_.simulation;
    for (const auto& server : session.servers) answer.servers.push_back({server.address, server.backlog_ms});
    return Private(200, wire::EncodeSessionAnswer(answer));
  }

  Result<net::HttpResponse> CreateKey(const Call& call, const Holder& holder) {
    BLINDAI_TRY(const NewKeyRequest request, ReadNewKey(call.body));
    BLINDAI_TRY(const accounts::NewKey made, directory_.CreateKey(holder, request.tenant, request.scopes,
                                                                  request.expires, options_.now()));
    json::object object = KeyJson(made.info);
    object["key"] = base::AsText(made.key.ExposeSecret());
    return Private(201, json::serialize(object));
  }
  Result<net::HttpResponse> ListKeys(const Call&, const Holder& holder) {
    BLINDAI_TRY(const auto keys, directory_.ListKeys(holder));
    return ListJson(keys, KeyJson);
  }
  Result<net::HttpResponse> RevokeKey(const Call& call, const Holder& holder) {
    const std::string& id = call.arguments.at("id");
    if (id.size() != 8 || !encoding::HexDecode(id).ok()) {
      return base::MakeError(base::ErrorKind::kNotFound, "key-not-found", "a key's id has 8 hex digits",
                             "id");
    }
    BLINDAI_RETURN_IF_ERROR(directory_.RevokeKey(holder, id, options_.now()));
    return net::JsonResponse(200,
                             json::serialize(json::object{{"id", id}, {"object", "key"}, {"revoked", true}}));
  }

  Result<net::HttpResponse> ReportServer(const Call& call, const Holder& holder) {
    BLINDAI_TRY(const wire::ServerReport report, wire::DecodeServerReport(call.body));
    accounts::ServerInfo server;
    server.address = report.address;
    server.backlog_ms = report.backlog_ms;
    for (const std::string& model : report.models) {
      BLINDAI_TRY(const auto digest, encoding::HexDecodeFixed<crypto::Sha256Digest>(model));
      server.models.push_back(digest);
    }
    if (report.v05) {
      server.v05_attested = report.v05->attested;
      server.v05_untrusted = report.v05->untrusted;
    }
    BLINDAI_TRY(const auto standing, directory_.ReportServer(holder, std::move(server), options_.now()));
    wire::ServerReportAnswer answer;
    // To the server itself "dropped" is the refusal of its evidence; a silent one is pending again by reporting.
    answer.state = standing.state == accounts::ServerState::kDropped
                       ? "refused"
                       : std::string(accounts::ServerStateName(standing.state));
    answer.reason = standing.reason;
    answer.issuer = directory_.issuer();
    answer.jwks = directory_.Jwks();
    return net::JsonResponse(200, wire::EncodeServerReportAnswer(answer));
  }
  Result<net::HttpResponse> ListServers(const Call&, const Holder& holder) {
    BLINDAI_TRY(const auto servers, directory_.ListServers(holder));
    return ListJson(servers, ServerJson);
  }
  Result<net::HttpResponse> RemoveServer(const Call& call, const Holder& holder) {
    const std::string& address = call.arguments.at("address");
    if (!wire::IsServerAddress(address)) {
      return base::MakeError(base::ErrorKind::kInvalid, std::string(kAdminCode),
                             "a server's address is host:port", "address");
    }
    BLINDAI_RETURN_IF_ERROR(directory_.RemoveServer(holder, address, options_.now()));
    return net::JsonResponse(
        200, json::serialize(json::object{{"address", address}, {"object", "server"}, {"deleted", true}}));
  }

 private:
  net::HttpResponse Blocking(const Call& call, Work work) {
    const Result<Holder> holder = directory_.Identify(BearerCredential(call.head), options_.now());
    if (!holder.ok()) return Refusal(call.head, holder.error());
    if (const auto wait = directory_.WaitOf(*holder, options_.steady_now())) {
      return TooOften(call.head, *wait);
    }
    Result<net::HttpResponse> answer = (this->*work)(call, *holder);
    if (!answer.ok()) return Refusal(call.head, answer.error());
    return *std::move(answer);
  }

  static net::HttpResponse Refusal(const net::RequestHead& head, const base::Error& error) {
    net::HttpResponse response = ErrorResponseFor(head, net::StatusOf(error.kind), error);
    if (error.kind == base::ErrorKind::kUnauthorized) response.headers.Add("WWW-Authenticate", "Bearer");
    if (error.kind == base::ErrorKind::kUnavailable) response.headers.Add("Retry-After", "2");
    return response;
  }
  static net::HttpResponse TooOften(const net::RequestHead& head, std::chrono::seconds wait) {
    const base::Error error = base::MakeError(
        base::ErrorKind::kExhausted, "rate-limit",
        "too many requests; the next one is answered in " + std::to_string(wait.count()) + " s");
    net::HttpResponse response = ErrorResponseFor(head, 429, error);
    response.headers.Add("Retry-After", std::to_string(wait.count()));
    return response;
  }
  // Holds a credential.
  static net::HttpResponse Private(int status, std::string_view text) {
    net::HttpResponse response = net::JsonResponse(status, text);
    response.headers.Add("Cache-Control", "no-store");
    return response;
  }

  Directory& directory_;
  const DirectoryEndpointOptions options_;
};

}  // namespace

void RegisterDirectory(Router& router, Directory& directory, DirectoryEndpointOptions options) {
  const auto endpoint = std::make_shared<Endpoint>(directory, std::move(options));
  const auto add = [&](std::string method, std::string_view pattern, std::size_t max_body,
                       Endpoint::Work work) {
    router.Add(std::move(method), pattern,
               [endpoint, max_body, work](net::HttpExchange& exchange, const PathArguments& arguments) {
                 return endpoint->Handle(exchange, arguments, max_body, work);
               });
  };
  add("POST", "/v1/session", kMaxSmallBody, &Endpoint::OpenSession);
  add("POST", "/v1/keys", kMaxSmallBody, &Endpoint::CreateKey);
  add("GET", "/v1/keys", 0, &Endpoint::ListKeys);
  add("DELETE", "/v1/keys/{id}", 0, &Endpoint::RevokeKey);
  add("POST", "/v1/servers", wire::kMaxDirectoryJsonBytes, &Endpoint::ReportServer);
  add("GET", "/v1/servers", 0, &Endpoint::ListServers);
  add("DELETE", "/v1/servers/{address}", 0, &Endpoint::RemoveServer);
  for (const std::string_view path : {"/v1/jwks", "/.well-known/jwks.json"}) {
    router.Add("GET", path, [endpoint](net::HttpExchange& exchange, const PathArguments&) {
      return endpoint->Jwks(exchange);
    });
  }
}

}  // namespace blindai::endpoints
