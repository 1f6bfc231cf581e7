// How the fuzz targets of the verifier read an input: a time, then parts, each a number, a size and that many bytes.
//
//   u64 seconds | (u8 part | u32 size | bytes)*       little-endian
//   part 0: the evidence   1: a root to trust (DER)   2 and up: kParts, an endorsement of that name
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/evidence_bundle.h"
#include "attestation/verifier/appraise.h"
#include "attestation/verifier/trust_anchors.h"
#include "base/byte_reader.h"
#include "base/check.h"
#include "crypto/certificate.h"

namespace blindai::fuzz {

inline constexpr std::array<std::string_view, 8> kParts = {
    "leaf", "chain", "crl", "ak", "ak-chain", "event-log", "hardware-report", "td-quote"};

struct BundleInput {
  evidence::EvidenceBundle bundle;
  verifier::TrustAnchors anchors = verifier::TrustAnchors::Production();
  base::Time now;
};

inline std::optional<BundleInput> ReadBundleInput(evidence::TeeKind tee, base::ByteView bytes) {
  BundleInput input;
  input.bundle.tee = tee;
  base::ByteReader reader(bytes);
  const auto seconds = reader.U64("time");
  if (!seconds.ok()) return std::nullopt;
  input.now = base::Time(std::chrono::seconds(*seconds % 253402300800));
  while (!reader.empty()) {
    const auto part = reader.U8("part");
    const auto size = reader.U32("size");
    if (!part.ok() || !size.ok()) return std::nullopt;
    const auto content = reader.Take("content", *size);
    if (!content.ok()) return std::nullopt;
    if (*part == 0) {
      input.bundle.evidence = base::CopyBytes(*content);
    } else if (*part == 1) {
      const auto root = crypto::Certificate::FromDer(*content);
      if (root.ok()) input.anchors.AddExtra("fuzz", root->public_key().SpkiSha256(), root->der());
    } else if (*part - 2u < kParts.size()) {
      input.bundle.endorsements.push_back({std::string(kParts[*part - 2u]), base::CopyBytes(*content)});
    }
  }
  return input;
}

// The whole path from bytes to verdict. The laws: with the makers' roots alone nothing of ours is ever trusted, and a
// verdict of trust has no finding that failed.
inline void JudgeBundleInput(const BundleInput& input, const policy::Policy& policy) {
  verifier::Question question;
  question.policy = &policy;
  question.now = input.now;
  const verifier::Verdict verdict = verifier::JudgeBundle(input.bundle, input.anchors, question);
  if (verdict.trusted()) {
    for (const verifier::Finding& finding : verdict.findings) {
      BLINDAI_CHECK(finding.status != verifier::CheckStatus::kFailed);
    }
    BLINDAI_CHECK(
        !verifier::JudgeBundle(input.bundle, verifier::TrustAnchors::Production(), question).trusted());
  }
  (void)verifier::RenderText(verdict);
  (void)verifier::RenderJson(verdict);
}

}  // namespace blindai::fuzz
