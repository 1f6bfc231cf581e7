#include "net/http_client.h"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "net/blocking_state.h"
#include "net/client_connection.h"

namespace blindai::net {
namespace {

namespace asio = boost::asio;
using base::Result;

}  // namespace

Task<Result<std::unique_ptr<HttpConnection>>> HttpConnection::Connect(const ConnectOptions& options) {
  Result<std::unique_ptr<ClientConnection>> connection = co_await ClientConnection::Connect(options);
  if (!connection.ok()) co_return std::move(connection).error();
  co_return std::unique_ptr<HttpConnection>(std::move(connection).value());
}

BlockingHttpConnection::BlockingHttpConnection(std::unique_ptr<State> state) : state_(std::move(state)) {}
BlockingHttpConnection::~BlockingHttpConnection() = default;

Result<std::unique_ptr<BlockingHttpConnection>> BlockingHttpConnection::Connect(
    const ConnectOptions& options, std::function<bool()> keep_waiting) {
  auto state = std::make_unique<State>();
  state->keep_waiting = std::move(keep_waiting);
  asio::cancellation_signal signal;
  const auto cancel = [&signal] { signal.emit(asio::cancellation_type::terminal); };
  auto connected = state->Run(HttpConnection::Connect(options), cancel, signal.slot());
  if (!connected.ok()) return std::move(connected).error();
  state->connection = std::move(connected).value();
  return std::unique_ptr<BlockingHttpConnection>(new BlockingHttpConnection(std::move(state)));
}

const ConnectionFacts& BlockingHttpConnection::connection() const { return state_->connection->connection(); }
bool BlockingHttpConnection::reusable() const { return state_->connection->reusable(); }

Result<HttpResponse> BlockingHttpConnection::Send(HttpRequest& request) {
  const std::lock_guard lock(state_->one_at_a_time);
  const auto cancel = [this] { state_->connection->Cancel(); };
  return state_->Run(state_->connection->Send(request), cancel, asio::cancellation_slot());
}

void BlockingHttpConnection::Cancel() {
  asio::post(state_->context, [state = state_.get()] { state->connection->Cancel(); });
}

}  // namespace blindai::net
