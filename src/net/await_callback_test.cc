#include "net/await_callback.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <optional>
#include <thread>

namespace blindai::net {
namespace {

using base::Result;

// What a coroutine on `context` gets from the work.
std::optional<Result<int>> ResultOf(boost::asio::io_context& context,
                                    std::function<void(Callback<int>)> start) {
  std::optional<Result<int>> seen;
  const auto wait = [&]() -> Task<void> { seen = co_await AwaitCallback<int>(start); };
  boost::asio::co_spawn(context, wait, boost::asio::detached);
  context.run();
  return seen;
}

TEST(AwaitCallback, AResultOfAnotherThreadArrives) {
  boost::asio::io_context context;
  std::thread worker;
  const auto seen = ResultOf(
      context, [&](Callback<int> done) { worker = std::thread([done = std::move(done)] { done(7); }); });
  worker.join();
  EXPECT_EQ(seen.value().value(), 7);
}

TEST(AwaitCallback, AResultThatIsThereAtOnceArrives) {
  boost::asio::io_context context;
  EXPECT_EQ(ResultOf(context, [](Callback<int> done) { done(7); }).value().value(), 7);
}

TEST(AwaitCallback, ACallbackThatIsDroppedEndsTheWait) {
  boost::asio::io_context context;
  EXPECT_EQ(ResultOf(context, [](const Callback<int>&) {}).value().error().code, "callback-dropped");
}

TEST(AwaitCallback, ACallbackMayOutliveTheContext) {
  Callback<int> called;
  Callback<int> dropped;
  {
    boost::asio::io_context context;
    std::function<void(Callback<int>)> keep = [&](Callback<int> done) { called = std::move(done); };
    std::function<void(Callback<int>)> keep_too = [&](Callback<int> done) { dropped = std::move(done); };
    const auto strand = boost::asio::make_strand(context);
    const auto wait = [&]() -> Task<void> {
      const Result<int> result = co_await AwaitCallback<int>(keep);
      ADD_FAILURE() << "nobody gave a result" << result.ok();
    };
    const auto wait_too = [&]() -> Task<void> {
      const Result<int> result = co_await AwaitCallback<int>(keep_too);
      ADD_FAILURE() << "nobody gave a result" << result.ok();
    };
    boost::asio::co_spawn(strand, wait, boost::asio::detached);
    boost::asio::co_spawn(strand, wait_too, boost::asio::detached);
    context.poll();
  }
  ASSERT_TRUE(called && dropped);
  called(7);
  dropped = nullptr;
}

}  // namespace
}  // namespace blindai::net
