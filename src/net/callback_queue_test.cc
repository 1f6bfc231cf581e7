#include "net/callback_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace blindai::net {
namespace {

// Runs `body(queue)` on a context of its own.
template <typename Body>
void RunWith(Body& body) {
  boost::asio::io_context context;
  const auto guarded = [&]() -> Task<void> {
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    CallbackQueue<std::string> queue(executor);
    co_await body(queue);
  };
  boost::asio::co_spawn(context, guarded, [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  context.run();
}

TEST(CallbackQueue, WhatOtherThreadsPushComesInOrder) {
  std::vector<std::string> seen;
  std::thread pusher;
  auto body = [&](CallbackQueue<std::string>& queue) -> Task<void> {
    pusher = std::thread([push = queue.pusher()] {
      for (int i = 0; i < 100; ++i) push(std::to_string(i));
    });
    while (seen.size() < 100) {
      std::string item = co_await queue.Pop();
      seen.push_back(std::move(item));
    }
  };
  RunWith(body);
  pusher.join();
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], std::to_string(i));
}

TEST(CallbackQueue, WhatIsPushedBeforeAnybodyWaitsIsKept) {
  std::vector<std::string> seen;
  auto body = [&](CallbackQueue<std::string>& queue) -> Task<void> {
    const auto push = queue.pusher();
    push("a");
    push("b");
    for (int i = 0; i < 2; ++i) {
      std::string item = co_await queue.Pop();
      seen.push_back(std::move(item));
    }
  };
  RunWith(body);
  EXPECT_THAT(seen, testing::ElementsAre("a", "b"));
}

TEST(CallbackQueue, APusherMayOutliveTheQueue) {
  boost::asio::io_context context;
  std::function<void(std::string)> push;
  {
    const CallbackQueue<std::string> queue(context.get_executor());
    push = queue.pusher();
  }
  push("late");
  EXPECT_EQ(context.run(), 0u) << "there is nobody to wake";
}

TEST(CallbackQueue, APusherMayOutliveTheContext) {
  const auto item = std::make_shared<int>(0);
  std::function<void(std::shared_ptr<int>)> push;
  {
    boost::asio::io_context context;
    const CallbackQueue<std::shared_ptr<int>> queue(boost::asio::make_strand(context));
    push = queue.pusher();
    push(item);
  }
  push(item);
  EXPECT_EQ(item.use_count(), 1) << "what nobody will read is not kept";
}

}  // namespace
}  // namespace blindai::net
