#include "attestation/verifier/dcap.h"

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "attestation/endorsements/dcap_collateral.h"
#include "crypto/certificate_chain.h"
#include "crypto/digest.h"
#include "crypto/signing_key.h"
#include "encoding/hex.h"

namespace blindai::verifier {
namespace {

using base::ByteView;
using crypto::Certificate;
using crypto::HashAlgorithm;
using endorsements::PckExtension;
using endorsements::QeIdentity;
using endorsements::SignedStatement;
using endorsements::StatementDates;
using endorsements::StatementKind;
using endorsements::TcbInfo;
using evidence::DcapQuote;
using evidence::TeeKind;

constexpr std::string_view kTcbSignerName = "Intel SGX TCB Signing";
constexpr std::string_view kPckName = "Intel SGX PCK Certificate";
constexpr std::string_view kPckCaNames[] = {"Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA"};
constexpr std::string_view kRefreshHint = "let the server refresh its collateral, and check both clocks";

namespace check {
constexpr std::string_view kHeader = "quoting enclave vendor";
constexpr std::string_view kPckCertificate = "PCK certificate";
constexpr std::string_view kPckChain = "PCK certificate chain";
constexpr std::string_view kPckRevocation = "PCK revocation";
constexpr std::string_view kQeSignature = "QE report signature";
constexpr std::string_view kQeBinding = "attestation key binding";
constexpr std::string_view kQuoteSignature = "quote signature";
constexpr std::string_view kTcbInfo = "TCB info";
constexpr std::string_view kTcbInfoSigner = "TCB info signer";
constexpr std::string_view kTcbInfoPlatform = "TCB info platform";
constexpr std::string_view kQeIdentity = "QE identity";
constexpr std::string_view kQeIdentitySigner = "QE identity signer";
constexpr std::string_view kQeMatch = "quoting enclave";
constexpr std::string_view kModule = "TDX module";
constexpr std::string_view kTcbLevel = "TCB level";
constexpr std::string_view kQeLevel = "quoting enclave level";
}  // namespace check

std::string Hex(ByteView bytes) { return encoding::HexEncode(bytes); }

// What stands in an endorsement, read once; a finding when it cannot be read.
class CollateralReader {
 public:
  CollateralReader(const endorsements::Endorsements& endorsements, FindingList& findings)
      : endorsements_(endorsements), findings_(findings) {}

  template <typename T>
  std::optional<T> Read(std::string_view name, std::string_view check,
                        const std::function<base::Result<T>(ByteView)>& read) {
    const std::optional<ByteView> bytes = endorsements_.Find(name);
    if (!bytes) return std::nullopt;
    auto value = read(*bytes);
    if (value.ok()) return std::move(*value);
    if (value.error().code == "unsigned") {
      findings_.Fail("unsigned", check, value.error().message, "a statement with Intel's signature");
    } else {
      findings_.Fail("malformed", check, value.error().message, "collateral as Intel publishes it");
    }
    return std::nullopt;
  }

  // Servers send one chain under several names, and reading it costs as much as the signatures in it.
  std::vector<Certificate> Certificates(std::string_view name, std::string_view check) {
    const auto bytes = endorsements_.Find(name);
    for (const auto& [text, chain] : chains_) {
      if (bytes && std::equal(text.begin(), text.end(), bytes->begin(), bytes->end())) return chain;
    }
    auto chain = Read<std::vector<Certificate>>(name, check, endorsements::ReadIssuerChain);
    if (!chain) return {};
    chains_.emplace_back(*bytes, *chain);
    return std::move(*chain);
  }

  bool Has(std::string_view name) const { return endorsements_.Find(name).has_value(); }

 private:
  const endorsements::Endorsements& endorsements_;
  FindingList& findings_;
  std::vector<std::pair<ByteView, std::vector<Certificate>>> chains_;  // that were read, with their text
};

void AddNew(std::vector<Certificate>& pool, const std::vector<Certificate>& more) {
  for (const Certificate& one : more) {
    if (std::find(pool.begin(), pool.end(), one) == pool.end()) pool.push_back(one);
  }
}

std::optional<Certificate> PckAmong(const std::vector<Certificate>& certificates) {
  for (const Certificate& one : certificates) {
    if (one.extension(endorsements::kSgxExtensionOid)) return one;
  }
  return std::nullopt;
}

class DcapAuthentication {
 public:
  DcapAuthentication(const DcapQuote& quote, const endorsements::Endorsements& endorsements,
                     const TrustAnchors& anchors, base::Time now, FindingList& findings)
      : quote_(quote), reader_(endorsements, findings), anchors_(anchors), now_(now), findings_(findings) {}

  std::optional<DcapFacts> Run() {
    const std::size_t failures_before = findings_.failures();
    RequireChecks();
    CheckHeader();  // 1
    ReadCrls();
    FindPckCertificate();  // 2
    if (pck_) {
      CheckPckChain();           // 3
      ReadPckExtension();        // 4
      CheckQeReportSignature();  // 5
    }
    CheckAttestationKeyBinding();             // 6
    CheckQuoteSignature();                    // 7
    const auto info = CheckTcbInfo();         // 8
    const auto identity = CheckQeIdentity();  // 9
    std::optional<TcbEvaluation> tcb;
    if (extension_ && info && identity) tcb = Evaluate(*info, *identity);  // 10, 11
    if (findings_.failures() != failures_before || !extension_) return std::nullopt;
    return DcapFacts{quote_, *extension_, std::move(tcb), now_};
  }

 private:
  void RequireChecks() {
    findings_.Require({check::kHeader, check::kPckCertificate, check::kPckChain, check::kPckRevocation,
                       check::kQeSignature, check::kQeBinding, check::kQuoteSignature, check::kTcbInfo,
                       check::kTcbInfoSigner, check::kTcbInfoPlatform, check::kQeIdentity,
                       check::kQeIdentitySigner, check::kQeMatch, check::kTcbLevel, check::kQeLevel});
    if (quote_.tee == TeeKind::kTdx) findings_.Require({check::kModule});
  }

  void CheckHeader() {
    findings_.Check("qe-identity", check::kHeader, quote_.qe_vendor_id == evidence::kIntelQeVendorId,
                    Hex(quote_.qe_vendor_id.view()), Hex(evidence::kIntelQeVendorId.view()),
                    "the quote was made by another vendor's quoting enclave");
  }

  void ReadCrls() {
    pck_crl_ =
        reader_.Read<crypto::Crl>(endorsements::name::kPckCrl, check::kPckRevocation, endorsements::ReadCrl);
    root_crl_ =
        reader_.Read<crypto::Crl>(endorsements::name::kRootCrl, check::kPckRevocation, endorsements::ReadCrl);
    if (pck_crl_) crls_.push_back(*pck_crl_);
    if (root_crl_) crls_.push_back(*root_crl_);
  }

  void FindPckCertificate() {
    std::vector<Certificate> candidates;
    if (quote_.certification_type == evidence::kCertificationPckChain) {
      auto inside = endorsements::ReadIssuerChain(quote_.certification_data);
      if (!inside.ok()) {
        findings_.Fail("bad-chain", check::kPckChain, inside.error().message,
                       "the certificates inside the quote, PEM");
        return;
      }
      candidates = std::move(*inside);
    }
    const std::vector<Certificate> beside =
        reader_.Certificates(endorsements::name::kPckChain, check::kPckChain);
    // What stands in the quote goes before what came with it.
    pck_ = PckAmong(candidates);
    if (!pck_) pck_ = PckAmong(beside);
    if (!pck_) {
      findings_.CannotTell("no-pck", check::kPckCertificate,
                           "certification data of type " + std::to_string(quote_.certification_type) +
                               ", without a PCK certificate",
                           "the PCK certificate of this platform", "give it as pck-chain");
      return;
    }
    findings_.Pass(check::kPckCertificate, pck_->subject());
    pool_ = std::move(candidates);
    AddNew(pool_, beside);
    AddNew(pool_, reader_.Certificates(endorsements::name::kCrlChain, check::kPckRevocation));
  }

  void CheckPckChain() {
    const std::optional<std::vector<Certificate>> path =
        CheckChain(check::kPckChain, check::kPckRevocation, *pck_, pool_);
    if (!path) return;
    const bool names_fit = path->size() == 3 && pck_->subject_common_name() == kPckName &&
                           std::find(std::begin(kPckCaNames), std::end(kPckCaNames),
                                     (*path)[1].subject_common_name()) != std::end(kPckCaNames) &&
                           !pck_->is_ca();
    findings_.Check("bad-chain", check::kPckChain, names_fit, Describe(*path),
                    "PCK certificate, PCK Platform or Processor CA, root",
                    "another certificate of Intel's stands where the platform's should");
  }

  void ReadPckExtension() {
    auto extension = endorsements::ReadPckExtension(*pck_);
    if (extension.ok()) {
      extension_ = *extension;
    } else {
      findings_.Fail("bad-certificate", check::kPckCertificate, extension.error().message,
                     "a PCK certificate with Intel's extension");
    }
  }

  void CheckQeReportSignature() {
    findings_.Check("bad-signature", check::kQeSignature,
                    pck_->public_key().VerifyEcdsaRaw(HashAlgorithm::kSha256, quote_.qe_report_bytes,
                                                      quote_.qe_report_signature.view()),
                    "ECDSA P-256 by the PCK", "a signature of the PCK over the QE report",
                    "the quote was altered or does not belong to this certificate");
  }

  void CheckAttestationKeyBinding() {
    crypto::Sha256Hasher hasher;
    hasher.Update(quote_.attestation_key.view()).Update(quote_.qe_authentication_data);
    evidence::ReportData wanted;
    const crypto::Sha256Digest digest = hasher.Finish();
    std::copy(digest.bytes.begin(), digest.bytes.end(), wanted.bytes.begin());
    findings_.Check("qe-binding", check::kQeBinding, quote_.qe_report.report_data == wanted,
                    Hex(quote_.qe_report.report_data.view()), Hex(wanted.view()),
                    "the quoting enclave vouched for another attestation key");
  }

  void CheckQuoteSignature() {
    const auto key = crypto::PublicKey::FromEcPoint(crypto::KeyKind::kP256, quote_.attestation_key.view());
    const bool good =
        key.ok() && key->VerifyEcdsaRaw(HashAlgorithm::kSha256, quote_.signed_bytes, quote_.signature.view());
    findings_.Check(
        "bad-signature", check::kQuoteSignature, good,
        key.ok() ? "ECDSA P-256 by the attestation key" : "the attestation key is not a point of the curve",
        "a signature of the attestation key over header and body", "the quote was altered");
  }

  std::optional<TcbInfo> CheckTcbInfo() {
    auto info = CheckStatement<TcbInfo>(StatementKind::kTcbInfo, endorsements::name::kTcbInfo,
                                        {endorsements::name::kTcbChain, endorsements::name::kQeChain},
                                        check::kTcbInfo, check::kTcbInfoSigner, endorsements::ParseTcbInfo);
    if (!info || !extension_) return info;
    const bool fits =
        info->tee == quote_.tee && info->fmspc == extension_->fmspc && info->pce_id == extension_->pce_id;
    findings_.Check("fmspc", check::kTcbInfoPlatform, fits,
                    std::string(evidence::TeeName(info->tee)) + ", FMSPC " + Hex(info->fmspc.view()) +
                        ", PCEID " + Hex(info->pce_id.view()),
                    std::string(evidence::TeeName(quote_.tee)) + ", FMSPC " + Hex(extension_->fmspc.view()) +
                        ", PCEID " + Hex(extension_->pce_id.view()),
                    "the TCB info belongs to another model of platform");
    return fits ? info : std::nullopt;
  }

  std::optional<QeIdentity> CheckQeIdentity() {
    auto identity = CheckStatement<QeIdentity>(StatementKind::kQeIdentity, endorsements::name::kQeIdentity,
                                               {endorsements::name::kQeChain, endorsements::name::kTcbChain},
                                               check::kQeIdentity, check::kQeIdentitySigner,
                                               endorsements::ParseQeIdentity);
    if (!identity) return identity;
    const auto wanted_role =
        quote_.tee == TeeKind::kTdx ? endorsements::EnclaveRole::kTdQe : endorsements::EnclaveRole::kQe;
    std::string difference = QeDifference(*identity, quote_.qe_report);
    if (identity->role != wanted_role) difference = "the identity is of another enclave";
    findings_.Check("qe-identity", check::kQeMatch, difference.empty(),
                    difference.empty() ? "Intel's, version " + std::to_string(quote_.qe_report.isv_svn)
                                       : "differs: " + difference,
                    "the enclave that Intel's QE identity describes",
                    "something other than Intel's quoting enclave made this quote");
    return identity;
  }

  // 10 and 11.
  std::optional<TcbEvaluation> Evaluate(const TcbInfo& info, const QeIdentity& identity) {
    const evidence::TdReport* td = quote_.td();
    const PlatformLevel platform = MatchPlatform(info, *extension_, td);
    const bool platform_found = findings_.Check(
        "tcb-not-supported", check::kTcbLevel, platform.effective != nullptr,
        platform.effective == nullptr ? "no level of the TCB info matches the platform's patch level"
                                      : "level of " + base::FormatTime(platform.effective->tcb_date) + ", " +
                                            std::string(evidence::TcbStatusName(platform.effective->status)),
        "a patch level that Intel lists", "the platform's firmware must be updated");
    const endorsements::SvnLevel* qe = MatchSvn(identity.levels, quote_.qe_report.isv_svn);
    const bool qe_found =
        findings_.Check("tcb-not-supported", check::kQeLevel, qe != nullptr,
                        "version " + std::to_string(quote_.qe_report.isv_svn), "a version that Intel lists",
                        "the platform's quoting enclave must be updated");
    const endorsements::SvnLevel* module = nullptr;
    if (td != nullptr && !CheckModule(info, *td, module)) return std::nullopt;
    if (!platform_found || !qe_found) return std::nullopt;
    return EvaluateTcb(info, identity, platform, *qe, module, td);
  }

  bool CheckModule(const TcbInfo& info, const evidence::TdReport& td, const endorsements::SvnLevel*& level) {
    const ModuleMatch match = MatchModule(info, td);
    level = match.level;
    if (!findings_.Check(
            "tdx-module", check::kModule, match.known, match.seen,
            "a module that Intel lists for this platform",
            "the TDX module is unknown: the platform runs something else, or the collateral is too old")) {
      return false;
    }
    if (!match.has_levels || match.level != nullptr) return true;
    findings_.Fail("tcb-not-supported", check::kModule, "version " + std::to_string(td.tee_tcb_svn[0]),
                   "a version that Intel lists", "the TDX module must be updated");
    return false;
  }

  // A signed statement of Intel's: who signed it, whether it is what was signed, whether it is in date.
  template <typename T>
  std::optional<T> CheckStatement(StatementKind kind, std::string_view name,
                                  std::pair<std::string_view, std::string_view> chain_names,
                                  std::string_view check, std::string_view signer_check,
                                  base::Result<T> (*parse)(std::string_view)) {
    if (!reader_.Has(name)) {
      findings_.CannotTell("no-collateral", check, "nothing was given as " + std::string(name),
                           "Intel's signed statement", kRefreshHint);
      return std::nullopt;
    }
    const auto statement = reader_.Read<SignedStatement>(
        name, check, [kind](ByteView bytes) { return endorsements::ReadSignedStatement(kind, bytes); });
    const std::optional<Certificate> signer = FindSigner(chain_names, signer_check);
    if (!statement || !signer) return std::nullopt;
    const bool good = signer->public_key().VerifyEcdsaRaw(
        HashAlgorithm::kSha256, base::AsBytes(statement->text), statement->signature.view());
    if (!findings_.Check("bad-signature", check, good, "ECDSA P-256 by " + signer->subject(),
                         "a signature of the certificate that came along", "the statement was altered")) {
      return std::nullopt;
    }
    auto value = parse(statement->text);
    if (!value.ok()) {
      findings_.Fail("malformed", check, value.error().message, "a statement as Intel publishes it");
      return std::nullopt;
    }
    CheckStatementDates(check, value->dates);
    return std::move(*value);
  }

  void CheckStatementDates(std::string_view check, const StatementDates& dates) {
    const std::string seen =
        "from " + base::FormatTime(dates.issued) + " to " + base::FormatTime(dates.next_update);
    const std::string wanted = "a statement for " + base::FormatTime(now_);
    if (now_ < dates.issued) findings_.Fail("not-yet-valid", check, seen, wanted, kRefreshHint);
    if (now_ > dates.next_update) findings_.Fail("expired", check, seen, wanted, kRefreshHint);
  }

  // The TCB signing certificate, issued by the root itself: a platform's key must never pass for it.
  std::optional<Certificate> FindSigner(std::pair<std::string_view, std::string_view> chain_names,
                                        std::string_view check) {
    std::vector<Certificate> chain = reader_.Certificates(chain_names.first, check);
    if (chain.empty()) chain = reader_.Certificates(chain_names.second, check);
    if (chain.empty()) {
      findings_.CannotTell("no-collateral", check, "nothing was given as " + std::string(chain_names.first),
                           "the certificates of the signer", kRefreshHint);
      return std::nullopt;
    }
    const auto signer =
        std::find_if(chain.begin(), chain.end(), [](const Certificate& one) { return !one.is_ca(); });
    if (signer == chain.end()) {
      findings_.Fail("bad-chain", check, "only CA certificates", "the TCB signing certificate and its root");
      return std::nullopt;
    }
    const auto path = CheckChain(check, check, *signer, chain);
    if (!path) return std::nullopt;
    const bool names_fit = path->size() == 2 && signer->subject_common_name() == kTcbSignerName;
    if (!findings_.Check("bad-chain", check, names_fit, Describe(*path), "TCB signing certificate, root",
                         "another certificate of Intel's stands where the TCB signer's should")) {
      return std::nullopt;
    }
    return *signer;
  }

  // A path to Intel's root, or nothing with the findings that say why. Revocation is reported under its own
  // name.
  std::optional<std::vector<Certificate>> CheckChain(std::string_view check,
                                                     std::string_view revocation_check,
                                                     const Certificate& leaf,
                                                     const std::vector<Certificate>& pool) {
    const std::vector<crypto::TrustAnchor> pins = Pins();
    crypto::ChainOptions options;
    options.at = now_;
    options.crl_use = crypto::CrlUse::kRequired;
    options.crls = crls_;
    crypto::ChainResult chain = crypto::VerifyChain(leaf, pool, pins, options);
    bool trusted = true;
    bool revocation_known = true;
    for (const crypto::ChainProblem& problem : chain.problems) {
      if (problem.code == "crl-missing") {
        revocation_known = false;
        trusted = ReportMissingCrl(revocation_check, leaf, problem) && trusted;
      } else {
        trusted = false;
        findings_.Fail(CodeOf(problem), check, problem.subject + ": " + problem.message,
                       "a chain to Intel's root, good at " + base::FormatTime(now_));
      }
    }
    if (!trusted) return std::nullopt;
    if (revocation_known && revocation_check != check) {
      findings_.Pass(revocation_check, "not in the revocation lists of its issuers");
    }
    return std::move(chain.path);
  }

  // Nothing was given: nobody can tell. A list was given and is another issuer's: that is no accident.
  bool ReportMissingCrl(std::string_view check, const Certificate& leaf,
                        const crypto::ChainProblem& problem) {
    const bool of_pck = pck_ && leaf == *pck_ && problem.subject == leaf.subject();
    const std::string_view name = of_pck ? endorsements::name::kPckCrl : endorsements::name::kRootCrl;
    if (reader_.Has(name)) {
      findings_.Fail("crl-missing", check, std::string(name) + " is of another issuer", problem.message,
                     "a list of the wrong CA was given");
      return false;
    }
    findings_.CannotTell("no-collateral", check, "nothing was given as " + std::string(name), problem.message,
                         kRefreshHint);
    return true;
  }

  // A certificate that its issuer did not sign breaks the chain; bad-signature is the quote's own signatures.
  static std::string_view CodeOf(const crypto::ChainProblem& problem) {
    if (problem.code == "bad-signature") return "bad-chain";
    if (problem.code == "crl-expired") return "expired";
    if (problem.code == "crl-not-yet-valid") return "not-yet-valid";
    return problem.code;
  }

  std::vector<crypto::TrustAnchor> Pins() const {
    std::vector<crypto::TrustAnchor> pins;
    for (const TrustAnchor& anchor : anchors_.anchors()) {
      if (anchor.extra || anchor.role == AnchorRole::kIntelSgx) {
        pins.push_back({crypto::TrustAnchor::Pins::kPublicKey, anchor.spki_sha256});
      }
    }
    return pins;
  }

  std::string Describe(const std::vector<Certificate>& path) const {
    std::string text;
    for (const Certificate& one : path) text += (text.empty() ? "" : " < ") + one.subject_common_name();
    const TrustAnchor* anchor = anchors_.Find(AnchorRole::kIntelSgx, path.back().public_key().SpkiSha256());
    if (anchor != nullptr && anchor->extra) {
      text += ", EXTRA ANCHOR GIVEN BY THE CALLER, NOT INTEL'S ROOT: " + anchor->name;
    }
    return text;
  }

  const DcapQuote& quote_;
  CollateralReader reader_;
  const TrustAnchors& anchors_;
  const base::Time now_;
  FindingList& findings_;

  std::optional<crypto::Crl> pck_crl_;
  std::optional<crypto::Crl> root_crl_;
  std::vector<crypto::Crl> crls_;
  std::optional<Certificate> pck_;
  std::vector<Certificate> pool_;
  std::optional<PckExtension> extension_;
};

std::string Joined(const std::vector<std::string>& ids, std::string_view prefix) {
  std::string text;
  for (const std::string& id : ids) text += (text.empty() ? "" : ",") + std::string(prefix) + id;
  return text;
}

void AddTcb(const TcbEvaluation& tcb, Claims& claims) {
  claims.emplace_back("tcb_status", evidence::TcbStatusName(tcb.status));
  claims.emplace_back("tcb_date", base::FormatTime(tcb.tcb_date));
  claims.emplace_back("tcb_sgx_level", evidence::TcbStatusName(tcb.sgx_status));
  if (tcb.module_status) claims.emplace_back("tcb_module", evidence::TcbStatusName(*tcb.module_status));
  claims.emplace_back("tcb_qe", evidence::TcbStatusName(tcb.qe_status));
  std::string advisories;
  for (const std::string& part :
       {Joined(tcb.platform_advisories, ""), Joined(tcb.module_advisories, "module:"),
        Joined(tcb.qe_advisories, "qe:")}) {
    if (!part.empty()) advisories += (advisories.empty() ? "" : ",") + part;
  }
  claims.emplace_back("advisories", advisories.empty() ? "none" : advisories);
  claims.emplace_back("tcb_evaluation_data_number", std::to_string(tcb.evaluation_data_number));
}

void AddReport(const evidence::SgxReport& report, Claims& claims) {
  claims.emplace_back("mrenclave", Hex(report.mrenclave.view()));
  claims.emplace_back("mrsigner", Hex(report.mrsigner.view()));
  claims.emplace_back("isv_prod_id", std::to_string(report.isv_prod_id));
  claims.emplace_back("isv_svn", std::to_string(report.isv_svn));
  claims.emplace_back("debug", report.debug() ? "true" : "false");
}

void AddReport(const evidence::TdReport& report, Claims& claims) {
  claims.emplace_back("mrtd", Hex(report.mrtd.view()));
  for (std::size_t i = 0; i < report.rtmr.size(); ++i) {
    claims.emplace_back("rtmr" + std::to_string(i), Hex(report.rtmr[i].view()));
  }
  claims.emplace_back("mrseam", Hex(report.mrseam.view()));
  claims.emplace_back("debug", report.debug() ? "true" : "false");
}

}  // namespace

std::optional<DcapFacts> AuthenticateDcap(const DcapQuote& quote,
                                          const endorsements::Endorsements& endorsements,
                                          const TrustAnchors& anchors, base::Time now,
                                          FindingList& findings) {
  return DcapAuthentication(quote, endorsements, anchors, now, findings).Run();
}

Claims DescribeFacts(const DcapFacts& facts) {
  Claims claims = {{"hardware", facts.quote.tee == TeeKind::kTdx ? "Intel TDX" : "Intel SGX"}};
  std::visit([&claims](const auto& report) { AddReport(report, claims); }, facts.quote.body);
  claims.emplace_back("report_data", Hex(facts.quote.report_data().view()));
  if (facts.tcb) AddTcb(*facts.tcb, claims);
  claims.emplace_back("fmspc", Hex(facts.pck.fmspc.view()));
  claims.emplace_back("ppid", Hex(facts.pck.ppid.view()));
  if (facts.pck.platform_instance_id) {
    claims.emplace_back("platform_instance_id", Hex(facts.pck.platform_instance_id->view()));
  }
  return claims;
}

ByteView BoundData(const DcapFacts& facts) { return facts.quote.report_data().view(); }

}  // namespace blindai::verifier
