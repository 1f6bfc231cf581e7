// Whether a certificate may be believed: is there a path from it, through the certificates that came along,
// to a key that we pinned, and is every step in order at the given time? (RFC 5280 section 6, the parts that
// hardware makers use.)
//
// Trust story: the only thing believed in advance is a SHA-256 value in the program, of a root's public key
// or of a root certificate. Certificates that came with the evidence are candidates; their order, and what
// they call themselves, proves nothing. A step counts when the issuer's name fits AND its key made the
// signature. Nothing is fetched, no system store is read, the time is an argument.
//
// Every problem found is reported, not only the first, each with a stable code:
//   bad-signature   an issuer of the right name is there, its key did not sign
//   bad-chain       no issuer is there, or a step breaks a rule (not a CA, path length, key usage, unknown
//   critical
//                   extension, more than kMaxChainCertificates)
//   wrong-root      the path is complete and ends in a key that is not pinned
//   expired, not-yet-valid                      a certificate, at the given time
//   revoked                                     it stands in the CRL of its issuer
//   crl-missing, crl-bad-signature              required and not there; there and signed by another key
//   crl-expired, crl-not-yet-valid              its CRL, at the given time
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "crypto/digest.h"

namespace blindai::crypto {

inline constexpr std::size_t kMaxChainCertificates = 8;

struct TrustAnchor {
  enum class Pins { kPublicKey, kCertificate };
  Pins pins = Pins::kPublicKey;
  Sha256Digest sha256;  // of the SubjectPublicKeyInfo, or of the certificate
};

struct ChainProblem {
  std::string code;
  std::string subject;  // whose certificate, RFC 2253 text
  std::string message;  // what was seen and what was wanted

  friend bool operator==(const ChainProblem&, const ChainProblem&) = default;
};

enum class CrlUse {
  kRequired,  // every certificate but the pinned one needs a good CRL of its issuer
  kIfPresent,
};

struct ChainOptions {
  base::Time at;
  CrlUse crl_use = CrlUse::kRequired;
  // In any order; lists of other issuers are ignored.
  std::span<const Crl> crls;
};

struct ChainResult {
  // From the leaf to the pinned certificate; shorter where no pinned one was reached.
  std::vector<Certificate> path;
  std::vector<ChainProblem> problems;

  bool ok() const { return problems.empty(); }
};

// `others` may hold the leaf, the root, or neither, in any order. Of several paths to an anchor the one with
// the fewest problems is reported.
ChainResult VerifyChain(const Certificate& leaf, std::span<const Certificate> others,
                        std::span<const TrustAnchor> anchors, const ChainOptions& options);

// The same rules for one CRL: made by this issuer, inside its dates.
std::vector<ChainProblem> CheckCrl(const Crl& crl, const Certificate& issuer, base::Time at);

}  // namespace blindai::crypto
