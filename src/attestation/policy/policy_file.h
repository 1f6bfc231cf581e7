// Policy files: TOML, one [[accept]] block for each kind of hardware that is acceptable
// (docs/formats/policy.md has every key, docs/formats/policies/ an example for each platform). BlindAI's own
// files, policy.toml (0.5) and manifest.toml (0.6), are recognised by their keys and load into the same type.
//
// A policy decides whether data is sent, so reading one is strict: a key that is not known, a value of
// another length, an empty list of measurements and a measurement of all zeros are errors with a line number,
// never something that is passed over.
#pragma once

#include <string_view>

#include "attestation/policy/policy.h"
#include "base/result.h"

namespace blindai::policy {

inline constexpr std::size_t kMaxPolicyBytes = std::size_t{1} << 20;

// Codes: policy-syntax, policy-key, policy-value, too-large.
base::Result<Policy> ParsePolicy(std::string_view toml);

}  // namespace blindai::policy
