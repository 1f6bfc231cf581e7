#include "base/rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace blindai::base {

std::optional<std::chrono::seconds> RateLimiter::Take(std::string_view origin, Moment now) {
  if (limit_.per_second <= 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = by_origin_.find(origin);
  if (found != by_origin_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
  } else {
    if (buckets_.size() >= max_origins_) {
      by_origin_.erase(buckets_.back().origin);
      buckets_.pop_back();
    }
    buckets_.push_front({std::string(origin), limit_.burst, now});
    by_origin_.emplace(buckets_.front().origin, buckets_.begin());
  }
  Bucket& bucket = buckets_.front();
  const double passed = std::chrono::duration<double>(now - bucket.filled).count();
  bucket.tokens = std::min(limit_.burst, bucket.tokens + std::max(0.0, passed) * limit_.per_second);
  bucket.filled = std::max(bucket.filled, now);
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return std::nullopt;
  }
  const double wait = std::ceil((1 - bucket.tokens) / limit_.per_second);
  return std::chrono::seconds(static_cast<std::int64_t>(std::clamp(wait, 1.0, 3600.0)));
}

std::size_t RateLimiter::origins() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace blindai::base
