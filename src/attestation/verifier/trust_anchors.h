// Trust anchors: the public keys at which every chain must end. Those of the makers are compiled in, pinned
// by the SHA-256 of the key (SubjectPublicKeyInfo) and not of the certificate, since two genuine certificates
// of Intel's root carry one key (attestation reference, section 1). Each anchor vouches for one role only:
// AMD's key for Milan says nothing about Genoa.
//
// A caller may add an anchor of its own (a TPM maker's root, a test CA). It then vouches for every role, and
// every finding that rests on it says so in capitals. The root of simulation is not here: no chain can end at
// it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "attestation/verifier/finding_list.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/digest.h"

namespace blindai::verifier {

enum class AnchorRole {
  kIntelSgx,
  kAmdMilan,
  kAmdGenoa,
  kAmdTurin,
  kAwsNitro,
  kGoogleTpm,
  kMicrosoftTpm,
  kAny
};

struct TrustAnchor {
  std::string name;  // "AMD ARK-Milan"
  AnchorRole role = AnchorRole::kAny;
  crypto::Sha256Digest spki_sha256;
  bool extra = false;       // added by the caller
  base::Bytes certificate;  // DER, where it is known: an extra anchor has it
};

class TrustAnchors {
 public:
  // The makers' keys.
  static TrustAnchors Production();
  // The makers' keys and other roots, each a certificate in PEM or DER; every finding that rests on one of them says so
  // loudly. Code: malformed.
  static base::Result<TrustAnchors> ProductionAnd(const std::vector<base::Bytes>& roots);
  // Nothing: tests build their own from here.
  TrustAnchors() = default;

  // Another anchor, for every role. `spki_sha256` is the digest of the certificate's key.
  void AddExtra(std::string name, const crypto::Sha256Digest& spki_sha256, base::Bytes certificate_der);

  // The anchor with this key that may vouch in this role, or nullptr.
  const TrustAnchor* Find(AnchorRole role, const crypto::Sha256Digest& spki_sha256) const;

  const std::vector<TrustAnchor>& anchors() const { return anchors_; }

 private:
  std::vector<TrustAnchor> anchors_;
};

// One finding, code wrong-root: the chain ends at an anchor of this role. Loud when the anchor is an extra
// one.
bool CheckTrustAnchor(FindingList& findings, const TrustAnchors& anchors, AnchorRole role,
                      const crypto::Sha256Digest& root_spki_sha256);

}  // namespace blindai::verifier
