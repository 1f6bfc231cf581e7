#include "model/supervisor.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <future>
#include <thread>

namespace blindai::model {
namespace {

using std::chrono::steady_clock;

// What `work` returns on the supervisor's thread.
template <typename Work>
auto OnSupervisor(Work work) {
  std::promise<decltype(work())> done;
  Supervisor::Instance().Post([&] { done.set_value(work()); });
  return done.get_future().get();
}

TEST(Supervisor, RunsTasksInOrderOnItsThread) {
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) Supervisor::Instance().Post([&order, i] { order.push_back(i); });
  EXPECT_TRUE(OnSupervisor([] { return Supervisor::Instance().OnThread(); }));
  EXPECT_FALSE(Supervisor::Instance().OnThread());
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Supervisor, TimersFireInTheOrderOfTheirTimesAndNotBefore) {
  std::promise<std::vector<int>> done;
  std::vector<int> order;
  const auto now = steady_clock::now();
  OnSupervisor([&] {
    Supervisor& supervisor = Supervisor::Instance();
    supervisor.At(now + std::chrono::milliseconds(20), [&] {
      order.push_back(2);
      done.set_value(order);
    });
    supervisor.At(now + std::chrono::milliseconds(10), [&] { order.push_back(1); });
    const auto never = supervisor.At(now + std::chrono::milliseconds(5), [&] { order.push_back(9); });
    supervisor.CancelTimer(never);
    return 0;
  });
  EXPECT_EQ(done.get_future().get(), (std::vector<int>{1, 2}));
  EXPECT_GE(steady_clock::now(), now + std::chrono::milliseconds(20));
}

TEST(Supervisor, CallsAWatchUntilItIsEnded) {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const std::uint64_t one = 1;
  std::promise<int> third;
  int calls = 0;
  std::uint64_t watch = 0;
  OnSupervisor([&] {
    watch = Supervisor::Instance().Watch(fd, [&] {
      if (++calls == 3) {
        Supervisor::Instance().Unwatch(watch, fd);  // from inside, while it still can be read
        third.set_value(calls);
      }
    });
    return 0;
  });
  ASSERT_EQ(write(fd, &one, sizeof one), 8);
  EXPECT_EQ(third.get_future().get(), 3);
  EXPECT_EQ(OnSupervisor([&] { return calls; }), 3);
  close(fd);
}

TEST(Supervisor, LongWorkRunsElsewhereAndReturns) {
  std::promise<bool> done;
  std::thread::id worked;
  Supervisor::Instance().Offload([&] { worked = std::this_thread::get_id(); },
                                 [&] { done.set_value(Supervisor::Instance().OnThread()); });
  EXPECT_TRUE(done.get_future().get());
  EXPECT_NE(worked, std::this_thread::get_id());
  EXPECT_NE(worked, OnSupervisor([] { return std::this_thread::get_id(); }));
}

}  // namespace
}  // namespace blindai::model
