#include "attestation/verifier/tpm.h"

#include <fmt/format.h>

#include <algorithm>

#include "attestation/endorsements/certificate_list.h"
#include "attestation/evidence/tpm_event_log.h"
#include "attestation/verifier/chain_findings.h"
#include "attestation/verifier/dcap_appraise.h"
#include "attestation/verifier/event_log.h"
#include "attestation/verifier/tpm_hash.h"
#include "base/byte_writer.h"
#include "encoding/hex.h"
#include "encoding/pem.h"

namespace blindai::verifier {
namespace {

using base::Bytes;
using base::ByteView;
using crypto::Certificate;
using crypto::PublicKey;
using endorsements::Endorsements;
using evidence::TpmAlgorithm;
using evidence::TpmEvidence;
using evidence::TpmPcrValue;
using evidence::TpmPublic;

constexpr AnchorRole kTpmRoles[] = {AnchorRole::kGoogleTpm, AnchorRole::kMicrosoftTpm};

// ---- step 1: the attestation key, as several parties may name it ----

struct AttestationKey {
  std::optional<PublicKey> sent;               // the endorsement `ak`
  std::optional<TpmPublic> area;               // the same, when it came as the TPM's public area
  std::vector<Certificate> certificates;       // `ak-chain`, and `ak` when it is a certificate: leaf first
  std::optional<evidence::HclReport> hcl;      // `hardware-report`
  std::optional<PublicKey> named_by_hardware;  // HCLAkPub

  const PublicKey* chosen() const {
    if (named_by_hardware) return &*named_by_hardware;
    if (!certificates.empty()) return &certificates.front().public_key();
    return sent ? &*sent : nullptr;
  }
};

Bytes PadLeft(ByteView number, std::size_t size) {
  Bytes padded(size > number.size() ? size - number.size() : 0);
  padded.insert(padded.end(), number.begin(), number.end());
  return padded;
}

base::Result<PublicKey> KeyOf(const TpmPublic& area) {
  if (area.type == TpmAlgorithm::kRsa) {
    base::ByteWriter exponent;
    exponent.U32Big(area.exponent);
    return PublicKey::FromRsa(area.modulus, exponent.view());
  }
  const bool p384 = area.curve == evidence::kTpmCurveP384;
  if (!p384 && area.curve != evidence::kTpmCurveP256)
    return base::Malformed("curve: P-256 or P-384 is wanted");
  const std::size_t size = p384 ? 48 : 32;
  Bytes point = PadLeft(area.x, size);
  const Bytes y = PadLeft(area.y, size);
  point.insert(point.end(), y.begin(), y.end());
  return PublicKey::FromEcPoint(p384 ? crypto::KeyKind::kP384 : crypto::KeyKind::kP256, point);
}

// A public area, a key in SPKI, or a certificate; PEM or DER.
base::Status ReadSentKey(ByteView bytes, AttestationKey& key) {
  const bool pem = encoding::LooksLikePem(bytes);
  if (!pem && !bytes.empty() && bytes[0] == 0x00) {
    BLINDAI_TRY(key.area, evidence::ParseTpmPublic(bytes));
    BLINDAI_TRY(key.sent, KeyOf(*key.area));
    return base::Ok();
  }
  if (auto certificates = endorsements::ReadCertificates(bytes); certificates.ok()) {
    key.sent = certificates->front().public_key();
    key.certificates.insert(key.certificates.begin(), certificates->begin(), certificates->end());
    return base::Ok();
  }
  BLINDAI_TRY(key.sent, pem ? PublicKey::FromPem(base::AsText(bytes)) : PublicKey::FromSpkiDer(bytes));
  return base::Ok();
}

base::Status ReadHardwareReport(ByteView bytes, AttestationKey& key) {
  BLINDAI_TRY(key.hcl, evidence::ParseHclReport(bytes));
  const evidence::HclRsaKey& named = key.hcl->runtime.attestation_key;
  BLINDAI_TRY(key.named_by_hardware, PublicKey::FromRsa(named.modulus, named.exponent));
  return base::Ok();
}

base::Status ReadKeyEndorsements(const Endorsements& endorsements, AttestationKey& key) {
  if (const auto chain = endorsements.Find(endorsements::name::kAkChain)) {
    BLINDAI_TRY(key.certificates, endorsements::ReadCertificates(*chain).Within("ak-chain"));
  }
  if (const auto sent = endorsements.Find(endorsements::name::kAk)) {
    BLINDAI_RETURN_IF_ERROR(ReadSentKey(*sent, key).Within("ak"));
  }
  if (const auto report = endorsements.Find(endorsements::name::kHardwareReport)) {
    BLINDAI_RETURN_IF_ERROR(ReadHardwareReport(*report, key).Within("hardware-report"));
  }
  return base::Ok();
}

std::optional<AttestationKey> FindKey(const Endorsements& endorsements, FindingList& findings) {
  AttestationKey key;
  const auto read = ReadKeyEndorsements(endorsements, key);
  if (!read.ok()) {
    findings.Fail("malformed", "TPM attestation key", read.error().message,
                  "a key, certificate or hardware report");
    return std::nullopt;
  }
  if (key.chosen() == nullptr) {
    findings.CannotTell("ak-unknown", "TPM attestation key", "no key came with the quote",
                        "the key and whoever vouches for it", "give `ak`, `ak-chain` or `hardware-report`");
    return std::nullopt;
  }
  findings.Pass("TPM attestation key",
                "SPKI SHA-256 " + encoding::HexEncode(key.chosen()->SpkiSha256().view()));
  return key;
}

// ---- step 2: who vouches ----

bool CheckSameKey(std::string_view code, std::string_view check, const PublicKey& one, const PublicKey& other,
                  std::string_view hint, FindingList& findings) {
  return findings.Check(code, check, one == other, encoding::HexEncode(one.SpkiSha256().view()),
                        encoding::HexEncode(other.SpkiSha256().view()), hint);
}

void VouchByHardware(const AttestationKey& key, const Endorsements& endorsements, const TrustAnchors& anchors,
                     base::Time now, TpmFacts& facts, FindingList& findings) {
  findings.Require({"TPM key named by hardware"});
  facts.hardware = AuthenticateHcl(*key.hcl, endorsements, anchors, now, findings);
  if (!facts.hardware) return;
  findings.Pass("TPM key named by hardware", "HCLAkPub of the runtime data");
  facts.vouch = AkVouch::kHardware;
  facts.secure_boot = facts.hardware->runtime.secure_boot;
  if (key.sent) {
    CheckSameKey("hardware-report", "TPM key sent", *key.sent, *key.named_by_hardware,
                 "another key came along than the hardware report names", findings);
  }
}

void VouchByCertificate(const AttestationKey& key, const TrustAnchors& anchors, base::Time now,
                        TpmFacts& facts, FindingList& findings) {
  const Certificate& leaf = key.certificates.front();
  if (key.sent) {
    CheckSameKey("ak-unknown", "TPM key sent", *key.sent, leaf.public_key(),
                 "the certificate is for another key than the one that came along", findings);
  }
  findings.Check("ak-attributes", "TPM key certificate use",
                 leaf.key_usage().digital_signature && !leaf.is_ca(), leaf.subject(),
                 "a certificate for signatures that is no CA",
                 "this is an endorsement key's certificate, or no key of a TPM");
  if (!CheckTpmCertificate(findings, anchors, leaf, key.certificates, now)) return;
  facts.vouch = AkVouch::kCertificate;
  const auto instance = endorsements::ReadGceInstance(leaf);
  if (instance.ok()) {
    facts.gce_instance = *instance;
  } else {
    findings.Fail("malformed", "TPM key certificate", instance.error().message, "Google's instance info");
  }
}

void FindVoucher(const AttestationKey& key, const Endorsements& endorsements, const TrustAnchors& anchors,
                 base::Time now, TpmFacts& facts, FindingList& findings) {
  facts.ak_spki_sha256 = key.chosen()->SpkiSha256();
  if (key.hcl) {
    VouchByHardware(key, endorsements, anchors, now, facts, findings);
  } else if (!key.certificates.empty()) {
    VouchByCertificate(key, anchors, now, facts, findings);
  } else if (anchors.Find(AnchorRole::kAny, facts.ak_spki_sha256) != nullptr) {
    (void)CheckTrustAnchor(findings, anchors, AnchorRole::kAny, facts.ak_spki_sha256);
    facts.vouch = AkVouch::kAnchor;
  } else {
    findings.NotAsked("TPM key voucher", "nothing that came along vouches for the key; only the policy can");
  }
}

// ---- steps 3 to 6 ----

// The attributes are the sender's words unless a certificate or a pin covers the whole public area; a key
// that says of itself that it is not fit is refused all the same.
void CheckAttributes(const AttestationKey& key, FindingList& findings) {
  if (!key.area) {
    findings.NotAsked("TPM key attributes",
                      "the key came without its public area; whoever vouches has checked it");
    return;
  }
  const evidence::TpmAttributes& has = key.area->attributes;
  const bool fit = has.fixed_tpm() && has.fixed_parent() && has.sensitive_data_origin() && has.restricted() &&
                   has.sign() && !has.decrypt();
  findings.Check("ak-attributes", "TPM key attributes", fit, fmt::format("{:#010x}", has.raw),
                 "fixedTPM, fixedParent, sensitiveDataOrigin, restricted, sign, and not decrypt",
                 "a key without these can sign what no TPM said");
}

bool CheckHashes(const TpmEvidence& evidence, FindingList& findings) {
  std::string banks;
  bool strong = StrongHash(evidence.signature.hash).has_value();
  for (const evidence::TpmPcrSelection& selection : evidence.attest.selections) {
    strong = strong && StrongHash(selection.bank).has_value();
    banks += fmt::format(" {}", evidence::TpmAlgorithmName(selection.bank));
  }
  return findings.Check(
      "weak-hash", "TPM hashes", strong,
      fmt::format("signature {}, banks{}", evidence::TpmAlgorithmName(evidence.signature.hash), banks),
      "SHA-256, SHA-384 or SHA-512", "quote another bank with another hash");
}

bool VerifyQuoteSignature(const TpmEvidence& evidence, const PublicKey& key, crypto::HashAlgorithm hash) {
  const evidence::TpmSignature& signature = evidence.signature;
  switch (signature.scheme) {
    case TpmAlgorithm::kRsaSsa:
      return key.VerifyRsaPkcs1(hash, evidence.attest.raw, signature.rsa);
    case TpmAlgorithm::kRsaPss:
      return key.VerifyRsaPss(hash, evidence.attest.raw, signature.rsa);
    case TpmAlgorithm::kEcdsa:
      break;
    default:
      return false;
  }
  const std::size_t size = key.kind() == crypto::KeyKind::kP384 ? 48 : 32;
  if (signature.r.size() > size || signature.s.size() > size) return false;
  Bytes r_s = PadLeft(signature.r, size);
  const Bytes s = PadLeft(signature.s, size);
  r_s.insert(r_s.end(), s.begin(), s.end());
  return key.VerifyEcdsaRaw(hash, evidence.attest.raw, r_s);
}

void CheckQuoteSignature(const TpmEvidence& evidence, const AttestationKey& key, FindingList& findings) {
  if (evidence.signature.scheme == TpmAlgorithm::kNull) {
    findings.CannotTell("no-signature", "TPM signature", "a TPMS_ATTEST without its signature",
                        "TPMT_SIGNATURE");
    return;
  }
  // A weak hash is a finding of its own; here the signature only has to be there.
  const auto hash = StrongHash(evidence.signature.hash);
  if (!hash) {
    findings.NotAsked("TPM signature", "not looked at: its hash is too weak to prove anything");
    return;
  }
  findings.Check("bad-signature", "TPM signature", VerifyQuoteSignature(evidence, *key.chosen(), *hash),
                 fmt::format("{} with {}", evidence::TpmAlgorithmName(evidence.signature.scheme),
                             evidence::TpmAlgorithmName(evidence.signature.hash)),
                 "a signature of the attestation key", "the quote was altered, or another key signed it");
}

void CheckNoncePresent(const TpmEvidence& evidence, FindingList& findings) {
  findings.Check("no-nonce", "TPM nonce present", !evidence.attest.extra_data.empty(),
                 fmt::format("{} bytes", evidence.attest.extra_data.size()), "at least one byte",
                 "a quote without a nonce can be replayed for ever");
}

// ---- step 7 ----

const TpmPcrValue* FindPcr(const std::vector<TpmPcrValue>& values, TpmAlgorithm bank, unsigned index) {
  const auto found = std::find_if(values.begin(), values.end(), [&](const TpmPcrValue& value) {
    return value.bank == bank && value.index == index;
  });
  return found == values.end() ? nullptr : &*found;
}

// The selections in their order, inside each the index ascending (Part 1, section "Selecting Multiple PCR").
std::optional<std::vector<TpmPcrValue>> SelectedPcrs(const TpmEvidence& evidence, FindingList& findings) {
  std::vector<TpmPcrValue> selected;
  for (const evidence::TpmPcrSelection& selection : evidence.attest.selections) {
    for (unsigned index = 0; index < evidence::kTpmPcrCount; ++index) {
      if (!selection.contains(index)) continue;
      const TpmPcrValue* value = FindPcr(evidence.pcrs, selection.bank, index);
      if (value == nullptr) {
        findings.Fail("pcr-digest", "TPM PCR digest",
                      fmt::format("the value of PCR {} ({}) is missing", index,
                                  evidence::TpmAlgorithmName(selection.bank)),
                      "every PCR that the quote selects");
        return std::nullopt;
      }
      selected.push_back(*value);
    }
  }
  return selected;
}

void CheckPcrDigest(const TpmEvidence& evidence, TpmFacts& facts, FindingList& findings) {
  const auto hash = StrongHash(evidence.signature.hash);
  if (!hash) return;
  auto selected = SelectedPcrs(evidence, findings);
  if (!selected) return;
  Bytes concatenated;
  for (const TpmPcrValue& value : *selected) {
    concatenated.insert(concatenated.end(), value.digest.begin(), value.digest.end());
  }
  const Bytes digest = crypto::Hash(*hash, concatenated);
  const bool good = findings.Check(
      "pcr-digest", "TPM PCR digest", digest == evidence.attest.pcr_digest,
      fmt::format("{} values, {}", selected->size(), encoding::HexEncode(digest)),
      encoding::HexEncode(evidence.attest.pcr_digest), "the PCR values are not those that the TPM signed");
  if (good) facts.signed_pcrs = std::move(*selected);
}

// ---- step 8 ----

RegisterValues SignedRegisters(const TpmFacts& facts, TpmAlgorithm bank) {
  RegisterValues values;
  for (const TpmPcrValue& value : facts.signed_pcrs) {
    if (value.bank == bank) values[value.index] = value.digest;
  }
  return values;
}

void CheckEventLog(const Endorsements& endorsements, TpmFacts& facts, FindingList& findings) {
  const auto bytes = endorsements.Find(endorsements::name::kEventLog);
  if (!bytes) {
    findings.NotAsked("TPM event log", "none came along");
    return;
  }
  const auto log = evidence::ParseTpmEventLog(*bytes);
  if (!log.ok()) {
    findings.Fail("event-log", "TPM event log", log.error().message, "a TCG event log");
    return;
  }
  // Without signed PCRs there is nothing to compare with, and that is a finding already.
  if (facts.signed_pcrs.empty()) return;
  bool good = true;
  std::optional<bool> secure_boot;
  for (const evidence::TpmPcrSelection& selection : facts.evidence.attest.selections) {
    const auto replayed = ReplayLog(*log, selection.bank, LogRegisters::kPcr);
    if (!replayed) {
      findings.Fail("event-log", "TPM event log",
                    fmt::format("no digests of {}", evidence::TpmAlgorithmName(selection.bank)),
                    "digests of every bank that is quoted");
      return;
    }
    const RegisterValues signed_values = SignedRegisters(facts, selection.bank);
    good = CheckReplay(findings, "TPM event log", *replayed, signed_values) && good;
    good = CheckSeparators(findings, "TPM log separators", *log, selection.bank, LogRegisters::kPcr) && good;
    if (signed_values.contains(7)) secure_boot = SecureBootOf(*log, selection.bank, LogRegisters::kPcr);
  }
  facts.has_event_log = good;
  if (good && secure_boot) facts.secure_boot = secure_boot;
}

// ---- appraisal ----

std::string_view VouchText(AkVouch vouch) {
  switch (vouch) {
    case AkVouch::kNobody:
      return "nobody";
    case AkVouch::kCertificate:
      return "a certificate";
    case AkVouch::kHardware:
      return "a hardware report";
    case AkVouch::kAnchor:
      return "the caller, as an anchor";
  }
  return "";
}

void CheckVoucher(const TpmFacts& facts, const policy::TpmRules& rules, FindingList& findings) {
  const bool pinned = std::any_of(rules.ak.begin(), rules.ak.end(),
                                  [&](const auto& pin) { return pin.bytes == facts.ak_spki_sha256.bytes; });
  const bool accepted = rules.ak.empty() ? facts.vouch != AkVouch::kNobody : pinned;
  findings.Check(
      "ak-unknown", "TPM key accepted", accepted,
      fmt::format("key {}, vouched for by {}", encoding::HexEncode(facts.ak_spki_sha256.view()),
                  pinned ? std::string_view("the policy") : VouchText(facts.vouch)),
      rules.ak.empty() ? "a certificate, a hardware report or a pin" : "a key that the policy pins",
      "anybody can make a key and sign PCRs with it");
}

template <typename Reference>
void CheckBank(const TpmFacts& facts, TpmAlgorithm bank, const std::map<int, std::vector<Reference>>& wanted,
               FindingList& findings) {
  for (const auto& [index, accepted] : wanted) {
    const TpmPcrValue* seen =
        index < 0 ? nullptr : FindPcr(facts.signed_pcrs, bank, static_cast<unsigned>(index));
    const bool fits =
        seen != nullptr && std::any_of(accepted.begin(), accepted.end(), [&](const Reference& reference) {
          return std::equal(seen->digest.begin(), seen->digest.end(), reference.bytes.begin(),
                            reference.bytes.end());
        });
    std::string reference = "nothing: the policy lists none";
    if (!accepted.empty()) {
      reference = encoding::HexEncode(accepted.front().view());
      if (accepted.size() > 1) reference += fmt::format(" or one of {} more", accepted.size() - 1);
    }
    findings.Check("pcr", fmt::format("TPM PCR {} {}", index, evidence::TpmAlgorithmName(bank)), fits,
                   seen == nullptr ? "not in the quote" : encoding::HexEncode(seen->digest), reference,
                   "something else was booted than the policy accepts");
  }
}

void CheckPcrs(const TpmFacts& facts, const policy::TpmRules& rules, FindingList& findings) {
  CheckBank(facts, TpmAlgorithm::kSha256, rules.pcr_sha256, findings);
  CheckBank(facts, TpmAlgorithm::kSha384, rules.pcr_sha384, findings);
  const std::size_t named = rules.pcr_sha256.size() + rules.pcr_sha384.size();
  findings.Check("pcr", "TPM measurement", named > 0, fmt::format("{} registers in the policy", named),
                 "a policy that names at least one PCR");
}

void CheckLogRules(const TpmFacts& facts, const policy::TpmRules& rules, FindingList& findings) {
  if (rules.require_event_log) {
    findings.Check("event-log", "TPM event log required", facts.has_event_log,
                   facts.has_event_log ? "there" : "missing", "an event log that replays",
                   "give `event-log`");
  }
  if (rules.require_secure_boot) {
    const std::string_view seen = !facts.secure_boot ? "not known" : *facts.secure_boot ? "on" : "off";
    findings.Check("secure-boot", "TPM secure boot", facts.secure_boot.value_or(false), seen, "on",
                   "secure boot must be on, and PCR 7 with its event log, or a hardware report, must say so");
  }
}

void CheckTpmPlatform(const TpmFacts& facts, const policy::TpmRules& rules, FindingList& findings) {
  if (rules.ek.empty()) {
    findings.NotAsked("TPM platform", facts.gce_instance ? "any machine; " + facts.gce_instance->instance_name
                                                         : std::string("any machine"));
    return;
  }
  // Only credential activation joins an endorsement key with an attestation key, and a single answer cannot
  // do that.
  findings.Fail("platform", "TPM platform", "the endorsement key is not known",
                "an endorsement key that the policy lists", "pin the attestation key (ak) instead");
}

void CheckHardware(const TpmFacts& facts, const policy::TpmRules& rules, FindingList& findings) {
  const bool over_snp = facts.hardware && facts.hardware->snp;
  const bool wanted = rules.over_snp || rules.over_tdx;
  if (!facts.hardware) {
    if (!wanted) {
      findings.NotAsked("TPM hardware",
                        "nothing says that memory is confidential, and the policy does not ask");
      return;
    }
    findings.Fail("hardware-report", "TPM hardware", "no hardware report names the key",
                  "a report of the hardware under the TPM");
    return;
  }
  // The hardware's report counts for what it says: it must meet rules of its own (debug, patch levels).
  const bool named = over_snp ? rules.over_snp.has_value() : rules.over_tdx.has_value();
  findings.Check("hardware-report", "TPM hardware", named, over_snp ? "SEV-SNP" : "TDX",
                 "hardware that the policy names (over_snp or over_tdx)");
  if (!named) return;
  if (over_snp) {
    AppraiseSnp(*facts.hardware->snp, *rules.over_snp, findings);
  } else {
    AppraiseTdx(*facts.hardware->tdx, *rules.over_tdx, findings);
  }
}

}  // namespace

bool CheckTpmCertificate(FindingList& findings, const TrustAnchors& anchors, const Certificate& leaf,
                         const std::vector<Certificate>& others, base::Time now) {
  ChainCheck how;
  how.check = "TPM certificate chain";
  how.roles = kTpmRoles;
  how.now = now;
  return CheckChain(findings, anchors, leaf, others, how).has_value();
}

std::optional<TpmFacts> AuthenticateTpm(const TpmEvidence& evidence, const Endorsements& endorsements,
                                        const TrustAnchors& anchors, base::Time now, FindingList& findings) {
  findings.Require(
      {"TPM attestation key", "TPM hashes", "TPM signature", "TPM nonce present", "TPM PCR digest"});
  const std::size_t failures = findings.failures();
  TpmFacts facts;
  facts.evidence = evidence;
  // 1.
  const auto key = FindKey(endorsements, findings);
  if (key) {
    // 2.
    FindVoucher(*key, endorsements, anchors, now, facts, findings);
    // 3.
    CheckAttributes(*key, findings);
  }
  if (evidence.signature.scheme != TpmAlgorithm::kNull) {
    // 4.
    CheckHashes(evidence, findings);
  }
  if (key || evidence.signature.scheme == TpmAlgorithm::kNull) {
    // 5.
    CheckQuoteSignature(evidence, key.value_or(AttestationKey()), findings);
  }
  // 6.
  CheckNoncePresent(evidence, findings);
  // 7.
  CheckPcrDigest(evidence, facts, findings);
  // 8.
  CheckEventLog(endorsements, facts, findings);
  if (!key || evidence.signature.scheme == TpmAlgorithm::kNull || findings.failures() != failures)
    return std::nullopt;
  if (key->hcl && !facts.hardware) return std::nullopt;
  return facts;
}

Claims DescribeFacts(const TpmFacts& facts) {
  const evidence::TpmAttest& attest = facts.evidence.attest;
  Claims claims = {{"hardware", "TPM 2.0"},
                   {"attestation_key", encoding::HexEncode(facts.ak_spki_sha256.view())},
                   {"vouched_for_by", std::string(VouchText(facts.vouch))},
                   {"nonce", encoding::HexEncode(attest.extra_data)},
                   {"reset_count", std::to_string(attest.reset_count)},
                   {"restart_count", std::to_string(attest.restart_count)},
                   {"clock_ms", std::to_string(attest.clock_ms)},
                   {"clock_safe", attest.clock_safe ? "yes" : "no"},
                   {"firmware_version", fmt::format("{:#x}", attest.firmware_version)}};
  for (const TpmPcrValue& value : facts.signed_pcrs) {
    claims.emplace_back(fmt::format("pcr{}_{}", value.index, evidence::TpmAlgorithmName(value.bank)),
                        encoding::HexEncode(value.digest));
  }
  if (facts.secure_boot) claims.emplace_back("secure_boot", *facts.secure_boot ? "on" : "off");
  if (facts.gce_instance) {
    claims.emplace_back("gce_instance",
                        Printable(fmt::format("{} {} {}", facts.gce_instance->project_id,
                                              facts.gce_instance->zone, facts.gce_instance->instance_name)));
  }
  if (facts.hardware) {
    Claims below =
        facts.hardware->snp ? DescribeFacts(*facts.hardware->snp) : DescribeFacts(*facts.hardware->tdx);
    for (auto& [name, text] : below) claims.emplace_back("under_it_" + name, std::move(text));
  }
  return claims;
}

ByteView BoundData(const TpmFacts& facts) { return facts.evidence.attest.extra_data; }

void AppraiseTpm(const TpmFacts& facts, const policy::TpmRules& rules, FindingList& findings) {
  findings.Require({"TPM key accepted", "TPM measurement"});
  CheckVoucher(facts, rules, findings);
  CheckPcrs(facts, rules, findings);
  CheckLogRules(facts, rules, findings);
  CheckTpmPlatform(facts, rules, findings);
  CheckHardware(facts, rules, findings);
}

void AppraiseWithoutPolicy(const TpmFacts& facts, FindingList& findings) {
  if (facts.vouch == AkVouch::kNobody) {
    findings.CannotTell("ak-unknown", "TPM key accepted", "nothing that came along vouches for the key",
                        "a certificate, a hardware report or a pin",
                        "anybody can make a key and sign PCRs with it");
  }
  if (!facts.hardware) return;
  if (facts.hardware->snp) {
    AppraiseWithoutPolicy(*facts.hardware->snp, findings);
  } else {
    AppraiseDcapWithoutPolicy(*facts.hardware->tdx, findings);
  }
}

}  // namespace blindai::verifier
