// Completes an evidence bundle: whatever a client needs to judge it travels with it, so that one request is
// enough. What the platform handed out is kept; what is missing comes, in this order, from a folder of files
// and from the makers' key services, where the operator configured them.
//
//   SGX, TDX  tcb-info, qe-identity, pck-crl, root-crl with their chains: Intel's PCS API version 4, or a caching PCCS
//   SNP       leaf (VCEK), chain, crl: AMD's key distribution service (AMD 57230)
//   TPM       on a confidential machine of Azure what its TD quote or its SNP report needs
//
// A failing service fails this one bundle with a clear error. The verifier trusts nothing of what is fetched here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "attestation/evidence/evidence_bundle.h"
#include "attestation/fetch/endorsement_cache.h"
#include "attestation/fetch/https_get.h"
#include "base/clock.h"
#include "base/result.h"

namespace blindai::fetch {

struct EndorserOptions {
  // A folder whose files are named like the endorsements ("tcb-info", "leaf", …); empty = none.
  std::string directory;
  // The base of Intel's API, up to and without "/sgx" and "/tdx"; empty = not asked.
  std::string dcap_service;
  // Where the root CA's revocation list is; empty = a PCCS's own place below dcap_service.
  std::string dcap_root_crl;
  // The base of AMD's service, up to and without "/vcek"; empty = not asked.
  std::string snp_service;
};

// When each endorsement that came from a service was fetched, by its name. What the platform or a folder gave is not
// listed.
using FetchTimes = std::vector<std::pair<std::string, base::Time>>;

class Endorser {
 public:
  Endorser(EndorserOptions options, HttpsGet get, CachePolicy policy = {});

  // Adds what is missing. Codes: endorsement-service (an answer other than 200, or one that makes no sense),
  // endorsement-paused, endorsement-expired, and those of the connection (net/http_client.h).
  base::Result<FetchTimes> Complete(evidence::EvidenceBundle& bundle, base::Time now, Deadline deadline);

 private:
  base::Result<FetchTimes> CompleteKind(evidence::EvidenceBundle& bundle, base::Time now, Deadline deadline);
  // What `quote` and `report` need, which are the bundle's evidence or lie under it.
  base::Result<FetchTimes> CompleteDcap(base::ByteView quote, evidence::EvidenceBundle& bundle,
                                        base::Time now, Deadline deadline);
  base::Result<FetchTimes> CompleteSnp(base::ByteView report, evidence::EvidenceBundle& bundle,
                                       base::Time now, Deadline deadline);
  base::Result<FetchTimes> CompleteAzure(evidence::EvidenceBundle& bundle, base::Time now, Deadline deadline);
  void AddFiles(evidence::EvidenceBundle& bundle) const;
  base::Result<net::HttpResponse> Ask(const std::string& url, Deadline deadline) const;

  const EndorserOptions options_;
  const HttpsGet get_;
  EndorsementCache cache_;
};

}  // namespace blindai::fetch
