// Several results of one work, from any thread to a coroutine; AwaitCallback (await_callback.h) is for work that
// reports once. The coroutine owns the queue; what the pushers hold outlives it safely.
//
//   CallbackQueue<Event> events(co_await boost::asio::this_coro::executor);
//   Start(events.pusher());
//   while (true) { Event event = co_await events.Pop(); … }
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "net/task.h"

namespace blindai::net {

template <typename T>
class CallbackQueue {
 public:
  // `executor`: that of the coroutine, on which alone Pop is called.
  explicit CallbackQueue(boost::asio::any_io_executor executor)
      : arrived_(std::make_shared<boost::asio::steady_timer>(executor)), shared_(std::make_shared<Shared>()) {
    shared_->executor = std::move(executor);
    shared_->arrived = arrived_;
  }
  // What comes later is dropped. The executor is let go of here: a pusher may outlive its context.
  ~CallbackQueue() {
    std::deque<T> unread;  // dies after the lock, since an item may push when it dies
    const std::lock_guard lock(shared_->mutex);
    shared_->executor = nullptr;
    unread.swap(shared_->items);
  }
  CallbackQueue(const CallbackQueue&) = delete;
  CallbackQueue& operator=(const CallbackQueue&) = delete;

  // Puts one more at the end; from any thread, also after the queue is gone.
  std::function<void(T)> pusher() const {
    return [shared = shared_](T item) {
      const std::lock_guard lock(shared->mutex);
      if (!shared->executor) return;
      shared->items.push_back(std::move(item));
      boost::asio::post(shared->executor, [weak = shared->arrived] {
        if (const auto held = weak.lock()) held->cancel();
      });
    };
  }

  // Waits for the next one. There must be one to come.
  Task<T> Pop() {
    while (true) {
      if (std::unique_lock lock(shared_->mutex); !shared_->items.empty()) {
        T item = std::move(shared_->items.front());
        shared_->items.pop_front();
        lock.unlock();
        co_return item;
      }
      arrived_->expires_at(boost::asio::steady_timer::time_point::max());
      const auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
      const auto woken = co_await arrived_->async_wait(token);
      (void)woken;
    }
  }

 private:
  struct Shared {
    boost::asio::any_io_executor executor;             // none when the queue is gone
    std::weak_ptr<boost::asio::steady_timer> arrived;  // never fires, is only there to be cancelled
    std::mutex mutex;
    std::deque<T> items;
  };

  std::shared_ptr<boost::asio::steady_timer> arrived_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace blindai::net
