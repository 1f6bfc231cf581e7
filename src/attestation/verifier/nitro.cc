#include "attestation/verifier/nitro.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "attestation/verifier/chain_findings.h"
#include "crypto/certificate.h"
#include "crypto/cose_sign1.h"
#include "encoding/hex.h"

namespace blindai::verifier {
namespace {

using crypto::Certificate;
using evidence::NitroDocument;

constexpr AnchorRole kRoles[] = {AnchorRole::kAwsNitro};
// PCR 0: the image; 1: kernel and first ramdisk; 2: the application. A production enclave has all three.
constexpr int kMeasuredPcrs = 3;
// How far the clocks of the enclave and of this machine may differ.
constexpr std::chrono::seconds kClockSkew{300};

struct NitroCertificates {
  Certificate leaf;
  std::vector<Certificate> bundle;  // root first
};

// Step 1.
std::optional<NitroCertificates> ReadNitroCertificates(const NitroDocument& document, FindingList& findings) {
  const auto wrong = [&findings](const base::Error& error) {
    findings.Fail("malformed", "Nitro certificates", error.message, "certificates in DER",
                  "the document was altered on its way");
    return std::nullopt;
  };
  auto leaf = Certificate::FromDer(document.certificate);
  if (!leaf.ok()) return wrong(leaf.error());
  NitroCertificates certificates{std::move(leaf).value(), {}};
  for (const base::Bytes& der : document.cabundle) {
    auto certificate = Certificate::FromDer(der);
    if (!certificate.ok()) return wrong(certificate.error());
    certificates.bundle.push_back(std::move(certificate).value());
  }
  findings.Pass("Nitro certificates",
                fmt::format("{} and a bundle of {}", certificates.leaf.subject_common_name(),
                            certificates.bundle.size()));
  return certificates;
}

// Steps 2 and 3. AWS sends the root first; a document that starts with another one is not AWS's.
void CheckNitroChain(const NitroCertificates& certificates, const TrustAnchors& anchors, base::Time now,
                     FindingList& findings) {
  const bool root_first = CheckTrustAnchor(findings, anchors, AnchorRole::kAwsNitro,
                                           certificates.bundle.front().public_key().SpkiSha256());
  if (!root_first) return;
  ChainCheck how;
  how.check = "Nitro chain";
  how.roles = kRoles;
  how.now = now;
  (void)CheckChain(findings, anchors, certificates.leaf, certificates.bundle, how);
}

// Step 4.
void CheckLeafUse(const Certificate& leaf, FindingList& findings) {
  const bool fits = leaf.public_key().kind() == crypto::KeyKind::kP384 &&
                    leaf.key_usage().digital_signature && !leaf.is_ca();
  findings.Check(
      "bad-chain", "Nitro certificate use", fits,
      fmt::format("digitalSignature: {}, CA: {}", leaf.key_usage().digital_signature, leaf.is_ca()),
      "a P-384 key for signatures that is no CA");
}

// Step 5.
void CheckDocumentSignature(const NitroDocument& document, const Certificate& leaf, FindingList& findings) {
  crypto::CoseSign1 message;
  message.protected_header = document.protected_header;
  message.payload = document.payload;
  message.signature = document.signature;
  message.algorithm = crypto::CoseAlgorithm::kEs384;
  findings.Check("bad-signature", "Nitro signature", crypto::VerifyCoseSign1(message, leaf.public_key()),
                 fmt::format("ES384 over {} bytes", document.payload.size()),
                 "a signature of the document's certificate", "the document was altered");
}

// Step 6. Milliseconds beyond what a date can be are read as the far future, which is refused.
base::Time TimeOf(std::uint64_t milliseconds) {
  constexpr std::uint64_t kFarFuture = 253402300799;  // 9999-12-31T23:59:59Z
  return base::Time(std::chrono::seconds(std::min(milliseconds / 1000, kFarFuture)));
}
void CheckTimestamp(base::Time made_at, const Certificate& leaf, base::Time now, FindingList& findings) {
  const bool plausible =
      made_at >= leaf.not_before() && made_at <= leaf.not_after() && made_at <= now + kClockSkew;
  findings.Check(
      "not-yet-valid", "Nitro timestamp", plausible, base::FormatTime(made_at),
      fmt::format("from {} and not after {}", base::FormatTime(leaf.not_before()), base::FormatTime(now)),
      "check the clock of this machine");
}

std::string PcrText(const NitroDocument& document, int index) {
  const auto found = document.pcrs.find(index);
  return found == document.pcrs.end() ? "missing" : encoding::HexEncode(found->second.view());
}

bool IsZeroOrMissing(const NitroDocument& document, int index) {
  const auto found = document.pcrs.find(index);
  return found == document.pcrs.end() || found->second.is_zero();
}

// ---- appraisal ----

void CheckNitroDebug(const NitroFacts& facts, FindingList& findings) {
  std::string zero;
  for (int index = 0; index < kMeasuredPcrs; ++index) {
    if (IsZeroOrMissing(facts.document, index))
      zero += fmt::format("{}PCR {}", zero.empty() ? "" : ", ", index);
  }
  findings.Check(
      "debug", "Nitro debug", zero.empty(), zero.empty() ? "off" : zero + " zero or missing", "off",
      "start the enclave without --debug-mode: its parent can read its console and it has no measurement");
}

void CheckPcrs(const NitroFacts& facts, const policy::NitroRules& rules, FindingList& findings) {
  bool measured = false;
  for (const auto& [index, accepted] : rules.pcr) {
    measured = measured || (index < kMeasuredPcrs && !accepted.empty());
    const auto seen = facts.document.pcrs.find(index);
    // A reference value of zero would accept what was never measured.
    const bool fits = seen != facts.document.pcrs.end() && !seen->second.is_zero() &&
                      std::find(accepted.begin(), accepted.end(), seen->second) != accepted.end();
    std::string wanted = "nothing: the policy lists none";
    if (!accepted.empty()) {
      wanted = encoding::HexEncode(accepted.front().view());
      if (accepted.size() > 1) wanted += fmt::format(" or one of {} more", accepted.size() - 1);
    }
    findings.Check("pcr", fmt::format("Nitro PCR {}", index), fits, PcrText(facts.document, index), wanted,
                   "another image runs there than the policy accepts");
  }
  findings.Check("pcr", "Nitro measurement", measured,
                 fmt::format("{} registers in the policy", rules.pcr.size()),
                 "a policy with a value for PCR 0, 1 or 2");
}

void CheckAge(const NitroFacts& facts, const policy::NitroRules& rules, FindingList& findings) {
  const auto age = facts.judged_at - facts.made_at;
  findings.Check("document-age", "Nitro document age", age <= std::chrono::seconds(rules.maximum_age_s),
                 fmt::format("{} s", age.count()), fmt::format("at most {} s", rules.maximum_age_s),
                 "ask again: an old document says nothing about now");
}

}  // namespace

std::optional<NitroFacts> AuthenticateNitro(const NitroDocument& document, const endorsements::Endorsements&,
                                            const TrustAnchors& anchors, base::Time now,
                                            FindingList& findings) {
  findings.Require({"Nitro certificates", "trust anchor", "Nitro chain", "Nitro certificate use",
                    "Nitro signature", "Nitro timestamp"});
  const std::size_t failures = findings.failures();
  // 1.
  const auto certificates = ReadNitroCertificates(document, findings);
  if (!certificates) return std::nullopt;
  // 2. and 3.
  CheckNitroChain(*certificates, anchors, now, findings);
  // 4.
  CheckLeafUse(certificates->leaf, findings);
  // 5.
  CheckDocumentSignature(document, certificates->leaf, findings);
  // 6.
  const NitroFacts facts{document, TimeOf(document.timestamp_ms), now};
  CheckTimestamp(facts.made_at, certificates->leaf, now, findings);
  if (findings.failures() != failures) return std::nullopt;
  return facts;
}

Claims DescribeFacts(const NitroFacts& facts) {
  const NitroDocument& document = facts.document;
  Claims claims = {{"hardware", "AWS Nitro enclave"},
                   {"module_id", Printable(document.module_id)},
                   {"made_at", base::FormatTime(facts.made_at)}};
  for (const auto& [index, pcr] : document.pcrs) {
    if (!pcr.is_zero()) claims.emplace_back(fmt::format("pcr{}", index), encoding::HexEncode(pcr.view()));
  }
  if (document.user_data) claims.emplace_back("user_data", encoding::HexEncode(*document.user_data));
  if (document.nonce) claims.emplace_back("nonce", encoding::HexEncode(*document.nonce));
  if (document.public_key) claims.emplace_back("public_key", encoding::HexEncode(*document.public_key));
  return claims;
}

base::ByteView BoundData(const NitroFacts& facts) {
  return facts.document.user_data ? base::ByteView(*facts.document.user_data) : base::ByteView();
}

base::ByteView NonceData(const NitroFacts& facts) {
  return facts.document.nonce ? base::ByteView(*facts.document.nonce) : base::ByteView();
}

void AppraiseNitro(const NitroFacts& facts, const policy::NitroRules& rules, FindingList& findings) {
  findings.Require({"Nitro debug", "Nitro measurement", "Nitro document age"});
  CheckNitroDebug(facts, findings);
  CheckPcrs(facts, rules, findings);
  CheckAge(facts, rules, findings);
}

void AppraiseWithoutPolicy(const NitroFacts& facts, FindingList& findings) {
  CheckNitroDebug(facts, findings);
}

}  // namespace blindai::verifier
