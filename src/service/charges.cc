#include "service/charges.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "service/model_catalogue.h"

namespace blindai::service {
namespace {

// Tenants whose last minute is remembered.
constexpr std::size_t kMostTenants = 65'536;

base::RateLimit PerTenant(double requests_per_minute) {
  return {.per_second = requests_per_minute / 60, .burst = std::max(1.0, requests_per_minute)};
}

}  // namespace

const std::string& PayerOf(const Caller& caller, const ModelRecord& record) {
  const bool owner_pays = record.visibility == Visibility::kLink && !record.is_operators;
  return owner_pays ? record.owner : caller.tenant;
}

Charges::Charges(ChargeLimits limits)
    : limits_(std::move(limits)), limiter_(PerTenant(limits_.requests_per_minute), kMostTenants) {}

base::Status Charges::CountRequest(const Caller& caller, const ModelRecord& record) {
  const auto wait = limiter_.Take(PayerOf(caller, record), limits_.now());
  if (!wait) return base::Ok();
  base::Error error = base::MakeError(
      base::ErrorKind::kExhausted, "rate-limited",
      fmt::format("{} requests a minute are taken on the account that pays for this model; try again in {} s",
                  limits_.requests_per_minute, wait->count()));
  error.retry_after_s = static_cast<int>(wait->count());
  return error;
}

void Charges::Address(model::RunRequest& run, const Caller& caller, const ModelRecord& record) {
  const std::string& payer = PayerOf(caller, record);
  run.caller = caller.number;
  run.payer = NumberOf(payer);
  const auto weight = limits_.weights.find(payer);
  run.weight = weight == limits_.weights.end() ? 1 : weight->second;
}

std::uint64_t Charges::NumberOf(const std::string& tenant) {
  const std::lock_guard lock(mutex_);
  return numbers_.try_emplace(tenant, numbers_.size()).first->second;
}

}  // namespace blindai::service
