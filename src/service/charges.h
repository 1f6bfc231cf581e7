// Who is charged for a request, and for how many of them a minute. A model that is shared by link runs on its owner's
// account, whoever runs it: what a stranger who was told the id takes, the owner's share loses, and nobody else's.
// Every other model runs on its caller's account, the operator's own models too.
//
// That is a matter of shares only. Which caller's data a worker may hold is decided by who asks (Caller::number).
// Any thread may call.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/rate_limiter.h"
#include "base/result.h"
#include "model/model_host.h"
#include "service/caller.h"

namespace blindai::service {

struct ModelRecord;

struct ChargeLimits {
  // Shares of the server's cores against others' (model/scheduler.h), by tenant; who is not named has 1.
  std::map<std::string, double, std::less<>> weights = {};
  // Of each tenant: runs, recordings and live streams that begin; 0 = no limit. As many may come at once.
  double requests_per_minute = 0;
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

// The tenant whose account a run of this model is on.
const std::string& PayerOf(const Caller& caller, const ModelRecord& record);

class Charges {
 public:
  explicit Charges(ChargeLimits limits);
  Charges(const Charges&) = delete;
  Charges& operator=(const Charges&) = delete;

  // Once for each request, before anything is queued. Code: rate-limited (with the time to come back).
  base::Status CountRequest(const Caller& caller, const ModelRecord& record);
  // Writes into a run who asks, who pays, and with which weight.
  void Address(model::RunRequest& run, const Caller& caller, const ModelRecord& record);

 private:
  std::uint64_t NumberOf(const std::string& tenant);

  const ChargeLimits limits_;
  base::RateLimiter limiter_;
  std::mutex mutex_;
  // Of each tenant that ever ran something; as many as there are accounts.
  std::map<std::string, std::uint64_t, std::less<>> numbers_;
};

}  // namespace blindai::service
