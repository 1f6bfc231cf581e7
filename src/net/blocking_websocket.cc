#include "net/blocking_websocket.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>
#include <utility>

#include "net/blocking_state.h"

namespace blindai::net {

namespace asio = boost::asio;
using base::Result;
using base::Status;

// Once it is open, a thread of its own runs the connection, so that calls of several threads can wait at once.
struct BlockingWebSocket::State {
  explicit State(std::unique_ptr<BlockingHttpConnection> open)
      : connection(std::move(open)), guard(asio::make_work_guard(context())) {}

  asio::io_context& context() const { return connection->state_->context; }

  template <typename T>
  static Task<void> Fulfil(Task<Result<T>> task, std::shared_ptr<std::promise<Result<T>>> promise) {
    Result<T> result = co_await std::move(task);
    promise->set_value(std::move(result));
  }

  template <typename T>
  Result<T> Run(Task<Result<T>> task, const std::function<bool()>& keep_waiting) {
    const auto promise = std::make_shared<std::promise<Result<T>>>();
    auto outcome = promise->get_future();
    asio::co_spawn(context(), Fulfil(std::move(task), promise), asio::detached);
    while (keep_waiting && outcome.wait_for(kAskWhetherToWait) == std::future_status::timeout) {
      if (!cancelled && !keep_waiting()) Cancel();
    }
    Result<T> result = outcome.get();
    if (!result.ok() && cancelled) return CallCancelled();
    return result;
  }

  void Cancel() {
    cancelled = true;
    asio::post(context(), [http = connection->state_->connection.get()] { http->Cancel(); });
  }

  const std::unique_ptr<BlockingHttpConnection> connection;
  std::unique_ptr<WebSocket> socket;
  std::atomic<bool> cancelled = false;
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  std::thread thread;
};

BlockingWebSocket::BlockingWebSocket(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<BlockingWebSocket>> BlockingWebSocket::Open(
    std::unique_ptr<BlockingHttpConnection> connection, HttpRequest& request,
    const WebSocketOptions& options) {
  BlockingHttpConnection::State& http = *connection->state_;
  const auto cancel = [&http] { http.connection->Cancel(); };
  auto opened = http.Run(http.connection->OpenWebSocket(request, options), cancel, asio::cancellation_slot());
  if (!opened.ok()) return std::move(opened).error();
  auto state = std::make_unique<State>(std::move(connection));
  state->socket = std::move(opened).value();
  state->context().restart();
  state->thread = std::thread([&context = state->context()] { context.run(); });
  return std::unique_ptr<BlockingWebSocket>(new BlockingWebSocket(std::move(state)));
}

BlockingWebSocket::~BlockingWebSocket() {
  // Not until there is nothing to do: Beast's idle timer would be waited for.
  state_->context().stop();
  state_->thread.join();
}

Result<WebSocketMessage> BlockingWebSocket::Read(const std::function<bool()>& keep_waiting) {
  return state_->Run(state_->socket->Read(), keep_waiting);
}

Status BlockingWebSocket::SendText(std::string_view text) {
  return state_->Run(state_->socket->SendText(text), nullptr);
}

Status BlockingWebSocket::Close(std::uint16_t code, std::string_view reason) {
  return state_->Run(state_->socket->Close(code, reason), nullptr);
}

void BlockingWebSocket::Cancel() { state_->Cancel(); }

}  // namespace blindai::net
