// What an attester hands out and an attestation answer carries: the evidence as bytes, its kind, and the
// endorsements that travel with it so that one request is enough for the client. Nothing here is checked yet:
// endorsements.h bounds the list, ParseEvidence reads the bytes, the verifier decides.
#pragma once

#include <string>
#include <vector>

#include "attestation/evidence/tee_kind.h"
#include "base/bytes.h"

namespace blindai::evidence {

// A name such as "tcb-info" (endorsements.h lists them) and what it stands for.
struct NamedBytes {
  std::string name;
  base::Bytes bytes;
};

struct EvidenceBundle {
  TeeKind tee = TeeKind::kSimulated;
  base::Bytes evidence;
  std::vector<NamedBytes> endorsements;
};

}  // namespace blindai::evidence
