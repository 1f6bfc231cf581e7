#include "gateway/forward.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "base/bytes.h"
#include "gateway/local_access.h"

namespace blindai::gateway {
namespace {

using base::ByteView;
using base::ErrorKind;
using base::LowerCase;
using base::MakeError;
using base::Result;
using base::Status;
using net::HeaderList;
using net::HttpResponse;
using net::RequestHead;

// The whole of a request: uploads of gigabytes and recordings of hours are work, not a fault.
constexpr std::chrono::hours kRequestTimeout{4};
// An answer of a known, small size is answered whole, with its length.
constexpr std::uint64_t kWholeAnswer = 256 * 1024;

// Of one connection (RFC 9110 section 7.6.1), or set anew by the next one.
constexpr std::array<std::string_view, 13> kOfTheConnection = {
    "connection", "keep-alive", "proxy-connection",  "proxy-authenticate", "proxy-authorization", "te",
    "trailer",    "upgrade",    "transfer-encoding", "content-length",     "http2-settings",      "expect",
    "date"};
// About the user, the browser and the page, or the gateway's own affair.
constexpr std::array<std::string_view, 13> kStaysHere = {
    "host",      "authorization", "cookie", "origin",          "referer",          "user-agent",
    "forwarded", "via",           "dnt",    "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
    "x-real-ip"};
constexpr std::array<std::string_view, 4> kNotFromServer = {
    "set-cookie", "alt-svc", "strict-transport-security", "content-security-policy"};

template <typename Names>
bool Holds(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsWebSocketField(std::string_view name) { return name.starts_with("sec-websocket-"); }

std::optional<std::uint64_t> LengthOf(const HeaderList& headers) {
  const auto text = headers.Find("Content-Length");
  std::uint64_t length = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), length).ec != std::errc())
    return std::nullopt;
  return length;
}

HttpResponse ErrorAnswer(int status, const base::Error& error, ErrorShape shape) {
  HttpResponse response = net::ErrorResponse(status, error);
  if (shape == ErrorShape::kOpenInference) {
    Standing unreachable;
    unreachable.state = State::kUnreachable;
    unreachable.error = error;
    response.body = base::CopyBytes(base::AsBytes(RenderRefusal(unreachable, shape)));
  }
  return response;
}

HttpResponse RefusalAnswer(const Standing& standing, ErrorShape shape) {
  HttpResponse response = net::JsonResponse(503, RenderRefusal(standing, shape));
  response.headers.Add("Retry-After", "1");
  return response;
}

net::Task<void> Answer(net::HttpExchange& exchange, HttpResponse& response, const Standing& standing) {
  response.headers.Set(kVerdictHeader, std::string(StateName(standing.state)));
  const Status sent = co_await exchange.Respond(response);
  (void)sent.ok();
}

// Why a request that was sent has no answer.
std::pair<int, base::Error> Failure(const base::Error& error) {
  if (error.code == "request-timeout") return {504, error};
  // What the client did wrong with its own body.
  if (error.code == "body-timeout") return {408, error};
  if (error.code == "http-request") return {400, error};
  return {502,
          MakeError(ErrorKind::kUnavailable, "server-connection-lost",
                    "the connection to the server broke before its answer was complete; whether it did the "
                    "work is not known")};
}

// What both kinds of forwarding begin with: a verified connection, or an answer that says why not.
net::Task<std::optional<Upstream::Lease>> TakeOrAnswer(net::HttpExchange& exchange, Upstream& upstream,
                                                       IdleIsFine idle_is_fine) {
  Result<Upstream::Lease> lease = co_await upstream.Take(idle_is_fine);
  if (lease.ok() && !exchange.disconnected()) co_return std::move(lease).value();
  if (lease.ok()) {
    upstream.Give(std::move(lease).value());
    co_return std::nullopt;
  }
  const ErrorShape shape = ShapeOf(exchange.head().path);
  // A good verdict, and yet no connection for this request: the server is full, perhaps.
  HttpResponse response = upstream.standing().usable() ? ErrorAnswer(503, lease.error(), shape)
                                                       : RefusalAnswer(upstream.standing(), shape);
  co_await Answer(exchange, response, upstream.standing());
  co_return std::nullopt;
}

// One request on its way, and its answer on the way back.
class Passage {
 public:
  Passage(net::HttpExchange& exchange, Upstream& upstream) : exchange_(exchange), upstream_(upstream) {}

  net::Task<void> Run() {
    exchange_.OnDisconnect([this] {
      if (running_ != nullptr) running_->Cancel();
    });
    std::optional<Upstream::Lease> lease = co_await TakeOrAnswer(exchange_, upstream_, IdleIsFine::kYes);
    if (!lease) co_return;
    Result<HttpResponse> response = co_await SendOn(*lease);
    if (!response.ok() && MayRepeat(*lease, response.error())) {
      std::optional<Upstream::Lease> fresh = co_await TakeOrAnswer(exchange_, upstream_, IdleIsFine::kNo);
      if (!fresh) co_return;
      lease = std::move(fresh);
      Result<HttpResponse> again = co_await SendOn(*lease);
      response = std::move(again);
    }
    upstream_.Give(std::move(*lease));
    co_await Conclude(response);
  }

 private:
  net::Task<Result<HttpResponse>> SendOn(Upstream::Lease& lease) {
    const RequestHead& head = exchange_.head();
    net::HttpRequest request;
    request.method = head.method;
    request.target = head.raw_target;
    request.headers = FieldsToServer(head);
    AddKey(request.headers, upstream_.server());
    request.timeout = kRequestTimeout;
    request.max_response_bytes = UINT64_MAX;
    request.expect_continue = head.expect_continue;
    if (head.has_body()) {
      request.source_bytes = head.content_length;
      request.async_source = [this](std::span<std::uint8_t> into) { return exchange_.ReadBody(into); };
    }
    request.on_head = [this](const HttpResponse& answered) { TakeHead(answered); };
    request.async_sink = [this](ByteView bytes) { return TakeBytes(bytes); };
    request.sink_every_status = true;
    running_ = lease.http.get();
    Result<HttpResponse> response = co_await lease.http->Send(request);
    running_ = nullptr;
    co_return std::move(response);
  }

  void TakeHead(const HttpResponse& answered) {
    status_ = answered.status;
    const std::optional<std::uint64_t> length = LengthOf(answered.headers);
    is_whole_ = length && *length <= kWholeAnswer;
    headers_ = FieldsToClient(answered.headers);
    headers_.Set(kVerdictHeader, std::string(StateName(upstream_.standing().state)));
  }

  net::Task<Status> TakeBytes(ByteView bytes) {
    if (is_whole_) {
      body_.insert(body_.end(), bytes.begin(), bytes.end());
      co_return base::Ok();
    }
    if (!exchange_.response_started()) {
      Status started = co_await exchange_.StartResponse(status_, headers_);
      if (!started.ok()) co_return started;
    }
    Status written = co_await exchange_.Write(bytes);
    co_return written;
  }

  // A kept connection may have been closed by the server in this very moment. Only what asks and changes nothing is
  // repeated: nobody knows what a lost request did.
  bool MayRepeat(const Upstream::Lease& lease, const base::Error& error) const {
    const RequestHead& head = exchange_.head();
    return lease.was_idle && error.code == "connection-lost" && status_ == 0 && !head.has_body() &&
           (head.method == "GET" || head.method == "HEAD") && !exchange_.disconnected();
  }

  net::Task<void> Conclude(const Result<HttpResponse>& response) {
    if (exchange_.disconnected()) co_return;
    if (exchange_.response_started()) {
      // Without its end the client sees that the answer was cut.
      if (!response.ok()) co_return;
      const Status finished = co_await exchange_.Finish();
      (void)finished.ok();
      co_return;
    }
    // An answer to an upgrade that nobody asked for is none.
    if (!response.ok() || status_ < 200) {
      const auto [status, error] =
          Failure(response.ok() ? base::Malformed("the answer is none", "http-response") : response.error());
      HttpResponse answer = ErrorAnswer(status, error, ShapeOf(exchange_.head().path));
      co_await Answer(exchange_, answer, upstream_.standing());
      co_return;
    }
    HttpResponse whole;
    whole.status = status_;
    whole.headers = std::move(headers_);
    whole.body = std::move(body_);
    const Status sent = co_await exchange_.Respond(whole);
    (void)sent.ok();
  }

  net::HttpExchange& exchange_;
  Upstream& upstream_;
  net::HttpConnection* running_ = nullptr;
  int status_ = 0;  // of the answer, once its head is there
  HeaderList headers_;
  bool is_whole_ = false;
  base::Bytes body_;
};

}  // namespace

ErrorShape ShapeOf(std::string_view path) {
  return path == "/v2" || path.starts_with("/v2/") ? ErrorShape::kOpenInference : ErrorShape::kOpenAI;
}

HeaderList FieldsToServer(const RequestHead& head) {
  HeaderList headers;
  for (const auto& [name, value] : head.headers.fields()) {
    const std::string lower = LowerCase(name);
    if (Holds(kOfTheConnection, lower) || Holds(kStaysHere, lower)) continue;
    if (lower.starts_with("sec-") || lower.starts_with("access-control-")) continue;
    if (head.headers.HasToken("Connection", name)) continue;
    headers.Add(name, value);
  }
  return headers;
}

HeaderList FieldsToClient(const HeaderList& answered) {
  HeaderList headers;
  for (const auto& [name, value] : answered.fields()) {
    const std::string lower = LowerCase(name);
    if (Holds(kOfTheConnection, lower) || Holds(kNotFromServer, lower)) continue;
    if (lower.starts_with("access-control-") || IsWebSocketField(lower)) continue;
    if (answered.HasToken("Connection", name)) continue;
    headers.Add(name, value);
  }
  headers.Set("X-Content-Type-Options", "nosniff");
  headers.Set("Cross-Origin-Resource-Policy", "same-origin");
  headers.Set("Content-Security-Policy", "sandbox; default-src 'none'");
  return headers;
}

void AddKey(HeaderList& headers, const client::ConnectOptions& server) {
  if (server.api_key == nullptr) return;
  headers.Set("Authorization", "Bearer " + std::string(base::AsText(server.api_key->ExposeSecret())));
}

bool IsWebSocket(const RequestHead& head) {
  const auto upgrade = head.headers.Find("Upgrade");
  return head.method == "GET" && head.version_minor == 1 && !head.has_body() && upgrade &&
         LowerCase(*upgrade) == "websocket" && head.headers.HasToken("Connection", "upgrade");
}

net::Task<void> Forward(net::HttpExchange& exchange, Upstream& upstream) {
  Passage passage(exchange, upstream);
  co_await passage.Run();
}

net::Task<void> ForwardWebSocket(net::HttpExchange& exchange, Upstream& upstream) {
  const RequestHead& head = exchange.head();
  std::optional<Upstream::Lease> lease = co_await TakeOrAnswer(exchange, upstream, IdleIsFine::kYes);
  if (!lease) co_return;
  net::HttpRequest request;
  request.target = head.raw_target;
  request.headers = FieldsToServer(head);
  for (const auto& [name, value] : head.headers.fields()) {
    const std::string lower = LowerCase(name);
    if (IsWebSocketField(lower) && lower != "sec-websocket-protocol") request.headers.Add(name, value);
  }
  if (const auto left = SubprotocolsWithoutToken(head.headers))
    request.headers.Add("Sec-WebSocket-Protocol", *left);
  request.headers.Add("Connection", "Upgrade");
  request.headers.Add("Upgrade", "websocket");
  AddKey(request.headers, upstream.server());
  request.timeout = upstream.server().connect_timeout;
  auto outcome = co_await lease->http->Upgrade(request);
  if (!outcome.ok()) {
    const auto [status, error] = Failure(outcome.error());
    HttpResponse answer = ErrorAnswer(status, error, ShapeOf(head.path));
    co_await Answer(exchange, answer, upstream.standing());
    co_return;
  }
  if (outcome->stream == nullptr) {
    HttpResponse refused = std::move(outcome->response);
    refused.headers = FieldsToClient(refused.headers);
    upstream.Give(std::move(*lease));
    co_await Answer(exchange, refused, upstream.standing());
    co_return;
  }
  HeaderList headers = {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}};
  for (const auto& [name, value] : outcome->response.headers.fields()) {
    if (IsWebSocketField(LowerCase(name))) headers.Add(name, value);
  }
  // A browser that offered subprotocols wants one of them.
  const auto token = TokenSubprotocol(head.headers);
  if (token && !headers.Has("Sec-WebSocket-Protocol")) headers.Add("Sec-WebSocket-Protocol", *token);
  headers.Set(kVerdictHeader, std::string(StateName(upstream.standing().state)));
  auto client = co_await exchange.SwitchProtocols(headers);
  if (!client.ok()) co_return;
  co_await net::Relay(**client, *outcome->stream);
}

}  // namespace blindai::gateway
