// The PCK certificate: Intel's word about one SGX or TDX platform. Its extension 1.2.840.113741.1.13.1 says
// which platform it is and which patch level it had when the key was certified (Intel "SGX PCK Certificate
// and CRL Profile Specification", section 1.3.5). TCB levels are matched against these values, not against
// what a report says about itself. Reading trusts nothing; verifier/dcap.h follows the chain.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "attestation/evidence/measurement.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/certificate.h"

namespace blindai::endorsements {

inline constexpr std::string_view kSgxExtensionOid = "1.2.840.113741.1.13.1";

using Fmspc = base::FixedBytes<6, struct FmspcTag>;
using PceId = base::FixedBytes<2, struct PceIdTag>;

struct PckExtension {
  evidence::Ppid ppid;
  std::array<std::uint16_t, 16> component_svns{};
  std::uint16_t pce_svn = 0;
  PceId pce_id;
  Fmspc fmspc;
  std::optional<evidence::PlatformInstanceId> platform_instance_id;  // of leafs of the Platform CA
  std::optional<bool> dynamic_platform;
  std::optional<bool> cached_keys;
  std::optional<bool> smt_enabled;
};

// Error: bad-pck-extension. Every field that matching needs must be there exactly once.
base::Result<PckExtension> ReadPckExtension(const crypto::Certificate& certificate);

}  // namespace blindai::endorsements
