// What the old protocols share (compat = ["0.5", "0.6"]): the certificate that their clients pin, and the evidence for
// it. Both are made once, before any of their ports opens.
#pragma once

#include <string>

#include "attestation/fetch/endorser.h"
#include "base/result.h"
#include "channel/legacy_identity.h"
#include "net/tls.h"
#include "server/platform.h"
#include "server/server_config.h"
#include "service/attestation_queue.h"
#include "service/legacy_evidence.h"

namespace blindai::server {

struct Legacy {
  channel::LegacyIdentity identity;
  service::LegacyEvidence evidence;

  Legacy(channel::LegacyIdentity made, service::LegacyEvidence::Attest attest, std::chrono::seconds max_age,
         service::AttestationQueue& queue)
      : identity(std::move(made)), evidence(std::move(attest), max_age, queue) {}
};

// The platform, the endorser and the queue must outlive it. Codes: config-file (a file cannot be read), legacy-identity
// (with platform = "files": the certificate and its keys do not belong together), attester-unavailable (… or the quote
// is of another certificate).
base::Result<std::unique_ptr<Legacy>> MakeLegacy(const ServerConfig& config, const Platform& platform,
                                                 fetch::Endorser& endorser, service::AttestationQueue& queue);

// A key and its certificate from the operator's PEM files. Codes: config-file, and those of the key and certificate.
struct OperatorCertificate {
  crypto::SigningKey key;
  crypto::Certificate certificate;
};
base::Result<OperatorCertificate> ReadOperatorCertificate(const std::string& certificate_file,
                                                          const std::string& key_file);

}  // namespace blindai::server
