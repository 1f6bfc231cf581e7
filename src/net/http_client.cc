#include "net/http_client.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <mutex>
#include <utility>

#include "net/client_connection.h"

namespace blindai::net {
namespace {

namespace asio = boost::asio;
using base::ErrorKind;
using base::MakeError;
using base::Result;

// How often a blocking call asks whether it shall go on.
constexpr std::chrono::milliseconds kAsk{100};

base::Error Cancelled() { return MakeError(ErrorKind::kCancelled, "cancelled", "The call was cancelled"); }

}  // namespace

Task<Result<std::unique_ptr<HttpConnection>>> HttpConnection::Connect(const ConnectOptions& options) {
  Result<std::unique_ptr<ClientConnection>> connection = co_await ClientConnection::Connect(options);
  if (!connection.ok()) co_return std::move(connection).error();
  co_return std::unique_ptr<HttpConnection>(std::move(connection).value());
}

struct BlockingHttpConnection::State {
  asio::io_context context{1};
  std::function<bool()> keep_waiting;
  std::unique_ptr<HttpConnection> connection;
  std::mutex one_at_a_time;

  template <typename T>
  static Task<void> Store(Task<Result<T>> task, std::optional<Result<T>>& outcome) {
    Result<T> result = co_await std::move(task);
    outcome.emplace(std::move(result));
  }

  // Runs the task to its end on this thread. `cancel` is called when the caller does not want to wait any
  // more.
  template <typename T>
  Result<T> Run(Task<Result<T>> task, const std::function<void()>& cancel, asio::cancellation_slot slot) {
    std::optional<Result<T>> outcome;
    // Only a wait that was cancelled through the slot throws.
    auto finished = [&outcome](std::exception_ptr error) {
      if (error != nullptr) outcome.emplace(Cancelled());
    };
    asio::co_spawn(context, Store(std::move(task), outcome), asio::bind_cancellation_slot(slot, finished));
    bool cancelled = false;
    SteadyTime next_ask = std::chrono::steady_clock::now() + kAsk;
    while (!outcome.has_value()) {
      context.restart();
      context.run_one_until(next_ask);
      const SteadyTime now = std::chrono::steady_clock::now();
      if (now < next_ask) continue;
      next_ask = now + kAsk;
      if (cancelled || keep_waiting == nullptr || keep_waiting()) continue;
      cancelled = true;
      cancel();
    }
    if (cancelled && !outcome->ok()) return Cancelled();
    return std::move(*outcome);
  }
};

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
