// TPM 2.0 quotes. Who says what:
//
//   somebody who vouches for the attestation key (AK):
//     a. a cloud's CA by a certificate (Google's and Microsoft's roots are pinned; others as extra anchors)
//     b. hardware, by a report that names the key (Azure: verifier/azure.h)
//     c. the caller, who pins the key itself: as an extra anchor, or in the policy
//    └ the AK signs TPMS_ATTEST: "I am a TPM's structure (magic), the nonce was this, the PCRs hash to this"
//       └ the PCR values that came along hash to that
//          └ an event log, if there is one, extends to those PCRs (verifier/event_log.h)
//
// Without a, b or c a quote says only that somebody holds this key. AuthenticateTpm then gives facts all the
// same, since c may stand in the policy; AppraiseTpm refuses (ak-unknown) when it does not.
//
// AuthenticateTpm takes these steps (TPM 2.0 Library, parts 1 and 2; magic and type: evidence/tpm_quote.h):
//   1. the attestation key: from the hardware report, a certificate, or as it came along     ak-unknown,
//   malformed
//   2. who vouches for it; all that name a key name the same one       bad-chain, wrong-root,
//   hardware-report, …
//   3. it is restricted to the TPM's own statements, cannot decrypt, cannot leave the TPM     ak-attributes
//   4. no SHA-1 or SM3, as signature or as bank                                                weak-hash
//   5. it signed the TPMS_ATTEST                                                  bad-signature, no-signature
//   6. there is a nonce                                                                        no-nonce
//   7. the selected PCR values are there and hash to pcrDigest, by the signature's hash        pcr-digest
//   8. the event log is well formed and replays to them                  event-log, replay-mismatch
//
// What it does not say: that memory is confidential. Only hardware under the TPM (over_snp, over_tdx) says
// that.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "attestation/endorsements/endorsements.h"
#include "attestation/endorsements/tpm_certificates.h"
#include "attestation/evidence/tpm_quote.h"
#include "attestation/policy/reference_values.h"
#include "attestation/verifier/azure.h"
#include "attestation/verifier/finding_list.h"
#include "attestation/verifier/trust_anchors.h"
#include "attestation/verifier/verdict.h"
#include "base/clock.h"
#include "crypto/certificate.h"

namespace blindai::verifier {

enum class AkVouch { kNobody, kCertificate, kHardware, kAnchor };

struct TpmFacts {
  evidence::TpmEvidence evidence;
  crypto::Sha256Digest ak_spki_sha256;
  AkVouch vouch = AkVouch::kNobody;
  std::vector<evidence::TpmPcrValue> signed_pcrs;  // only those that the quote covers
  std::optional<endorsements::GceInstance> gce_instance;
  std::optional<HclFacts> hardware;
  bool has_event_log = false;       // it was there, and it replays
  std::optional<bool> secure_boot;  // from the log, or from the hardware's runtime data
};

std::optional<TpmFacts> AuthenticateTpm(const evidence::TpmEvidence& evidence,
                                        const endorsements::Endorsements& endorsements,
                                        const TrustAnchors& anchors, base::Time now, FindingList& findings);

Claims DescribeFacts(const TpmFacts& facts);
// extraData of the quote.
base::ByteView BoundData(const TpmFacts& facts);

// Codes: ak-unknown, pcr, event-log, secure-boot, platform, hardware-report and those of AppraiseSnp.
void AppraiseTpm(const TpmFacts& facts, const policy::TpmRules& rules, FindingList& findings);

// What is said without a policy: whether anybody vouches for the key, and a debug mode of the hardware below
// it.
void AppraiseWithoutPolicy(const TpmFacts& facts, FindingList& findings);

// A certificate of a TPM's key alone: its chain, by the roots that vouch for TPMs.
bool CheckTpmCertificate(FindingList& findings, const TrustAnchors& anchors, const crypto::Certificate& leaf,
                         const std::vector<crypto::Certificate>& others, base::Time now);

}  // namespace blindai::verifier
