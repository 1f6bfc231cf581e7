#include "attestation/verifier/snp.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "attestation/endorsements/certificate_list.h"
#include "attestation/verifier/chain_findings.h"
#include "crypto/crl.h"
#include "encoding/hex.h"

namespace blindai::verifier {
namespace {

using crypto::Certificate;
using endorsements::Endorsements;
using endorsements::SnpLeaf;
using endorsements::SnpLeafKind;
using evidence::SnpProduct;
using evidence::SnpReport;
using evidence::SnpSigningKey;
using evidence::SnpTcb;

constexpr AnchorRole kAllProducts[] = {AnchorRole::kAmdMilan, AnchorRole::kAmdGenoa, AnchorRole::kAmdTurin};

AnchorRole RoleOf(SnpProduct product) {
  switch (product) {
    case SnpProduct::kMilan:
      return AnchorRole::kAmdMilan;
    case SnpProduct::kGenoa:
      return AnchorRole::kAmdGenoa;
    case SnpProduct::kTurin:
      return AnchorRole::kAmdTurin;
  }
  return AnchorRole::kAny;
}

std::string_view KindName(SnpLeafKind kind) { return kind == SnpLeafKind::kVcek ? "VCEK" : "VLEK"; }

std::string_view SigningKeyName(SnpSigningKey key) {
  switch (key) {
    case SnpSigningKey::kVcek:
      return "VCEK";
    case SnpSigningKey::kVlek:
      return "VLEK";
    case SnpSigningKey::kNone:
      return "none";
    case SnpSigningKey::kUnknown:
      return "unknown";
  }
  return "";
}

// The certificates of an endorsement; a finding when it cannot be read.
std::optional<std::vector<Certificate>> ReadRole(const Endorsements& endorsements, std::string_view name,
                                                 std::string_view check, FindingList& findings) {
  const auto bytes = endorsements.Find(name);
  if (!bytes) return std::vector<Certificate>();
  auto certificates = endorsements::ReadCertificates(*bytes);
  if (certificates.ok()) return std::move(certificates).value();
  findings.Fail("bad-certificate", check, certificates.error().message, "certificates in PEM or DER");
  return std::nullopt;
}

std::optional<std::vector<crypto::Crl>> ReadCrls(const Endorsements& endorsements, FindingList& findings) {
  std::vector<crypto::Crl> crls;
  const auto bytes = endorsements.Find(endorsements::name::kCrl);
  if (!bytes) {
    findings.NotAsked("SNP revocation", "no revocation list of AMD's root came along");
    return crls;
  }
  auto crl = crypto::Crl::FromAny(*bytes);
  if (!crl.ok()) {
    findings.Fail("bad-crl", "SNP revocation", crl.error().message, "a revocation list of AMD's root");
    return std::nullopt;
  }
  crls.push_back(std::move(crl).value());
  return crls;
}

// Step 1. The leaf is first in its file; hosts hand out the whole chain in one.
struct SnpCertificates {
  Certificate leaf;
  std::vector<Certificate> others;
};
std::optional<SnpCertificates> FindCertificates(const Endorsements& endorsements, FindingList& findings) {
  auto leaf = ReadRole(endorsements, endorsements::name::kLeaf, "SNP leaf certificate", findings);
  auto chain = ReadRole(endorsements, endorsements::name::kChain, "SNP chain", findings);
  if (!leaf || !chain) return std::nullopt;
  if (leaf->empty()) {
    findings.CannotTell(
        "no-vcek", "SNP leaf certificate", "no VCEK or VLEK certificate came with the report",
        "the certificate of the key that signed the report",
        "the server can get it from its host or from AMD's key service; then give it as `leaf`");
    return std::nullopt;
  }
  SnpCertificates found{leaf->front(), std::move(*chain)};
  found.others.insert(found.others.end(), leaf->begin() + 1, leaf->end());
  // The leaf's file and the chain's often name the same ASK and ARK; a bound of the chain counts each once.
  std::vector<Certificate> unique;
  for (Certificate& certificate : found.others) {
    if (std::find(unique.begin(), unique.end(), certificate) == unique.end())
      unique.push_back(std::move(certificate));
  }
  found.others = std::move(unique);
  return found;
}

std::optional<SnpLeaf> ReadLeaf(const Certificate& certificate, FindingList& findings) {
  auto leaf = endorsements::ReadSnpLeaf(certificate);
  if (!leaf.ok()) {
    findings.Fail("snp-certificate", "SNP leaf certificate", leaf.error().message,
                  "a VCEK or VLEK as AMD issues them");
    return std::nullopt;
  }
  findings.Pass("SNP leaf certificate", fmt::format("{} for {}", KindName(leaf->kind), leaf->product_name));
  return std::move(leaf).value();
}

// Step 2.
std::optional<SnpProduct> FindProduct(const SnpReport& report, const std::optional<SnpLeaf>& leaf,
                                      FindingList& findings) {
  std::optional<SnpProduct> by_cpuid;
  std::string seen;
  if (report.cpuid_family) {
    by_cpuid = evidence::SnpProductFromCpuid(*report.cpuid_family, *report.cpuid_model);
    seen = fmt::format("CPUID family {:#x} model {:#x}", *report.cpuid_family, *report.cpuid_model);
    if (!by_cpuid) {
      findings.Fail("snp-product", "SNP product", seen, "Milan, Genoa, Bergamo, Siena or Turin",
                    "the layout of patch levels is not known for this product; a newer blindai may know it");
      return std::nullopt;
    }
  }
  if (!leaf) return by_cpuid;
  const auto by_name = evidence::SnpProductFromName(leaf->product_name);
  const auto by_issuer = evidence::SnpProductFromName(leaf->issuer_product);
  const auto product = by_cpuid ? by_cpuid : by_name;
  seen += fmt::format("{}certificate {}, issuer {}", seen.empty() ? "" : ", ", leaf->product_name,
                      leaf->issuer_product);
  const bool agree = product && by_name == product && by_issuer == product;
  findings.Check("snp-product", "SNP product", agree, seen, "one product that all of them name");
  return agree ? product : std::nullopt;
}

// Step 3.
void CheckSigningKey(const SnpReport& report, const std::optional<SnpLeaf>& leaf, FindingList& findings) {
  const bool known = report.signing_key == SnpSigningKey::kVcek || report.signing_key == SnpSigningKey::kVlek;
  findings.Check("unsigned", "SNP signing key", known, SigningKeyName(report.signing_key), "VCEK or VLEK",
                 "firmware that has no key for signing makes such reports; they prove nothing");
  if (!known || !leaf) return;
  const bool fits = (report.signing_key == SnpSigningKey::kVcek) == (leaf->kind == SnpLeafKind::kVcek);
  findings.Check("wrong-leaf", "SNP key kind", fits,
                 fmt::format("report names {}, certificate is {}", SigningKeyName(report.signing_key),
                             KindName(leaf->kind)),
                 "the certificate of the key that the report names");
}

// A list of another issuer says nothing about this chain, and no accident puts it there.
bool CheckListOfRoot(const std::vector<crypto::Crl>& crls, const Certificate& root, FindingList& findings) {
  if (crls.empty()) return false;
  const crypto::Crl& crl = crls.front();
  return findings.Check("crl-missing", "SNP revocation", crl.HasIssuerName(root),
                        "list of " + crl.issuer_common_name() + " of " + base::FormatTime(crl.this_update()),
                        "a list of " + root.subject_common_name(),
                        "a list of another product's root was given");
}

// Step 4. Whether a revocation list was there and obeyed.
bool CheckSnpChain(const SnpCertificates& certificates, std::optional<SnpProduct> product,
                   const Endorsements& endorsements, const TrustAnchors& anchors, base::Time now,
                   FindingList& findings) {
  const auto crls = ReadCrls(endorsements, findings);
  if (!crls) return false;
  const AnchorRole of_product[] = {product ? RoleOf(*product) : AnchorRole::kAny};
  ChainCheck how;
  how.check = "SNP chain";
  how.roles = product ? std::span<const AnchorRole>(of_product) : std::span<const AnchorRole>(kAllProducts);
  how.crls = *crls;
  how.now = now;
  if (certificates.others.empty()) {
    findings.CannotTell("no-chain", "SNP chain", "the certificate of AMD's intermediate did not come along",
                        "ASK or ASVK, and ARK",
                        "the server can get them from its host or from AMD's key service");
    return false;
  }
  const auto path = CheckChain(findings, anchors, certificates.leaf, certificates.others, how);
  return path && CheckListOfRoot(*crls, path->back(), findings);
}

// Step 5.
void CheckRequester(const SnpReport& report, FindingList& findings) {
  findings.Check("vmpl", "SNP requester", report.vmpl <= 3,
                 report.vmpl == evidence::kSnpVmplHost ? "the host" : fmt::format("VMPL {}", report.vmpl),
                 "the guest, VMPL 0 to 3",
                 "the host asked for this report: it says nothing about who runs inside");
}

// Step 6. REPORTED_TCB is what the key was derived from; CURRENT_TCB may differ.
void CheckLevels(const SnpTcb& reported, const SnpLeaf& leaf, FindingList& findings) {
  const SnpTcb certified{leaf.fmc_spl, leaf.boot_loader_spl, leaf.tee_spl, leaf.snp_spl, leaf.microcode_spl};
  findings.Check("leaf-tcb", "SNP patch levels", reported == certified, evidence::FormatSnpTcb(reported),
                 evidence::FormatSnpTcb(certified),
                 "the certificate is for other patch levels: get the one for the report's REPORTED_TCB");
}

// Step 7.
void CheckChip(const SnpReport& report, const SnpLeaf& leaf, FindingList& findings) {
  if (leaf.kind == SnpLeafKind::kVlek) {
    findings.NotAsked("SNP chip", "a VLEK belongs to the cloud " + leaf.csp_id + ", not to a chip");
    return;
  }
  if (report.chip_id.is_zero()) {
    findings.NotAsked("SNP chip", "CHIP_ID is masked: the certificate cannot be compared with the chip");
    return;
  }
  evidence::ChipId certified;
  std::copy(leaf.hw_id.begin(), leaf.hw_id.end(), certified.bytes.begin());
  findings.Check("leaf-chip", "SNP chip", certified == report.chip_id,
                 encoding::HexEncode(report.chip_id.view()), encoding::HexEncode(leaf.hw_id),
                 "the certificate is another chip's");
}

// Step 8.
void CheckSignature(const SnpReport& report, const Certificate& leaf, FindingList& findings) {
  base::Bytes signature = base::CopyBytes(report.signature_r.view());
  signature.insert(signature.end(), report.signature_s.bytes.begin(), report.signature_s.bytes.end());
  findings.Check(
      "bad-signature", "SNP signature",
      leaf.public_key().VerifyEcdsaRaw(crypto::HashAlgorithm::kSha384, report.signed_bytes(), signature),
      "ECDSA P-384 over 672 bytes", "a signature of the leaf's key",
      "the report was altered, or the certificate is not that of the key that signed it");
}

std::optional<SnpTcb> DecodeTcb(const evidence::SnpRawTcb& raw, SnpProduct product, std::string_view field,
                                FindingList& findings) {
  auto tcb = raw.Decode(product);
  if (tcb.ok()) return *tcb;
  findings.Fail("malformed", "SNP patch levels", fmt::format("{}: {}", field, tcb.error().message),
                "a TCB_VERSION of this product");
  return std::nullopt;
}

bool DecodeLevels(SnpFacts& facts, FindingList& findings) {
  const auto current = DecodeTcb(facts.report.current_tcb, facts.product, "CURRENT_TCB", findings);
  const auto reported = DecodeTcb(facts.report.reported_tcb, facts.product, "REPORTED_TCB", findings);
  const auto committed = DecodeTcb(facts.report.committed_tcb, facts.product, "COMMITTED_TCB", findings);
  const auto launch = DecodeTcb(facts.report.launch_tcb, facts.product, "LAUNCH_TCB", findings);
  if (!current || !reported || !committed || !launch) return false;
  facts.current_tcb = *current;
  facts.reported_tcb = *reported;
  facts.committed_tcb = *committed;
  facts.launch_tcb = *launch;
  return true;
}

// ---- appraisal ----

template <typename Fixed>
std::string Hex(const Fixed& value) {
  return encoding::HexEncode(value.view());
}

template <typename Fixed>
bool Contains(const std::vector<Fixed>& list, const Fixed& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

template <typename Fixed>
std::string HexList(const std::vector<Fixed>& list) {
  if (list.empty()) return "nothing: the policy lists none";
  std::string text = Hex(list.front());
  if (list.size() > 1) text += fmt::format(" or one of {} more", list.size() - 1);
  return text;
}

// A value from a list that the policy may leave out.
template <typename Fixed>
void CheckListed(std::string_view code, std::string_view check, const std::vector<Fixed>& list,
                 const Fixed& seen, FindingList& findings) {
  if (list.empty()) {
    findings.NotAsked(check, Hex(seen));
  } else {
    findings.Check(code, check, Contains(list, seen), Hex(seen), HexList(list));
  }
}

std::string_view YesNo(bool value) { return value ? "yes" : "no"; }

void CheckMeasurement(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  const auto& seen = facts.report.measurement;
  findings.Check("measurement", "SNP measurement", Contains(rules.measurement, seen), Hex(seen),
                 HexList(rules.measurement), "another image runs there than the policy accepts");
}

void CheckDebug(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  findings.Check("debug", "SNP debug", rules.allow_debug || !facts.report.policy.debug,
                 facts.report.policy.debug ? "the host may read and write the guest's memory" : "off", "off",
                 "launch the guest without POLICY bit 19");
}

void CheckVmpl(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  findings.Check(
      "vmpl", "SNP VMPL", facts.report.vmpl <= rules.vmpl_maximum, std::to_string(facts.report.vmpl),
      fmt::format("at most {}", rules.vmpl_maximum),
      "something more privileged runs below the one that asked (paravisor, SVSM); the policy must say so");
}

void CheckPolicyBits(const SnpFacts& facts, const policy::SnpRules&, FindingList& findings) {
  const evidence::SnpPolicy& policy = facts.report.policy;
  findings.Check("policy-bits", "SNP policy bits", policy.reserved_one && policy.unknown_bits == 0,
                 fmt::format("{:#x}", policy.raw), "bit 17 set and no bit above 25",
                 "a bit that this version does not know may permit anything");
}

void CheckMigration(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  const bool agent = facts.report.has_migration_agent();
  findings.Check(
      "migration", "SNP migration agent",
      rules.allow_migration || (!facts.report.policy.migration_agent_allowed && !agent),
      fmt::format("allowed: {}, bound: {}", YesNo(facts.report.policy.migration_agent_allowed), YesNo(agent)),
      "not allowed and not bound", "a migration agent can read the guest");
}

void CheckSmt(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  const bool on = facts.report.platform_info.smt_enabled;
  findings.Check("smt", "SNP SMT", !on || (rules.allow_smt && facts.report.policy.smt_allowed),
                 fmt::format("on: {}, guest allows: {}", YesNo(on), YesNo(facts.report.policy.smt_allowed)),
                 rules.allow_smt ? "off, or allowed by the guest" : "off");
}

void CheckSingleSocket(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  findings.Check("single-socket", "SNP single socket",
                 !rules.require_single_socket || facts.report.policy.single_socket,
                 YesNo(facts.report.policy.single_socket), rules.require_single_socket ? "yes" : "any");
}

void CheckAbi(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  const evidence::SnpPolicy& policy = facts.report.policy;
  const bool enough = std::pair(policy.abi_major, policy.abi_minor) >=
                      std::pair(rules.abi_major_minimum, rules.abi_minor_minimum);
  findings.Check("abi-version", "SNP ABI version", enough,
                 fmt::format("{}.{}", policy.abi_major, policy.abi_minor),
                 fmt::format("at least {}.{}", rules.abi_major_minimum, rules.abi_minor_minimum));
}

// The three levels that the platform cannot take back, each against the policy's, part by part.
void CheckTcb(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  const auto minimum = rules.minimum_tcb.find(facts.product);
  const bool accepted = minimum != rules.minimum_tcb.end();
  findings.Check("product", "SNP product accepted", accepted, evidence::SnpProductName(facts.product),
                 "a product that the policy names");
  if (!accepted) return;
  const std::array<std::pair<std::string_view, const SnpTcb*>, 3> levels = {
      {{"REPORTED", &facts.reported_tcb},
       {"COMMITTED", &facts.committed_tcb},
       {"LAUNCH", &facts.launch_tcb}}};
  for (const auto& [name, tcb] : levels) {
    findings.Check("tcb-out-of-date", fmt::format("SNP {} TCB", name), tcb->Covers(minimum->second),
                   evidence::FormatSnpTcb(*tcb), "at least " + evidence::FormatSnpTcb(minimum->second),
                   "the platform lacks a fix that the policy demands: its firmware must be updated");
  }
}

// CURRENT may be ahead of COMMITTED while firmware is on trial; it may never be behind.
void CheckProvisional(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  const bool same = facts.current_tcb == facts.committed_tcb;
  const bool ahead = facts.current_tcb.Covers(facts.committed_tcb);
  findings.Check("provisional-firmware", "SNP firmware committed",
                 same || (ahead && rules.allow_provisional_firmware),
                 "CURRENT " + evidence::FormatSnpTcb(facts.current_tcb),
                 (rules.allow_provisional_firmware ? "at least COMMITTED " : "exactly COMMITTED ") +
                     evidence::FormatSnpTcb(facts.committed_tcb));
}

void CheckGuestSvn(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  findings.Check("guest-svn", "SNP guest SVN", facts.report.guest_svn >= rules.guest_svn_minimum,
                 std::to_string(facts.report.guest_svn), fmt::format("at least {}", rules.guest_svn_minimum));
}

void CheckHostData(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  const auto& seen = facts.report.host_data;
  const bool accepted = rules.host_data.empty() ? seen.is_zero() : Contains(rules.host_data, seen);
  findings.Check("host-data", "SNP host data", accepted, Hex(seen),
                 rules.host_data.empty() ? "zero" : HexList(rules.host_data));
}

void CheckIds(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  const SnpReport& report = facts.report;
  if (rules.family_id) {
    findings.Check("family-id", "SNP family id", *rules.family_id == report.family_id, Hex(report.family_id),
                   Hex(*rules.family_id));
  }
  if (rules.image_id) {
    findings.Check("image-id", "SNP image id", *rules.image_id == report.image_id, Hex(report.image_id),
                   Hex(*rules.image_id));
  }
  CheckListed("id-key", "SNP ID key", rules.id_key_digest, report.id_key_digest, findings);
  if (rules.author_key_digest.empty()) {
    findings.NotAsked("SNP author key", Hex(report.author_key_digest));
  } else {
    // Without AUTHOR_KEY_EN the digest was not checked by the firmware.
    findings.Check(
        "author-key", "SNP author key",
        report.author_key_enabled && Contains(rules.author_key_digest, report.author_key_digest),
        fmt::format("{}, in use: {}", Hex(report.author_key_digest), YesNo(report.author_key_enabled)),
        HexList(rules.author_key_digest));
  }
}

void CheckPlatformInfo(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  const evidence::SnpPlatformInfo& info = facts.report.platform_info;
  findings.Check("alias-check", "SNP alias check", !rules.require_alias_check || info.alias_check_complete,
                 info.alias_check_complete ? "complete" : "not made",
                 rules.require_alias_check ? "complete" : "any",
                 "memory modules may lie about their size (BadRAM); firmware that checks is needed");
  findings.Check("ciphertext-hiding", "SNP ciphertext hiding",
                 !rules.require_ciphertext_hiding || info.ciphertext_hiding, YesNo(info.ciphertext_hiding),
                 rules.require_ciphertext_hiding ? "yes" : "any");
  const std::uint64_t have = facts.report.current_mitigations.value_or(0);
  findings.Check(
      "mitigations", "SNP mitigations", (have & rules.mitigations_required) == rules.mitigations_required,
      facts.report.current_mitigations ? fmt::format("{:#x}", have) : "not in this report's version",
      fmt::format("all bits of {:#x}", rules.mitigations_required));
}

void CheckRevocationList(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  if (!rules.require_revocation_list) return;
  findings.Check("crl-missing", "SNP revocation list", facts.revocation_checked,
                 facts.revocation_checked ? "obeyed" : "missing", "a list of AMD's root, given as `crl`",
                 "without it a revoked certificate of AMD's goes unseen; let the server send it");
}

void CheckPlatform(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  if (facts.leaf.kind == SnpLeafKind::kVlek) {
    findings.Check("vlek", "SNP key owner", rules.allow_vlek, "VLEK of " + facts.leaf.csp_id,
                   "VCEK, a key of the chip",
                   "the cloud holds this key and vouches for its machines; the policy must allow that");
    if (!rules.csp_id.empty()) {
      findings.Check("platform", "SNP platform", Contains(rules.csp_id, facts.leaf.csp_id), facts.leaf.csp_id,
                     "a cloud that the policy lists");
    }
  }
  const bool masked = facts.report.chip_id.is_zero();
  if (masked && facts.leaf.kind == SnpLeafKind::kVcek) {
    findings.Check("masked-chip-id", "SNP chip id", rules.allow_masked_chip_id, "masked", "a chip id");
  }
  if (rules.chip_id.empty()) {
    findings.NotAsked("SNP platform", "any machine; chip " + Hex(facts.report.chip_id));
  } else {
    findings.Check("platform", "SNP platform", !masked && Contains(rules.chip_id, facts.report.chip_id),
                   Hex(facts.report.chip_id), "a chip that the policy lists");
  }
}

}  // namespace

std::optional<SnpFacts> AuthenticateSnp(const SnpReport& report, const Endorsements& endorsements,
                                        const TrustAnchors& anchors, base::Time now, FindingList& findings) {
  findings.Require({"SNP leaf certificate", "SNP product", "SNP signing key", "SNP key kind", "SNP chain",
                    "trust anchor", "SNP requester", "SNP patch levels", "SNP signature"});
  const std::size_t failures = findings.failures();
  // 1.
  const auto certificates = FindCertificates(endorsements, findings);
  if (!certificates) return std::nullopt;
  const auto leaf = ReadLeaf(certificates->leaf, findings);
  // 2.
  const auto product = FindProduct(report, leaf, findings);
  // 3.
  CheckSigningKey(report, leaf, findings);
  SnpFacts facts;
  // 4.
  facts.revocation_checked = CheckSnpChain(*certificates, product, endorsements, anchors, now, findings);
  // 5.
  CheckRequester(report, findings);
  if (product && leaf) {
    facts.report = report;
    facts.product = *product;
    facts.leaf = *leaf;
    // 6.
    if (DecodeLevels(facts, findings)) CheckLevels(facts.reported_tcb, *leaf, findings);
    // 7.
    CheckChip(report, *leaf, findings);
  }
  // 8.
  CheckSignature(report, certificates->leaf, findings);
  if (findings.failures() != failures || !product || !leaf) return std::nullopt;
  return facts;
}

Claims DescribeFacts(const SnpFacts& facts) {
  const SnpReport& report = facts.report;
  return {{"hardware", fmt::format("AMD SEV-SNP, {}", evidence::SnpProductName(facts.product))},
          {"measurement", Hex(report.measurement)},
          {"report_data", Hex(report.report_data)},
          {"host_data", Hex(report.host_data)},
          {"policy", fmt::format("{:#x}", report.policy.raw)},
          {"platform_info", fmt::format("{:#x}", report.platform_info.raw)},
          {"vmpl", std::to_string(report.vmpl)},
          {"guest_svn", std::to_string(report.guest_svn)},
          {"reported_tcb", evidence::FormatSnpTcb(facts.reported_tcb)},
          {"committed_tcb", evidence::FormatSnpTcb(facts.committed_tcb)},
          {"launch_tcb", evidence::FormatSnpTcb(facts.launch_tcb)},
          {"signing_key", std::string(KindName(facts.leaf.kind))},
          {"csp_id", facts.leaf.csp_id},
          {"chip_id", Hex(report.chip_id)},
          {"id_key_digest", Hex(report.id_key_digest)},
          {"author_key_digest", Hex(report.author_key_digest)}};
}

base::ByteView BoundData(const SnpFacts& facts) { return facts.report.report_data.view(); }

void AppraiseSnp(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  findings.Require({"SNP measurement", "SNP debug", "SNP VMPL", "SNP policy bits", "SNP migration agent",
                    "SNP product accepted", "SNP host data"});
  CheckMeasurement(facts, rules, findings);
  CheckDebug(facts, rules, findings);
  CheckVmpl(facts, rules, findings);
  CheckPolicyBits(facts, rules, findings);
  CheckMigration(facts, rules, findings);
  CheckSmt(facts, rules, findings);
  CheckSingleSocket(facts, rules, findings);
  CheckAbi(facts, rules, findings);
  CheckTcb(facts, rules, findings);
  CheckProvisional(facts, rules, findings);
  CheckGuestSvn(facts, rules, findings);
  CheckHostData(facts, rules, findings);
  CheckIds(facts, rules, findings);
  CheckPlatformInfo(facts, rules, findings);
  CheckRevocationList(facts, rules, findings);
  CheckPlatform(facts, rules, findings);
}

void AppraiseWithoutPolicy(const SnpFacts& facts, FindingList& findings) {
  CheckDebug(facts, policy::SnpRules{}, findings);
}

}  // namespace blindai::verifier
