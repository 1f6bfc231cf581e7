// An SNP report and the host's certificate table as an evidence bundle, whichever device they came from.
#pragma once

#include "attestation/evidence/evidence_bundle.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::attester {

// An empty table is usual and not an error: the certificates then come from elsewhere (attestation/fetch). A
// table that cannot be read is the host's mistake and is left out too; the report stands on its own. Code:
// attester-unavailable when the report is no SNP report.
base::Result<evidence::EvidenceBundle> MakeSnpBundle(base::ByteView report, base::ByteView certificate_table);

}  // namespace blindai::attester
