// What the directory keeps in files: its certificate with the key, and the secret that seals session keys.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/certificate.h"
#include "crypto/signing_key.h"
#include "directory/directory_config.h"

namespace blindai::directory {

struct Identity {
  crypto::SigningKey key;
  std::vector<crypto::Certificate> certificates;  // its own, then those of its issuers
  bool self_signed = false;
};

// From the files that the configuration names, or made now. Codes: config-file, and those of keys and certificates.
base::Result<Identity> ReadOrMakeIdentity(const DirectoryConfig& config, base::Time now);

// Reads the secret; makes it where the database is an SQLite file and there is none yet. Code: config-file.
base::Result<base::SecretBytes> ReadOrMakeSessionSecret(const DirectoryConfig& config);

}  // namespace blindai::directory
