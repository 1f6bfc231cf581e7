// The policy files of BlindAI 0.5 (policy.toml) and 0.6 (manifest.toml): eight keys about one SGX enclave,
// compared as those clients compared them. They accept the platform statuses UpToDate and SWHardeningNeeded
// with any advisory, since their authors could not say anything about it; findings show both.
#pragma once

#include "attestation/policy/policy.h"
#include "attestation/policy/toml_fields.h"

namespace blindai::policy {

// Whether the file is one of these.
bool IsCompatPolicy(const toml::table& file);
AcceptBlock ReadCompatPolicy(TomlFields& fields);

}  // namespace blindai::policy
