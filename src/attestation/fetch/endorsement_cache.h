// What makers publish changes slowly and their services are not always there, so it is kept: refreshed well before it
// expires, served while it is good when a refresh fails, and never after. A failed refresh fails the one answer that
// needed it and nothing else; after a failure a service is left alone for a while, longer when it says so (429).
//
// Time is an argument. Any thread may call; one fetches for all who wait for the same thing.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace blindai::fetch {

struct Fetched {
  base::Bytes bytes;
  base::Bytes chain;      // of certificates that came with it (a response header), or empty
  base::Time good_until;  // what it says about itself: next update, end of validity
};

struct Cached {
  Fetched fetched;
  base::Time fetched_at;
};

struct CachePolicy {
  // A refresh is tried when it is older than this, however long it is good.
  std::chrono::seconds refresh_after = std::chrono::hours(12);
  // Or when it is good for less than this.
  std::chrono::seconds refresh_margin = std::chrono::hours(24);
  // After a failure nothing is tried for so long, unless the service names a time.
  std::chrono::seconds pause_after_failure = std::chrono::seconds(60);
  // The longest pause that a service may ask for.
  std::chrono::seconds longest_pause = std::chrono::hours(1);
  // Things kept; the oldest goes first.
  std::size_t max_entries = 64;
};

class EndorsementCache {
 public:
  // An error may carry a pause in seconds as its param ("Retry-After").
  using Fetch = std::function<base::Result<Fetched>()>;

  explicit EndorsementCache(CachePolicy policy = {}) : policy_(policy) {}

  // Codes: those of `fetch`, endorsement-expired (what was fetched is over already), endorsement-paused (a
  // failure a moment ago).
  base::Result<Cached> Get(const std::string& key, base::Time now, const Fetch& fetch);

 private:
  struct Entry {
    std::optional<Cached> cached;
    base::Time next_try;  // not before this, after a failure
  };
  bool NeedsRefresh(const Entry& entry, base::Time now) const;
  void Forget(const std::string& but_not);

  const CachePolicy policy_;
  std::mutex mutex_;  // held while fetching: the platform's line of requests is one at a time anyway
  std::map<std::string, Entry> entries_;
};

}  // namespace blindai::fetch
