// Turns a callback into something a coroutine waits for. The callback may come from any thread, at once or
// later, exactly once; the coroutine goes on where it was, on its connection's strand. A callback that is
// dropped without being called ends the wait with an error (code "callback-dropped"), so nothing waits for
// ever. The IoPool must outlive the callback, which it does when servers are stopped first: Stop waits for
// handlers.
//
//   std::function<void(Callback<Tensors>)> start = [&](auto done) { engine.Run(input, std::move(done)); };
//   auto outputs = co_await AwaitCallback<Tensors>(start);
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/result.h"
#include "net/http_exchange.h"
#include "net/task.h"

namespace blindai::net {

template <typename T>
using Callback = std::function<void(base::Result<T>)>;

namespace internal {

// Where the result arrives, on the strand; the timer never fires and is only there to be cancelled.
template <typename T>
struct CallbackSlot {
  explicit CallbackSlot(boost::asio::any_io_executor executor)
      : arrived(executor, boost::asio::steady_timer::time_point::max()) {}
  boost::asio::steady_timer arrived;
  std::optional<base::Result<T>> result;
};

// What every copy of the callback shares: delivers the first result, or an error when the last copy goes.
template <typename T>
class CallbackSender {
 public:
  CallbackSender(boost::asio::any_io_executor executor, std::weak_ptr<CallbackSlot<T>> slot)
      : executor_(std::move(executor)), slot_(std::move(slot)) {}
  ~CallbackSender() {
    if (!sent_)
      Deliver(base::MakeError(base::ErrorKind::kInternal, "callback-dropped", "The work gave no result"));
  }
  CallbackSender(const CallbackSender&) = delete;
  CallbackSender& operator=(const CallbackSender&) = delete;

  void Send(base::Result<T> result) {
    BLINDAI_CHECK(!sent_.exchange(true));
    Deliver(std::move(result));
  }

 private:
  void Deliver(base::Result<T> result) {
    auto arrived = [slot = slot_, result = std::move(result)]() mutable {
      const auto held = slot.lock();
      if (held == nullptr) return;
      held->result.emplace(std::move(result));
      held->arrived.cancel();
    };
    boost::asio::post(executor_, std::move(arrived));
  }

  boost::asio::any_io_executor executor_;
  std::weak_ptr<CallbackSlot<T>> slot_;
  std::atomic<bool> sent_{false};
};

}  // namespace internal

// Starts the work and waits for its result. Takes `start` by reference: see net/task.h.
template <typename T>
Task<base::Result<T>> AwaitCallback(std::function<void(Callback<T>)>& start) {
  const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  const auto slot = std::make_shared<internal::CallbackSlot<T>>(executor);
  {
    auto sender = std::make_shared<internal::CallbackSender<T>>(executor, slot);
    start([sender = std::move(sender)](base::Result<T> result) { sender->Send(std::move(result)); });
  }
  while (!slot->result.has_value()) {
    const auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    const auto woken = co_await slot->arrived.async_wait(token);
    (void)woken;
  }
  co_return std::move(*slot->result);
}

// The same; when the client of `exchange` goes away first, calls `cancel` (once, on the strand) and still
// waits for the callback, so that whatever the work refers to stays alive. The result is what the callback
// then says.
template <typename T>
Task<base::Result<T>> AwaitCallbackOrDisconnect(HttpExchange& exchange,
                                                std::function<void(Callback<T>)>& start,
                                                std::function<void()>& cancel) {
  const auto waiting = std::make_shared<bool>(true);
  std::function<void(Callback<T>)> start_and_watch = [&exchange, &start, &cancel, waiting](Callback<T> done) {
    start(std::move(done));
    exchange.OnDisconnect([&cancel, waiting] {
      if (*waiting) cancel();
    });
  };
  base::Result<T> result = co_await AwaitCallback<T>(start_and_watch);
  *waiting = false;
  co_return result;
}

}  // namespace blindai::net
