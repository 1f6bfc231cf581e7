// A policy is what one relying party accepts: a list of blocks, each for one kind of hardware. Evidence is
// accepted when one block of its kind accepts it in every point; a kind without a block is refused, so the
// kind is fixed by the policy and never taken from the message. There is no block for simulated evidence and
// no way to write one: simulation is a permission of the caller (verifier/appraise.h), not something a policy
// can grant.
//
// policy_file.h reads policies from TOML.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "attestation/evidence/tee_kind.h"
#include "attestation/policy/reference_values.h"

namespace blindai::policy {

struct AcceptBlock {
  std::variant<SgxRules, TdxRules, SnpRules, TpmRules, NitroRules> rules;
  std::string name;  // for findings; may be empty
  int line = 0;      // where it starts in the file; 0 when made in code

  evidence::TeeKind tee() const;
};

struct Policy {
  std::vector<AcceptBlock> accept;
};

}  // namespace blindai::policy
