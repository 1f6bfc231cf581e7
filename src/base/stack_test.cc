#include "base/stack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace blindai::base {
namespace {

#ifndef BLINDAI_SANITIZED
constexpr std::size_t kDepth = 4096;
constexpr char kMarker = 'q';

// A buffer on the stack of a function that has returned. Its address goes out as a number, because the compiler may
// think what it likes of a pointer to it.
[[gnu::noinline]] std::uintptr_t LeaveSomething() {
  volatile char text[kDepth];
  for (std::size_t i = 0; i < kDepth; ++i) text[i] = kMarker;
  return reinterpret_cast<std::uintptr_t>(&text[0]);
}

// Looks without a call in between that would use the same place.
[[gnu::noinline]] std::size_t Left(std::uintptr_t at) {
  std::size_t count = 0;
  const volatile char* const text = reinterpret_cast<const volatile char*>(at);
  for (std::size_t i = 0; i < kDepth; ++i) count += text[i] == kMarker ? 1U : 0U;
  return count;
}

TEST(Stack, WhatAFunctionLeftIsOverwritten) {
  const std::uintptr_t at = LeaveSomething();
  EXPECT_GT(Left(at), kDepth / 2) << "the search finds nothing at all";
  LeaveSomething();
  WipeStack();
  EXPECT_EQ(Left(at), 0u);
}
#endif

}  // namespace
}  // namespace blindai::base
