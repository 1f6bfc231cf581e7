// `GET /v1/attestation?nonce=<64 hex digits>` (also `/.well-known/blindai/attestation`): evidence for this
// very connection. Needs no login: it is what a client asks before it says anything about itself.
#pragma once

#include <functional>

#include "net/await_callback.h"
#include "net/connection_facts.h"
#include "protocols/endpoints/router.h"
#include "protocols/wire/attestation.h"

namespace blindai::endpoints {

// Answers for one connection, once, from any thread. Called on the connection's strand, so that the exporter
// may be asked before it returns. Codes: attestation-busy, attestation-deadline, not-tls and those of the
// attester.
using AttestConnection =
    std::function<void(const wire::AttestationNonce& nonce, const net::ConnectionFacts& connection,
                       net::Callback<wire::AttestationAnswer> done)>;

void RegisterAttestation(Router& router, AttestConnection attest);

}  // namespace blindai::endpoints
