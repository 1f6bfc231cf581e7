// Waiting for what has no event to wait for: what another process does or holds, or a job's end.
#pragma once

#include <chrono>
#include <functional>
#include <future>

namespace blindai::tests {

// Looks until `condition` holds, for at most `tries` milliseconds; whether it held.
inline bool Until(const std::function<bool()>& condition, int tries = 60'000) {
  std::promise<void> never;
  const auto pause = never.get_future();
  for (; tries > 0; --tries) {
    if (condition()) return true;
    pause.wait_for(std::chrono::milliseconds(1));
  }
  return condition();
}

}  // namespace blindai::tests
