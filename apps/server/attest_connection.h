// Where the attested channel meets HTTP: evidence for one connection, from the identity, the platform and the
// line of those who wait for it.
#pragma once

#include "attestation/attester/attester.h"
#include "attestation/fetch/endorser.h"
#include "channel/server_identity.h"
#include "protocols/endpoints/attestation.h"
#include "service/attestation_queue.h"

namespace blindai::server {

// All must outlive the function.
endpoints::AttestConnection AttestWith(const channel::ServerIdentity& identity, attester::Attester& attester,
                                       fetch::Endorser& endorser, service::AttestationQueue& queue);

}  // namespace blindai::server
