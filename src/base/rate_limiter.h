// At most so many requests of one origin: a token bucket for each API key, address or tenant, in bounded memory. When
// there are more origins than buckets, the one that asked longest ago is forgotten, which only ever lets somebody ask
// again. Any thread may call; time is an argument.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace blindai::base {

struct RateLimit {
  double per_second = 0;  // 0 = no limit
  double burst = 1;       // at once after a pause; at least 1
};

class RateLimiter {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  RateLimiter(const RateLimit& limit, std::size_t max_origins) : limit_(limit), max_origins_(max_origins) {}

  // Nothing when this request may go on; else the wait until one may, at least a second, for Retry-After.
  std::optional<std::chrono::seconds> Take(std::string_view origin, Moment now);
  std::size_t origins() const;

 private:
  struct Bucket {
    std::string origin;
    double tokens;
    Moment filled;
  };
  const RateLimit limit_;
  const std::size_t max_origins_;
  mutable std::mutex mutex_;
  std::list<Bucket> buckets_;  // the latest first
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> by_origin_;
};

}  // namespace blindai::base
