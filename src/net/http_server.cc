#include "net/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "base/log_event.h"
#include "net/server_connection.h"

namespace blindai::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using boost::system::error_code;

// More refused connections than this at the same time are closed without a word.
constexpr std::size_t kMaxRefusing = 32;
// The pause after an accept failed, usually because the process has no free descriptor.
constexpr std::chrono::milliseconds kAcceptPause{100};

// The listening socket with its loop; kept alive by the loop.
struct Listener : std::enable_shared_from_this<Listener> {
  Listener(std::shared_ptr<ServerShared> server, asio::any_io_executor strand, const IoPool& io_pool)
      : shared(std::move(server)), acceptor(strand), pause(strand), pool(io_pool) {}

  // Takes the connection in, refuses it with an answer, or drops it.
  void Admit(tcp::socket socket) {
    const asio::any_io_executor strand = socket.get_executor();
    std::shared_ptr<ServerConnection> connection;
    {
      const std::lock_guard lock(shared->mutex);
      if (shared->stopping) return;
      const bool refuse = shared->open.size() - shared->refusing >= shared->options.max_connections;
      if (refuse) ++shared->connections_refused;
      if (refuse && shared->refusing >= kMaxRefusing) return;
      connection = std::make_shared<ServerConnection>(shared, std::move(socket), refuse);
      if (refuse) ++shared->refusing;
      shared->open.emplace(connection.get(), connection);
      ++shared->connections_total;
    }
    asio::co_spawn(strand, ServerConnection::Run(std::move(connection)), asio::detached);
  }

  static Task<void> Run(std::shared_ptr<Listener> self) {
    const auto token = asio::as_tuple(asio::use_awaitable);
    while (self->acceptor.is_open()) {
      const asio::any_io_executor strand = self->pool.NewStrand();
      std::tuple<error_code, tcp::socket> accepted = co_await self->acceptor.async_accept(strand, token);
      if (!std::get<0>(accepted)) {
        self->Admit(std::move(std::get<1>(accepted)));
      } else if (self->acceptor.is_open()) {
        self->pause.expires_after(kAcceptPause);
        const std::tuple<error_code> waited = co_await self->pause.async_wait(token);
        (void)waited;
      }
    }
    const std::lock_guard lock(self->shared->mutex);
    self->shared->accepting = false;
    self->shared->changed.notify_all();
  }

  std::shared_ptr<ServerShared> shared;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  const IoPool& pool;  // outlives the loop: Stop waits for its end
};

base::Error ListenError(const error_code& error) {
  if (error == asio::error::address_in_use) {
    return MakeError(ErrorKind::kConflict, "port-in-use",
                     "Another program listens on this address and port; choose another port or stop it");
  }
  if (error == asio::error::access_denied) {
    return MakeError(ErrorKind::kDenied, "listen-failed",
                     "This port may only be opened by root; choose one above 1023");
  }
  return MakeError(ErrorKind::kUnavailable, "listen-failed", "This address and port cannot be listened on");
}

}  // namespace

struct HttpServer::State {
  std::shared_ptr<IoPool> pool;
  std::shared_ptr<ServerShared> shared;
  std::shared_ptr<Listener> listener;
  std::uint16_t port = 0;
};

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(HttpServerOptions options, HttpHandler handler) {
  BLINDAI_CHECK(options.pool != nullptr && handler != nullptr);
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) {
    return base::Malformed("The listen address must be a number such as 127.0.0.1, 0.0.0.0 or ::",
                           "listen-address");
  }
  auto state = std::make_unique<State>();
  state->pool = std::exchange(options.pool, nullptr);
  const tcp::endpoint endpoint(address, options.port);
  state->shared = std::make_shared<ServerShared>(std::move(options), std::move(handler));
  state->listener = std::make_shared<Listener>(state->shared, state->pool->NewStrand(), *state->pool);
  auto& acceptor = state->listener->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return ListenError(error);
  state->port = acceptor.local_endpoint(error).port();
  state->shared->accepting = true;
  asio::co_spawn(acceptor.get_executor(), Listener::Run(state->listener), asio::detached);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() { Stop(std::chrono::milliseconds(0)); }

std::uint16_t HttpServer::port() const { return state_->port; }

HttpServerStats& HttpServerStats::operator+=(const HttpServerStats& other) {
  using Stats = HttpServerStats;
  for (const auto member : {&Stats::connections_open, &Stats::connections_total, &Stats::connections_refused,
                            &Stats::tls_handshakes_failed, &Stats::requests_total, &Stats::requests_running,
                            &Stats::requests_refused, &Stats::bytes_received, &Stats::bytes_sent}) {
    this->*member += other.*member;
  }
  return *this;
}

HttpServerStats HttpServer::stats() const {
  ServerShared& shared = *state_->shared;
  HttpServerStats stats;
  {
    const std::lock_guard lock(shared.mutex);
    stats.connections_open = shared.open.size();
  }
  stats.connections_total = shared.connections_total;
  stats.connections_refused = shared.connections_refused;
  stats.tls_handshakes_failed = shared.tls_handshakes_failed;
  stats.requests_total = shared.requests_total;
  stats.requests_running = shared.requests_running;
  stats.requests_refused = shared.requests_refused;
  stats.bytes_received = shared.bytes_received;
  stats.bytes_sent = shared.bytes_sent;
  return stats;
}

void HttpServer::Stop(std::chrono::milliseconds grace) {
  ServerShared& shared = *state_->shared;
  asio::post(state_->listener->acceptor.get_executor(), [listener = state_->listener] {
    error_code ignored;
    listener->acceptor.close(ignored);
    listener->pause.cancel();
  });
  const auto each_open = [&shared](void (ServerConnection::*call)()) {
    std::vector<std::shared_ptr<ServerConnection>> open;
    {
      const std::lock_guard lock(shared.mutex);
      for (const auto& [connection, weak] : shared.open) {
        if (auto held = weak.lock()) open.push_back(std::move(held));
      }
    }
    for (const auto& connection : open) (connection.get()->*call)();
  };
  const auto done = [&shared] { return !shared.accepting && shared.open.empty(); };
  {
    std::unique_lock lock(shared.mutex);
    shared.stopping = true;
  }
  each_open(&ServerConnection::BeginStop);
  {
    std::unique_lock lock(shared.mutex);
    if (shared.changed.wait_for(lock, grace, done)) return;
  }
  each_open(&ServerConnection::Cut);
  std::unique_lock lock(shared.mutex);
  shared.changed.wait(lock, done);
}

}  // namespace blindai::net
