#include "protocols/endpoints/grpc/post.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace blindai::endpoints {
namespace {

TEST(Post, WorkIsDoneOnceAndOnAnotherThread) {
  std::promise<std::thread::id> done;
  Post([&] { done.set_value(std::this_thread::get_id()); });
  EXPECT_NE(done.get_future().get(), std::this_thread::get_id());
}

TEST(Post, WhatTheWorkHoldsIsReleased) {
  auto held = std::make_shared<int>(7);
  const std::weak_ptr<int> watched = held;
  std::promise<int> done;
  Post([&done, held = std::move(held)]() mutable {
    const auto last = std::move(held);
    done.set_value(*last);
  });
  EXPECT_EQ(done.get_future().get(), 7);
  held.reset();
}

}  // namespace
}  // namespace blindai::endpoints
