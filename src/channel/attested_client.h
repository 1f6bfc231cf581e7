// The client's half of the attested channel: judges an answer. A pure function of what the client knows of its
// own connection (nonce, exporter value, the peer's public key) and what the server said; the caller sends nothing
// else on the connection before the verdict is `trusted`, or `simulation` where that was permitted.
//
// Each way to be fooled has its own code:
//   nonce-mismatch        an answer to somebody else's question
//   connection-mismatch   evidence of another connection: a relay or a TLS terminator
//   key-mismatch          another key ended this connection
//   keyset-mismatch, manifest-mismatch   a document was altered
//   mode-mismatch         the manifest says hardware and the evidence is simulated, or the other way round
//   report-data-mismatch  the hardware signed something else
//   malformed             this is no evidence of the kind that the server names
#pragma once

#include "attestation/verifier/appraise.h"
#include "attestation/verifier/trust_anchors.h"
#include "attestation/verifier/verdict.h"
#include "base/bytes.h"
#include "channel/attestation_answer.h"
#include "channel/binding.h"

namespace blindai::channel {

// What the client knows by itself.
struct ClientView {
  Nonce nonce;
  ExporterValue exporter;
  base::Bytes peer_spki_der;  // of the certificate that the server presented on this connection
};

// What the client demands. Question::report_data and nonce are filled in here.
struct ClientDemand {
  const policy::Policy* policy = nullptr;
  verifier::AllowSimulation allow_simulation = verifier::AllowSimulation::kNo;
  verifier::TrustAnchors anchors = verifier::TrustAnchors::Production();
  base::Time now;
};

verifier::Verdict VerifyServer(const AttestationAnswer& answer, const ClientView& view,
                               const ClientDemand& demand);

}  // namespace blindai::channel
