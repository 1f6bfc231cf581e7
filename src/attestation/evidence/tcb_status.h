// What Intel says about the patch level of a platform, its TDX module and its quoting enclave (TCB info and
// QE identity, "tcbStatus"). The words are Intel's. Text that is none of them is refused where it is read.
#pragma once

#include <optional>
#include <string_view>

namespace blindai::evidence {

enum class TcbStatus {
  kUpToDate,
  kSwHardeningNeeded,
  kConfigurationNeeded,
  kConfigurationAndSwHardeningNeeded,
  kOutOfDate,
  kOutOfDateConfigurationNeeded,
  kTdRelaunchAdvised,
  kTdRelaunchAdvisedConfigurationNeeded,
  kRevoked,  // never tolerable: a policy file that names it is refused
};

std::string_view TcbStatusName(TcbStatus status);  // "SWHardeningNeeded"
std::optional<TcbStatus> TcbStatusFromName(std::string_view name);

}  // namespace blindai::evidence
