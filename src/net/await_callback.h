// Turns a callback into something a coroutine waits for. The callback may come from any thread, at once or
// later, exactly once; the coroutine goes on where it was, on its connection's strand. A callback that is
// dropped without being called ends the wait with an error (code "callback-dropped"), so nothing waits for
// ever. A callback may outlive the coroutine and its context; its result is dropped then.
//
//   std::function<void(Callback<Tensors>)> start = [&](auto done) { engine.Run(input, std::move(done)); };
//   auto outputs = co_await AwaitCallback<Tensors>(start);
#pragma once

#include <atomic>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/result.h"
#include "net/callback_queue.h"
#include "net/http_exchange.h"
#include "net/task.h"

namespace blindai::net {

template <typename T>
using Callback = std::function<void(base::Result<T>)>;

namespace internal {

// What every copy of the callback shares: delivers the first result, or an error when the last copy goes.
template <typename T>
class CallbackSender {
 public:
  explicit CallbackSender(Callback<T> deliver) : deliver_(std::move(deliver)) {}
  ~CallbackSender() {
    if (!sent_)
      deliver_(base::MakeError(base::ErrorKind::kInternal, "callback-dropped", "The work gave no result"));
  }
  CallbackSender(const CallbackSender&) = delete;
  CallbackSender& operator=(const CallbackSender&) = delete;

  void Send(base::Result<T> result) {
    BLINDAI_CHECK(!sent_.exchange(true));
    deliver_(std::move(result));
  }

 private:
  const Callback<T> deliver_;
  std::atomic<bool> sent_{false};
};

}  // namespace internal

// Starts the work and waits for its result. Takes `start` by reference: see net/task.h.
template <typename T>
Task<base::Result<T>> AwaitCallback(std::function<void(Callback<T>)>& start) {
  CallbackQueue<base::Result<T>> results(co_await boost::asio::this_coro::executor);
  {
    auto sender = std::make_shared<internal::CallbackSender<T>>(results.pusher());
    start([sender = std::move(sender)](base::Result<T> result) { sender->Send(std::move(result)); });
  }
  co_return co_await results.Pop();
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
