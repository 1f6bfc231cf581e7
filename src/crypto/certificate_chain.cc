#include "crypto/certificate_chain.h"

#include <algorithm>
#include <optional>

namespace blindai::crypto {
namespace {

using Path = std::vector<Certificate>;
using Problems = std::vector<ChainProblem>;

// Cross-signed certificates form factorially many paths and each step costs a signature check; real chains
// have one or two paths. What lies beyond is not looked at, which can only refuse.
constexpr int kMaxSteps = 128;

bool IsAnchor(const Certificate& certificate, std::span<const TrustAnchor> anchors) {
  const Sha256Digest key = certificate.public_key().SpkiSha256();
  const Sha256Digest whole = certificate.Sha256Fingerprint();
  return std::any_of(anchors.begin(), anchors.end(), [&key, &whole](const TrustAnchor& anchor) {
    return anchor.sha256 == (anchor.pins == TrustAnchor::Pins::kPublicKey ? key : whole);
  });
}

class PathFinder {
 public:
  PathFinder(std::span<const Certificate> others, std::span<const TrustAnchor> anchors)
      : others_(others), anchors_(anchors) {}

  // Fills `paths` with every path to an anchor and `longest` with the longest one that was tried.
  void Search(const Certificate& leaf) {
    Path path = {leaf};
    Extend(path);
  }

  std::vector<Path> paths;
  Path longest;

 private:
  void Extend(Path& path) {
    if (path.size() > longest.size()) longest = path;
    if (IsAnchor(path.back(), anchors_)) {
      paths.push_back(path);
      return;
    }
    if (path.size() == kMaxChainCertificates) return;
    for (const Certificate& issuer : others_) {
      if (steps_ == kMaxSteps) return;
      const bool used = std::find(path.begin(), path.end(), issuer) != path.end();
      if (used || !path.back().HasIssuerName(issuer)) continue;
      ++steps_;
      if (!path.back().IsSignedBy(issuer)) continue;
      path.push_back(issuer);
      Extend(path);
      path.pop_back();
    }
  }

  std::span<const Certificate> others_;
  std::span<const TrustAnchor> anchors_;
  int steps_ = 0;
};

void Report(Problems& problems, std::string code, const Certificate& certificate, std::string message) {
  problems.push_back({std::move(code), certificate.subject(), std::move(message)});
}

void CheckDates(const Certificate& certificate, base::Time at, Problems& problems) {
  if (at < certificate.not_before()) {
    Report(
        problems, "not-yet-valid", certificate,
        "valid from " + base::FormatTime(certificate.not_before()) + ", judged at " + base::FormatTime(at));
  }
  if (at > certificate.not_after()) {
    Report(
        problems, "expired", certificate,
        "valid until " + base::FormatTime(certificate.not_after()) + ", judged at " + base::FormatTime(at));
  }
}

// RFC 5280 section 6.1.4 (k) to (n), for the certificate that issued path[index - 1].
void CheckIssuer(const Path& path, std::size_t index, Problems& problems) {
  const Certificate& issuer = path[index];
  if (!issuer.is_ca()) Report(problems, "bad-chain", issuer, "signed a certificate and is not a CA");
  if (!issuer.key_usage().cert_sign) {
    Report(problems, "bad-chain", issuer, "signed a certificate and its key usage does not allow that");
  }
  // Section 4.2.1.9: the length counts the intermediates below that are not self-issued.
  const auto below = std::count_if(path.begin() + 1, path.begin() + static_cast<std::ptrdiff_t>(index),
                                   [](const Certificate& one) { return !one.IsSelfIssued(); });
  const std::optional<int> allowed = issuer.path_length();
  if (allowed && below > *allowed) {
    Report(problems, "bad-chain", issuer,
           "allows " + std::to_string(*allowed) + " CAs below it, the path has " + std::to_string(below));
  }
}

void CheckRevocation(const Certificate& certificate, const Certificate& issuer, const ChainOptions& options,
                     Problems& problems) {
  bool found = false;
  Problems crl_problems;
  for (const Crl& crl : options.crls) {
    if (!crl.HasIssuerName(issuer)) continue;
    Problems wrong = CheckCrl(crl, issuer, options.at);
    const bool genuine = std::none_of(wrong.begin(), wrong.end(), [](const ChainProblem& problem) {
      return problem.code == "crl-bad-signature";
    });
    // An entry of an old list still counts: revocation is not taken back.
    if (genuine && crl.IsRevoked(certificate.serial())) {
      Report(problems, "revoked", certificate, "stands in the revocation list of " + issuer.subject());
    }
    found = found || wrong.empty();
    crl_problems.insert(crl_problems.end(), wrong.begin(), wrong.end());
  }
  if (found) return;
  if (!crl_problems.empty()) {
    problems.insert(problems.end(), crl_problems.begin(), crl_problems.end());
  } else if (options.crl_use == CrlUse::kRequired) {
    Report(problems, "crl-missing", certificate, "no revocation list of " + issuer.subject() + " is there");
  }
}

Problems CheckPath(const Path& path, const ChainOptions& options) {
  Problems problems;
  for (std::size_t i = 0; i < path.size(); ++i) {
    CheckDates(path[i], options.at, problems);
    if (path[i].HasUnknownCriticalExtension()) {
      Report(problems, "bad-chain", path[i], "has a critical extension that is not understood");
    }
    if (i > 0) CheckIssuer(path, i, problems);
    if (i + 1 < path.size()) CheckRevocation(path[i], path[i + 1], options, problems);
  }
  return problems;
}

// Why the longest path went no further.
ChainProblem WhyNoAnchor(const Path& path, std::span<const Certificate> others) {
  const Certificate& last = path.back();
  if (path.size() == kMaxChainCertificates) {
    return {"bad-chain", last.subject(),
            "the path is longer than " + std::to_string(kMaxChainCertificates) + " certificates"};
  }
  if (last.IsSelfIssued() && last.IsSignedBy(last)) {
    return {"wrong-root", last.subject(),
            "the path ends in a root whose key is not the pinned one (SPKI SHA-256 differs)"};
  }
  for (const Certificate& other : others) {
    if (last.HasIssuerName(other) && !last.IsSignedBy(other)) {
      return {"bad-signature", last.subject(), "not signed by the key of " + other.subject()};
    }
  }
  return {"bad-chain", last.subject(), "its issuer " + last.issuer() + " is not among the certificates"};
}

}  // namespace

std::vector<ChainProblem> CheckCrl(const Crl& crl, const Certificate& issuer, base::Time at) {
  Problems problems;
  const std::string whose = "CRL of " + crl.issuer();
  if (!crl.HasIssuerName(issuer) || !crl.IsSignedBy(issuer.public_key()) || !issuer.key_usage().crl_sign) {
    problems.push_back({"crl-bad-signature", whose, "not signed by " + issuer.subject()});
  }
  if (at < crl.this_update()) {
    problems.push_back(
        {"crl-not-yet-valid", whose,
         "valid from " + base::FormatTime(crl.this_update()) + ", judged at " + base::FormatTime(at)});
  }
  if (at > crl.next_update()) {
    problems.push_back(
        {"crl-expired", whose,
         "valid until " + base::FormatTime(crl.next_update()) + ", judged at " + base::FormatTime(at)});
  }
  return problems;
}

ChainResult VerifyChain(const Certificate& leaf, std::span<const Certificate> others,
                        std::span<const TrustAnchor> anchors, const ChainOptions& options) {
  if (others.size() > kMaxChainCertificates) {
    return {{leaf},
            {{"bad-chain", leaf.subject(),
              std::to_string(others.size()) + " certificates came along, at most " +
                  std::to_string(kMaxChainCertificates) + " are read"}}};
  }
  PathFinder finder(others, anchors);
  finder.Search(leaf);
  if (finder.paths.empty()) {
    ChainResult result{finder.longest, CheckPath(finder.longest, options)};
    result.problems.push_back(WhyNoAnchor(finder.longest, others));
    return result;
  }
  std::optional<ChainResult> best;
  for (Path& path : finder.paths) {
    Problems problems = CheckPath(path, options);
    if (!best || problems.size() < best->problems.size()) {
      best = ChainResult{std::move(path), std::move(problems)};
    }
  }
  return std::move(*best);
}

}  // namespace blindai::crypto
