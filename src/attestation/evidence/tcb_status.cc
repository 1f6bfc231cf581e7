#include "attestation/evidence/tcb_status.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace blindai::evidence {
namespace {

constexpr std::array<std::pair<TcbStatus, std::string_view>, 9> kNames{
    {{TcbStatus::kUpToDate, "UpToDate"},
     {TcbStatus::kSwHardeningNeeded, "SWHardeningNeeded"},
     {TcbStatus::kConfigurationNeeded, "ConfigurationNeeded"},
     {TcbStatus::kConfigurationAndSwHardeningNeeded, "ConfigurationAndSWHardeningNeeded"},
     {TcbStatus::kOutOfDate, "OutOfDate"},
     {TcbStatus::kOutOfDateConfigurationNeeded, "OutOfDateConfigurationNeeded"},
     {TcbStatus::kTdRelaunchAdvised, "TDRelaunchAdvised"},
     {TcbStatus::kTdRelaunchAdvisedConfigurationNeeded, "TDRelaunchAdvisedConfigurationNeeded"},
     {TcbStatus::kRevoked, "Revoked"}}};

}  // namespace

std::string_view TcbStatusName(TcbStatus status) {
  for (const auto& [known, name] : kNames) {
    if (known == status) return name;
  }
  BLINDAI_CHECK(false);
}

std::optional<TcbStatus> TcbStatusFromName(std::string_view name) {
  for (const auto& [status, known] : kNames) {
    if (known == name) return status;
  }
  return std::nullopt;
}

}  // namespace blindai::evidence
