// What a blocking connection is made of (net/http_client.h); of this room only.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "net/http_client.h"
#include "net/stream.h"

namespace blindai::net {

// How often a blocking call asks whether it shall go on.
inline constexpr std::chrono::milliseconds kAskWhetherToWait{100};

inline base::Error CallCancelled() {
  return base::MakeError(base::ErrorKind::kCancelled, "cancelled", "The call was cancelled");
}

struct BlockingHttpConnection::State {
  boost::asio::io_context context{1};
  std::function<bool()> keep_waiting;
  std::unique_ptr<HttpConnection> connection;
  std::mutex one_at_a_time;

  template <typename T>
  static Task<void> Store(Task<base::Result<T>> task, std::optional<base::Result<T>>& outcome) {
    base::Result<T> result = co_await std::move(task);
    outcome.emplace(std::move(result));
  }

  // Runs the task to its end on this thread. `cancel` is called when the caller does not want to wait any
  // more.
  template <typename T>
  base::Result<T> Run(Task<base::Result<T>> task, const std::function<void()>& cancel,
                      boost::asio::cancellation_slot slot) {
    std::optional<base::Result<T>> outcome;
    // Only a wait that was cancelled through the slot throws.
    auto finished = [&outcome](std::exception_ptr error) {
      if (error != nullptr) outcome.emplace(CallCancelled());
    };
    boost::asio::co_spawn(context, Store(std::move(task), outcome),
                          boost::asio::bind_cancellation_slot(slot, finished));
    bool cancelled = false;
    SteadyTime next_ask = std::chrono::steady_clock::now() + kAskWhetherToWait;
    while (!outcome.has_value()) {
      context.restart();
      context.run_one_until(next_ask);
      const SteadyTime now = std::chrono::steady_clock::now();
      if (now < next_ask) continue;
      next_ask = now + kAskWhetherToWait;
      if (cancelled || keep_waiting == nullptr || keep_waiting()) continue;
      cancelled = true;
      cancel();
    }
    if (cancelled && !outcome->ok()) return CallCancelled();
    return std::move(*outcome);
  }
};

}  // namespace blindai::net
