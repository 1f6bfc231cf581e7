#include "service/accounts/rate_limiter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>

#include "base/bytes.h"

namespace blindai::accounts {

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

std::string AddressOrigin(std::string_view numeric_address) {
  std::string text(numeric_address);
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  // ::ffff:a.b.c.d is the IPv4 address.
  const base::ByteView bytes(v6.s6_addr);
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return std::string(base::AsText(bytes));
  return std::string(base::AsText(bytes.first(8)));
}

}  // namespace blindai::accounts
