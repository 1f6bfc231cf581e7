#include "gateway/gateway.h"

#include <arpa/inet.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "client/failure.h"
#include "gateway/forward.h"
#include "gateway/grpc_door.h"
#include "gateway/local_access.h"
#include "gateway/page_files.h"
#include "gateway/upstream.h"
#include "net/http_server.h"
#include "net/io_pool.h"

namespace blindai::gateway {
namespace {

namespace asio = boost::asio;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using net::HttpExchange;
using net::HttpResponse;

// Between two commands of a voice assistant that keeps its connection.
constexpr std::chrono::minutes kWyomingSilence{10};
// So that a proxy or a browser does not take a quiet stream for a dead one.
constexpr std::chrono::seconds kEventsComment{15};

bool IsLoopback(const std::string& address) {
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Status Check(const GatewayOptions& options) {
  const std::span<const std::uint8_t> token = options.token.ExposeSecret();
  const auto printable = [](std::uint8_t c) { return c > ' ' && c <= '~' && c != ','; };
  if (token.size() < kMinTokenBytes || !std::all_of(token.begin(), token.end(), printable)) {
    return client::ArgumentError("the token needs at least " + std::to_string(kMinTokenBytes) +
                                     " characters, without spaces and commas",
                                 "token");
  }
  if (!IsLoopback(options.address) && !options.token_for_programs) {
    return client::ArgumentError("others than this computer's programs can reach " + options.address +
                                     ": give a token that everybody must have, or listen on 127.0.0.1",
                                 "listen");
  }
  if (options.wyoming && !IsLoopback(options.wyoming->address)) {
    return client::ArgumentError(
        "Wyoming knows no token, so it is offered to this computer's programs only: give an "
        "address of loopback, such as 127.0.0.1:10300",
        "wyoming");
  }
  if (options.wyoming && options.token_for_programs) {
    return client::ArgumentError("Wyoming knows no token: it cannot be offered where every program needs one",
                                 "wyoming");
  }
  return base::Ok();
}

HttpResponse OwnJson(std::string_view json) {
  HttpResponse response = net::JsonResponse(200, json);
  response.headers.Add("Cache-Control", "no-store");
  response.headers.Add("X-Content-Type-Options", "nosniff");
  response.headers.Add("Cross-Origin-Resource-Policy", "same-origin");
  return response;
}

bool IsForwarded(std::string_view path) {
  return path == "/v2" || path.starts_with("/v1/") || path.starts_with("/v2/");
}

// Everything that answers at the gateway's door.
class FrontDoor {
 public:
  FrontDoor(const AccessRules& rules, Upstream& upstream) : rules_(rules), upstream_(upstream) {}

  net::Task<void> Handle(HttpExchange& exchange) {
    const net::RequestHead& head = exchange.head();
    const bool reads = head.method == "GET" || head.method == "HEAD";
    const PageFile* file = reads ? FindPageFile(PageFiles(), head.path) : nullptr;
    const Status allowed = CheckAccess(head, file != nullptr ? Door::kPageFile : Door::kAnythingElse, rules_);
    if (!allowed.ok()) {
      co_await AnswerError(exchange, allowed.error());
    } else if (file != nullptr) {
      HttpResponse response = PageAnswer(*file, head.headers.Find("Host").value_or(""));
      co_await Answer(exchange, response);
    } else if (!head.raw_target.starts_with('/')) {
      // A proxy is asked for other hosts; this is none.
      const base::Error error = NothingHere();
      co_await AnswerError(exchange, error);
    } else if (IsForwarded(head.path)) {
      if (IsWebSocket(head)) {
        co_await ForwardWebSocket(exchange, upstream_);
      } else {
        co_await Forward(exchange, upstream_);
      }
    } else {
      co_await HandleOwn(exchange);
    }
  }

 private:
  static base::Error NothingHere() {
    return MakeError(ErrorKind::kNotFound, "gateway-path",
                     "nothing is here; the gateway has /v1/, /v2/, /gateway/ and its page at /");
  }

  net::Task<void> HandleOwn(HttpExchange& exchange) {
    const std::string& path = exchange.head().path;
    const bool reads = exchange.head().method == "GET" || exchange.head().method == "HEAD";
    if (reads && path == "/gateway/status") {
      HttpResponse response = OwnJson(RenderStatus(upstream_.standing(), upstream_.facts()));
      co_await Answer(exchange, response);
    } else if (reads && path == "/gateway/evidence") {
      co_await HandleEvidence(exchange);
    } else if (reads && path == "/gateway/events") {
      co_await HandleEvents(exchange);
    } else {
      const base::Error error = NothingHere();
      co_await AnswerError(exchange, error);
    }
  }

  net::Task<void> HandleEvidence(HttpExchange& exchange) {
    const auto record = upstream_.standing().record;
    if (record == nullptr) {
      const base::Error error = MakeError(ErrorKind::kNotFound, "no-evidence",
                                          "the server has not shown any evidence to this gateway yet");
      co_await AnswerError(exchange, error);
      co_return;
    }
    HttpResponse response = OwnJson(record->answer);
    response.headers.Add("Content-Disposition", "attachment; filename=\"blindai-evidence.json\"");
    co_await Answer(exchange, response);
  }

  // One event at once, and one for each change (https://html.spec.whatwg.org/multipage/server-sent-events.html).
  net::Task<void> HandleEvents(HttpExchange& exchange) {
    net::HeaderList headers = OwnJson("").headers;
    headers.Set("Content-Type", "text/event-stream; charset=utf-8");
    headers.Set(kVerdictHeader, std::string(StateName(upstream_.standing().state)));
    exchange.OnDisconnect([this] { upstream_.WakeAll(); });
    Status sent = co_await exchange.StartResponse(200, headers);
    bool stopped = false;
    while (sent.ok() && !stopped && !exchange.disconnected()) {
      const std::uint64_t told = upstream_.standing().number;
      const std::string event =
          "event: status\ndata: " + RenderStatus(upstream_.standing(), upstream_.facts()) + "\n\n";
      Status written = co_await exchange.Write(base::AsBytes(event));
      sent = std::move(written);
      while (sent.ok() && !stopped && !exchange.disconnected() && upstream_.standing().number == told) {
        const auto until = std::chrono::steady_clock::now() + kEventsComment;
        stopped = co_await upstream_.ChangedSince(told, until);
        if (stopped || exchange.disconnected() || upstream_.standing().number != told) break;
        constexpr std::string_view kComment = ": still here\n\n";
        Status commented = co_await exchange.Write(base::AsBytes(kComment));
        sent = std::move(commented);
      }
    }
    if (!sent.ok() || exchange.disconnected()) co_return;
    const Status finished = co_await exchange.Finish();
    (void)finished.ok();
  }

  net::Task<void> AnswerError(HttpExchange& exchange, const base::Error& error) {
    HttpResponse response = net::ErrorResponse(error);
    response.headers.Add("Cache-Control", "no-store");
    co_await Answer(exchange, response);
  }

  net::Task<void> Answer(HttpExchange& exchange, HttpResponse& response) {
    response.headers.Set(kVerdictHeader, std::string(StateName(upstream_.standing().state)));
    const Status sent = co_await exchange.Respond(response);
    (void)sent.ok();
  }

  const AccessRules& rules_;
  Upstream& upstream_;
};

}  // namespace

struct Gateway::State {
  State(AccessRules access, UpstreamOptions options, WyomingOptions wyoming_options)
      : pool(std::make_shared<net::IoPool>(1)),
        rules(std::move(access)),
        upstream(std::move(options), *pool),
        door(rules, upstream),
        grpc_door(rules, upstream),
        wyoming_door(std::move(wyoming_options), upstream) {}

  std::shared_ptr<net::IoPool> pool;
  const AccessRules rules;
  Upstream upstream;
  FrontDoor door;
  GrpcDoor grpc_door;
  WyomingDoor wyoming_door;
  std::unique_ptr<net::HttpServer> http;
  std::unique_ptr<net::HttpServer> grpc;
  std::unique_ptr<net::HttpServer> wyoming;
  bool stopped = false;
};

Result<std::unique_ptr<Gateway>> Gateway::Start(GatewayOptions options) {
  BLINDAI_RETURN_IF_ERROR(Check(options));
  AccessRules rules;
  rules.token = std::move(options.token);
  rules.token_for_programs = options.token_for_programs;
  rules.loopback = IsLoopback(options.address);
  UpstreamOptions upstream;
  upstream.server = std::move(options.server);
  upstream.verify_every = options.verify_every;
  upstream.heartbeat = options.heartbeat;
  upstream.retry = options.retry;
  upstream.on_change = std::move(options.on_change);
  auto state = std::make_unique<State>(std::move(rules), std::move(upstream),
                                       options.wyoming.value_or(WyomingOptions()));
  net::HttpServerOptions listen;
  listen.address = options.address;
  listen.port = options.port;
  listen.pool = state->pool;
  listen.max_connections = options.max_connections;
  BLINDAI_TRY(state->http,
              net::HttpServer::Listen(std::move(listen), [door = &state->door](HttpExchange& exchange) {
                return door->Handle(exchange);
              }));
  if (options.grpc_port) {
    net::HttpServerOptions grpc;
    grpc.address = options.address;
    grpc.port = *options.grpc_port;
    grpc.pool = state->pool;
    grpc.max_connections = options.max_connections;
    grpc.http2_preface = true;
    BLINDAI_TRY(state->grpc,
                net::HttpServer::Listen(std::move(grpc), [door = &state->grpc_door](HttpExchange& exchange) {
                  return door->Handle(exchange);
                }));
  }
  if (options.wyoming) {
    net::HttpServerOptions wyoming;
    wyoming.address = options.wyoming->address;
    wyoming.port = options.wyoming->port;
    wyoming.pool = state->pool;
    wyoming.max_connections = options.max_connections;
    wyoming.raw_bytes = true;
    wyoming.body_idle_timeout = kWyomingSilence;
    BLINDAI_TRY(
        state->wyoming,
        net::HttpServer::Listen(std::move(wyoming), [door = &state->wyoming_door](HttpExchange& exchange) {
          return door->Handle(exchange);
        }));
  }
  state->upstream.Start();
  return std::unique_ptr<Gateway>(new Gateway(std::move(state)));
}

Gateway::Gateway(std::unique_ptr<State> state) : state_(std::move(state)) {}

Gateway::~Gateway() {
  Stop(std::chrono::milliseconds(0));
  // What the pool still holds may point to the rest, so it goes first.
  state_->http.reset();
  state_->grpc.reset();
  state_->wyoming.reset();
  state_->pool.reset();
}

std::uint16_t Gateway::port() const { return state_->http->port(); }

std::uint16_t Gateway::grpc_port() const { return state_->grpc ? state_->grpc->port() : 0; }

std::uint16_t Gateway::wyoming_port() const { return state_->wyoming ? state_->wyoming->port() : 0; }

void Gateway::Stop(std::chrono::milliseconds grace) {
  if (std::exchange(state_->stopped, true)) return;
  state_->upstream.BeginStop();
  asio::post(state_->pool->executor(), [this] { state_->grpc_door.BeginStop(); });
  const auto deadline = std::chrono::steady_clock::now() + grace;
  // Assistants keep their connections, and a command is said again.
  if (state_->wyoming) state_->wyoming->Stop(std::chrono::milliseconds(0));
  state_->http->Stop(grace);
  if (state_->grpc) {
    state_->grpc->Stop(std::max(
        std::chrono::milliseconds(0),
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now())));
  }
  state_->upstream.Stop();
}

}  // namespace blindai::gateway
