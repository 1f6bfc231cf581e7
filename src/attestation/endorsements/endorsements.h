// Endorsements are what a maker says about its hardware (RFC 9334): certificates, revocation lists, TCB
// levels. They travel beside the evidence, usually from the very server that is being judged, so nothing in
// them is trusted: each is signed, and the verifier follows the signatures to a pinned anchor. This type only
// bounds and names them; the typed readings stand in dcap_collateral.h, snp_certificates.h and
// tpm_certificates.h.
//
// Names (lower-case letters, digits, hyphens; also the roles of `blindai verify`):
//   DCAP    tcb-info, tcb-chain, qe-identity, qe-chain, pck-chain, pck-crl, root-crl, crl-chain
//   SNP     leaf (VCEK or VLEK), chain (ASK or ASVK, then ARK), crl
//   TPM     ak (public area or certificate), ak-chain, event-log, hardware-report, td-quote
// A name that a verifier does not know is ignored.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::endorsements {

inline constexpr std::size_t kMaxEndorsements = 24;
inline constexpr std::size_t kMaxEndorsementName = 32;
inline constexpr std::size_t kMaxEndorsementBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxEndorsementsTotalBytes = std::size_t{4} << 20;

// The names above, so that a spelling mistake does not compile.
namespace name {
inline constexpr std::string_view kTcbInfo = "tcb-info";
inline constexpr std::string_view kTcbChain = "tcb-chain";
inline constexpr std::string_view kQeIdentity = "qe-identity";
inline constexpr std::string_view kQeChain = "qe-chain";
inline constexpr std::string_view kPckChain = "pck-chain";
inline constexpr std::string_view kPckCrl = "pck-crl";
inline constexpr std::string_view kRootCrl = "root-crl";
inline constexpr std::string_view kCrlChain = "crl-chain";
inline constexpr std::string_view kLeaf = "leaf";
inline constexpr std::string_view kChain = "chain";
inline constexpr std::string_view kCrl = "crl";
inline constexpr std::string_view kAk = "ak";
inline constexpr std::string_view kAkChain = "ak-chain";
inline constexpr std::string_view kEventLog = "event-log";
inline constexpr std::string_view kHardwareReport = "hardware-report";
inline constexpr std::string_view kTdQuote = "td-quote";
}  // namespace name

class Endorsements {
 public:
  struct Entry {
    std::string name;
    base::Bytes bytes;
  };

  // Codes: endorsement-name (spelling, or a second of the same name), too-large.
  base::Status Add(std::string_view name, base::Bytes bytes);

  // The bytes of a name, or nothing. The view lives as long as this object is not changed.
  std::optional<base::ByteView> Find(std::string_view name) const;

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::size_t total_bytes_ = 0;
};

}  // namespace blindai::endorsements
