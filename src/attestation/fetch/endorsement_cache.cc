#include "attestation/fetch/endorsement_cache.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace blindai::fetch {
namespace {

using base::Result;

std::chrono::seconds PauseAskedFor(const base::Error& error, const CachePolicy& policy) {
  std::int64_t seconds = 0;
  const auto [end, failed] =
      std::from_chars(error.param.data(), error.param.data() + error.param.size(), seconds);
  if (failed != std::errc() || seconds <= 0) return policy.pause_after_failure;
  return std::clamp(std::chrono::seconds(seconds), policy.pause_after_failure, policy.longest_pause);
}

}  // namespace

bool EndorsementCache::NeedsRefresh(const Entry& entry, base::Time now) const {
  if (!entry.cached) return true;
  // A clock that was set back makes everything look new: what is from the future is fetched again.
  const bool from_the_future = entry.cached->fetched_at > now;
  return from_the_future || now - entry.cached->fetched_at >= policy_.refresh_after ||
         entry.cached->fetched.good_until - now <= policy_.refresh_margin;
}

void EndorsementCache::Forget(const std::string& but_not) {
  while (entries_.size() > policy_.max_entries) {
    auto oldest = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->first == but_not) continue;
      const auto age = [](const Entry& e) { return e.cached ? e.cached->fetched_at : base::Time{}; };
      if (oldest == entries_.end() || age(entry->second) < age(oldest->second)) oldest = entry;
    }
    entries_.erase(oldest);
  }
}

Result<Cached> EndorsementCache::Get(const std::string& key, base::Time now, const Fetch& fetch) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[key];
  Forget(key);
  const auto still_good = [&] { return entry.cached && entry.cached->fetched.good_until > now; };
  if (!NeedsRefresh(entry, now)) return *entry.cached;
  if (now < entry.next_try) {
    if (still_good()) return *entry.cached;
    return base::MakeError(base::ErrorKind::kUnavailable, "endorsement-paused",
                           "the key service failed a moment ago and is asked again later");
  }
  Result<Fetched> fetched = fetch();
  if (fetched.ok() && fetched->good_until <= now) {
    fetched = base::MakeError(base::ErrorKind::kUnavailable, "endorsement-expired",
                              "the key service gave something that is over already");
  }
  if (!fetched.ok()) {
    entry.next_try = now + PauseAskedFor(fetched.error(), policy_);
    if (still_good()) return *entry.cached;
    return std::move(fetched).error();
  }
  entry.cached = Cached{std::move(fetched).value(), now};
  entry.next_try = base::Time{};
  return *entry.cached;
}

}  // namespace blindai::fetch
