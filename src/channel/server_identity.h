// The attested key set: what a server makes inside at each start and never writes down. A P-256 key and a
// self-signed certificate for TLS; nobody needs to trust the certificate, since the evidence names its key.
// The keyset document lists the public keys, the manifest says what is running; evidence covers the digests
// of both (binding.h), so a client reads them as said by the hardware.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "crypto/signing_key.h"

namespace blindai::channel {

struct IdentityOptions {
  std::vector<std::string> dns_names;     // beside localhost
  std::vector<std::string> ip_addresses;  // beside 127.0.0.1 and ::1
  base::Time now;
  std::chrono::hours lifetime{24 * 30};
  std::string manifest;  // from MakeManifest
};

// What the manifest says about a deployment. A client may show it and a policy may rest on its digest.
struct ManifestFacts {
  std::string version;                                        // of blindai
  std::string mode;                                           // "hardware" or "simulation"
  std::string platform;                                       // the attester's kind: "snp"
  std::string isolation;                                      // how models are confined: "worker-process"
  std::vector<std::string> precisions;                        // "f32", "bf16"
  std::vector<std::pair<std::string, std::uint64_t>> limits;  // the numbers of PRODUCT.md section 7
  std::vector<std::string> compat;                            // "0.5", "0.6"
  // The operator's own models, by id, and the SHA-256 of each file in hex.
  std::vector<std::pair<std::string, std::string>> models = {};
  // Under whose key models are stored: "none", "sgx-mrenclave", "sgx-mrsigner", "snp-measurement", "software-file".
  std::string storage = "none";
};

// Compact JSON with a fixed order of keys: the same facts give the same bytes.
std::string MakeManifest(const ManifestFacts& facts);

class ServerIdentity {
 public:
  // Codes: certificate (a name that is no DNS name or address).
  static base::Result<ServerIdentity> Make(const IdentityOptions& options);

  const crypto::SigningKey& key() const { return key_; }
  const crypto::Certificate& certificate() const { return certificate_; }
  const crypto::Sha256Digest& key_sha256() const { return key_sha256_; }
  const std::string& keyset() const { return keyset_; }
  const std::string& manifest() const { return manifest_; }

 private:
  ServerIdentity(crypto::SigningKey key, crypto::Certificate certificate, std::string keyset,
                 std::string manifest);

  crypto::SigningKey key_;
  crypto::Certificate certificate_;
  crypto::Sha256Digest key_sha256_;
  std::string keyset_;
  std::string manifest_;
};

}  // namespace blindai::channel
