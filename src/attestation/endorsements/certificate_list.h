// Certificates as endorsements carry them: PEM text with one or several blocks, or one DER structure, which
// TPMs and host tables pad with zeros. Nothing is trusted; the order means nothing
// (crypto/certificate_chain.h).
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/certificate.h"

namespace blindai::endorsements {

// At least one certificate. Errors: those of crypto/certificate.h and encoding/pem.h.
base::Result<std::vector<crypto::Certificate>> ReadCertificates(base::ByteView bytes);

}  // namespace blindai::endorsements
