// What a server answers to "who are you, on this connection?": evidence with endorsements, the two documents
// that the evidence covers, and the server's own view of the statement. The statement is there for one
// purpose: when the report data is not what the client expects, it says which component differs. Nothing is
// believed because of it. protocols/wire/attestation.h is the same on the wire.
#pragma once

#include <string>

#include "attestation/evidence/evidence_bundle.h"
#include "channel/binding.h"
#include "crypto/digest.h"

namespace blindai::channel {

// The components of Binding as the server saw them, the exporter value by its SHA-256.
struct Statement {
  Nonce nonce;
  crypto::Sha256Digest exporter_sha256;
  crypto::Sha256Digest server_key;
  crypto::Sha256Digest keyset;
  crypto::Sha256Digest manifest;
};

struct AttestationAnswer {
  evidence::EvidenceBundle bundle;
  Statement statement;
  std::string keyset;  // exact bytes of the JSON documents
  std::string manifest;
};

}  // namespace blindai::channel
