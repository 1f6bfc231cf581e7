#include "service/attestation_queue.h"

#include <gtest/gtest.h>

#include <future>
#include <optional>

namespace blindai::service {
namespace {

using base::Result;

// A queue whose thread is held by one piece of work until Release().
class HeldQueue {
 public:
  explicit HeldQueue(AttestationQueueOptions options) : queue_(std::in_place, options) {
    // With a short deadline the work may be refused before it begins; then it is given again.
    bool holds = false;
    while (!holds) {
      auto begun = std::make_shared<std::promise<bool>>();
      auto answer = begun->get_future();
      queue_->Submit<int>(
          [this, begun](AttestationQueue::Deadline) -> Result<int> {
            begun->set_value(true);
            released_.get_future().wait();
            return 0;
          },
          [begun](const Result<int>& result) {
            if (!result.ok()) begun->set_value(false);
          });
      holds = answer.get();
    }
  }
  std::future<Result<int>> Submit(int value) {
    auto promise = std::make_shared<std::promise<Result<int>>>();
    auto future = promise->get_future();
    queue_->Submit<int>([value](AttestationQueue::Deadline) -> Result<int> { return value; },
                        [promise](Result<int> result) { promise->set_value(std::move(result)); });
    return future;
  }
  void Release() { released_.set_value(); }
  void Destroy() { queue_.reset(); }

 private:
  std::promise<void> released_;
  std::optional<AttestationQueue> queue_;
};

TEST(AttestationQueue, WorkRunsInOrderAndGivesItsResult) {
  HeldQueue queue({});
  auto first = queue.Submit(1);
  auto second = queue.Submit(2);
  queue.Release();
  EXPECT_EQ(*first.get(), 1);
  EXPECT_EQ(*second.get(), 2);
}

TEST(AttestationQueue, OneMoreThanMayWaitIsRefusedAtOnce) {
  HeldQueue queue({.max_waiting = 1});
  auto waiting = queue.Submit(1);
  EXPECT_EQ(queue.Submit(2).get().error().code, "attestation-busy");
  queue.Release();
  EXPECT_TRUE(waiting.get().ok());
}

TEST(AttestationQueue, WhatWaitedPastItsDeadlineIsRefused) {
  constexpr std::chrono::milliseconds kDeadline{1};
  HeldQueue queue({.deadline = kDeadline});
  auto late = queue.Submit(1);
  const auto past = std::chrono::steady_clock::now() + kDeadline;
  while (std::chrono::steady_clock::now() <= past) std::this_thread::yield();
  queue.Release();
  EXPECT_EQ(late.get().error().code, "attestation-deadline");
}

TEST(AttestationQueue, WhatStillWaitsAtTheEndIsRefused) {
  HeldQueue queue({});
  auto waiting = queue.Submit(1);
  std::thread destroyer([&queue] { queue.Destroy(); });
  // Either the thread saw the stop first (refused) or took the work first (done); nothing is left hanging.
  queue.Release();
  destroyer.join();
  const Result<int> result = waiting.get();
  EXPECT_TRUE(result.ok() || result.error().code == "attestation-busy");
}

}  // namespace
}  // namespace blindai::service
