// DCAP verification against a private Intel: good evidence is made with test keys, one thing is bent, and the
// verdict must say what. What real hardware made is in dcap_vectors_test.cc.
#include "attestation/verifier/dcap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attestation/verifier/appraise.h"
#include "crypto/random.h"
#include "encoding/hex.h"
#include "support/fake_intel.h"
#include "support/log_builder.h"

namespace blindai::verifier {
namespace {

namespace name = endorsements::name;
using base::Bytes;
using evidence::TeeKind;
using tests::FakeIntel;
using tests::FakeQuoteParts;

policy::Policy StrictPolicy(TeeKind tee) {
  policy::AcceptBlock block;
  if (tee == TeeKind::kTdx) {
    policy::TdxRules rules;
    rules.mrtd.emplace_back().bytes.fill(0x11);
    rules.rtmr[1].emplace_back().bytes.fill(0x12);
    block.rules = rules;
  } else {
    policy::SgxRules rules;
    rules.mrenclave.emplace_back().bytes.fill(0x11);
    block.rules = rules;
  }
  return {{block}};
}

class Dcap : public testing::Test {
 protected:
  TrustAnchors Anchors() const {
    TrustAnchors anchors = TrustAnchors::Production();
    anchors.AddExtra("fake Intel", intel.root.certificate.public_key().SpkiSha256(),
                     intel.root.certificate.der());
    return anchors;
  }

  Verdict JudgeWith(const FakeQuoteParts& parts, const TrustAnchors& anchors) {
    const auto evidence = evidence::ParseEvidence(parts.tee, intel.Quote(parts));
    EXPECT_TRUE(evidence.ok()) << evidence.error().message;
    const policy::Policy policy = StrictPolicy(parts.tee);
    Question question;
    question.policy = &policy;
    question.report_data.emplace().bytes.fill(0x33);
    question.now = now;
    return Judge(*evidence, intel.Collateral(parts.tee), anchors, question);
  }
  Verdict JudgeQuote(const FakeQuoteParts& parts) { return JudgeWith(parts, Anchors()); }
  Verdict JudgeTdx() { return JudgeQuote(FakeIntel::Tdx()); }
  Verdict JudgeSgx() { return JudgeQuote(FakeIntel::Sgx()); }

  FakeIntel intel;
  base::Time now = FakeIntel::Now();
};

MATCHER(IsTrusted, "") {
  *result_listener << RenderText(arg);
  return arg.outcome == Outcome::kTrusted;
}
MATCHER_P(IsRefused, code, "") {
  *result_listener << RenderText(arg);
  return arg.outcome == Outcome::kRefused && arg.Has(code);
}
MATCHER_P(IsUndecided, code, "") {
  *result_listener << RenderText(arg);
  return arg.outcome == Outcome::kUndecided && arg.Has(code);
}

template <typename Report>
Report& BodyOf(FakeQuoteParts& parts) {
  return std::get<Report>(parts.body);
}

TEST_F(Dcap, GoodQuotesOfEveryVersionAreTrusted) {
  FakeQuoteParts sgx5 = FakeIntel::Sgx();
  sgx5.version = 5;
  FakeQuoteParts sgx4 = sgx5;
  sgx4.version = 4;
  for (const FakeQuoteParts& parts :
       {FakeIntel::Sgx(), sgx4, sgx5, FakeIntel::Tdx(4), FakeIntel::Tdx(5), FakeIntel::Tdx(5, true)}) {
    EXPECT_THAT(JudgeQuote(parts), IsTrusted());
  }
}

TEST_F(Dcap, AnExtraAnchorIsSaidLoudly) {
  bool said = false;
  for (const Finding& finding : JudgeTdx().findings) {
    said = said || finding.seen.find("EXTRA ANCHOR") != std::string::npos;
  }
  EXPECT_TRUE(said);
}

TEST_F(Dcap, ProductionAnchorsRefuseAllOfIt) {
  EXPECT_THAT(JudgeWith(FakeIntel::Tdx(), TrustAnchors::Production()), IsRefused("wrong-root"));
  EXPECT_THAT(JudgeWith(FakeIntel::Sgx(), TrustAnchors::Production()), IsRefused("wrong-root"));
}

TEST_F(Dcap, ProcessorCaLeafsAreTrustedToo) {
  intel = FakeIntel(FakeIntel::Ca::kProcessor);
  EXPECT_THAT(JudgeSgx(), IsTrusted());
}

TEST_F(Dcap, ARevokedPlatformIsRefused) {
  intel.revoked_by_pck_ca = {intel.pck.certificate.serial()};
  EXPECT_THAT(JudgeTdx(), IsRefused("revoked"));
}

TEST_F(Dcap, ARevokedPckCaIsRefused) {
  intel.revoked_by_root = {intel.pck_ca.certificate.serial()};
  EXPECT_THAT(JudgeTdx(), IsRefused("revoked"));
}

TEST_F(Dcap, ARevokedTcbSignerIsRefused) {
  intel.revoked_by_root = {intel.tcb_signer.certificate.serial()};
  EXPECT_THAT(JudgeTdx(), IsRefused("revoked"));
}

TEST_F(Dcap, TheListOfTheWrongCaIsRefused) {
  intel.replaced[name::kPckCrl] = intel.List(intel.other_pck_ca, {}).der();
  EXPECT_THAT(JudgeTdx(), IsRefused("crl-missing"));
  intel.replaced = {{name::kRootCrl, intel.List(intel.pck_ca, {}).der()}};
  EXPECT_THAT(JudgeTdx(), IsRefused("crl-missing"));
}

TEST_F(Dcap, AListInTheRightNameByAnotherKeyIsRefused) {
  FakeIntel impostor;
  intel.replaced[name::kPckCrl] = impostor.List(impostor.pck_ca, {}).der();
  EXPECT_THAT(JudgeTdx(), IsRefused("crl-bad-signature"));
}

TEST_F(Dcap, MissingCollateralIsUndecidedNeverTrusted) {
  for (const std::string_view part : {name::kTcbInfo, name::kQeIdentity, name::kPckCrl, name::kRootCrl}) {
    intel.left_out = {part};
    EXPECT_THAT(JudgeTdx(), IsUndecided("no-collateral")) << part;
    EXPECT_THAT(JudgeSgx(), IsUndecided("no-collateral")) << part;
  }
  intel.left_out = {name::kTcbChain, name::kQeChain};
  EXPECT_THAT(JudgeTdx(), IsUndecided("no-collateral"));
  intel.left_out = {name::kTcbInfo, name::kQeIdentity, name::kPckCrl,
                    name::kRootCrl, name::kTcbChain,   name::kQeChain};
  EXPECT_THAT(JudgeTdx(), IsUndecided("no-collateral"));
}

TEST_F(Dcap, OneSignerChainServesBothStatements) {
  intel.left_out = {name::kQeChain};
  EXPECT_THAT(JudgeTdx(), IsTrusted());
  intel.left_out = {name::kTcbChain};
  EXPECT_THAT(JudgeTdx(), IsTrusted());
}

TEST_F(Dcap, ThePckCertificateMayComeBesideTheQuote) {
  FakeQuoteParts parts = FakeIntel::Sgx();
  parts.with_certificates = false;
  EXPECT_THAT(JudgeQuote(parts), IsUndecided("no-pck"));
  // In any order.
  intel.replaced[name::kPckChain] =
      intel.Chain({intel.root.certificate, intel.pck.certificate, intel.pck_ca.certificate});
  EXPECT_THAT(JudgeQuote(parts), IsTrusted());
}

TEST_F(Dcap, AnotherPlatformsCertificateDoesNotFitTheQuote) {
  FakeQuoteParts parts = FakeIntel::Sgx();
  parts.with_certificates = false;
  const FakeIntel other;
  intel.replaced[name::kPckChain] =
      intel.Chain({other.pck.certificate, other.pck_ca.certificate, other.root.certificate});
  EXPECT_THAT(JudgeQuote(parts), IsRefused("bad-signature"));
}

TEST_F(Dcap, APlatformsKeyCannotSignTcbInfo) {
  // The PCK of a broken machine is certified by Intel as well, and signs a TCB info that likes it.
  intel.replaced[name::kTcbInfo] = intel.Sign("tcbInfo", intel.TcbInfoText(TeeKind::kTdx), intel.pck.key);
  intel.replaced[name::kTcbChain] =
      intel.Chain({intel.pck.certificate, intel.pck_ca.certificate, intel.root.certificate});
  EXPECT_THAT(JudgeTdx(), IsRefused("bad-chain"));
}

TEST_F(Dcap, TheTcbSignerCannotStandForAPlatform) {
  crypto::CertificateSpec spec;
  spec.common_name = "Intel SGX TCB Signing";
  spec.not_before = FakeIntel::Start();
  spec.not_after = FakeIntel::End();
  spec.extensions = {{std::string(endorsements::kSgxExtensionOid),
                      FakeIntel::PckExtension(7, 13, "00a06d080000", true), false}};
  intel.pck.certificate =
      crypto::MakeSigned(spec, intel.pck.key.public_key(), intel.pck_ca.certificate, intel.pck_ca.key)
          .value();
  EXPECT_THAT(JudgeTdx(), IsRefused("bad-chain"));
}

TEST_F(Dcap, AlteredStatementsAreRefused) {
  const std::string text = intel.TcbInfoText(TeeKind::kTdx);
  const Bytes good = intel.Sign("tcbInfo", text, intel.tcb_signer.key);
  std::string bent(base::AsText(good));
  bent.replace(bent.find("UpToDate"), 8, "Revoked\"");
  intel.replaced[name::kTcbInfo] = base::CopyBytes(base::AsBytes(bent));
  EXPECT_EQ(JudgeTdx().outcome, Outcome::kRefused);
  // One space more: the same meaning, other bytes.
  std::string spaced(base::AsText(good));
  spaced.insert(spaced.find(':') + 2, " ");
  intel.replaced[name::kTcbInfo] = base::CopyBytes(base::AsBytes(spaced));
  EXPECT_THAT(JudgeTdx(), IsRefused("bad-signature"));
}

TEST_F(Dcap, UnsignedAndMalformedStatementsAreRefused) {
  intel.replaced[name::kTcbInfo] = base::CopyBytes(base::AsBytes("{\"tcbInfo\":{}}"));
  EXPECT_THAT(JudgeTdx(), IsRefused("unsigned"));
  intel.replaced[name::kTcbInfo] = base::CopyBytes(base::AsBytes("hello"));
  EXPECT_THAT(JudgeTdx(), IsRefused("malformed"));
  intel.replaced = {{name::kPckCrl, Bytes{1, 2, 3}}};
  EXPECT_THAT(JudgeTdx(), IsRefused("malformed"));
  intel.replaced = {{name::kQeChain, Bytes{1, 2, 3}}};
  EXPECT_THAT(JudgeTdx(), IsRefused("malformed"));
}

TEST_F(Dcap, StatementsOutsideOfTheirDatesAreRefused) {
  now = *base::ParseTime("2026-07-02");
  EXPECT_THAT(JudgeTdx(), IsRefused("expired"));
  now = *base::ParseTime("2026-04-30");
  EXPECT_THAT(JudgeTdx(), IsRefused("not-yet-valid"));
  now = *base::ParseTime("2026-07-01");
  EXPECT_THAT(JudgeTdx(), IsTrusted());
}

TEST_F(Dcap, CollateralOfAnotherPlatformIsRefused) {
  intel.fmspc = "00a06d080001";
  EXPECT_THAT(JudgeTdx(), IsRefused("fmspc"));
  intel.fmspc = "00a06d080000";
  intel.pce_id = "0001";
  EXPECT_THAT(JudgeTdx(), IsRefused("fmspc"));
}

TEST_F(Dcap, TcbInfoOfTheOtherKindIsRefused) {
  intel.replaced[name::kTcbInfo] =
      intel.Sign("tcbInfo", intel.TcbInfoText(TeeKind::kSgx), intel.tcb_signer.key);
  EXPECT_THAT(JudgeTdx(), IsRefused("fmspc"));
}

TEST_F(Dcap, TheQuotingEnclaveMustBeIntels) {
  // GHSA-796p-j2gh-9m2q: any enclave on a certified platform can have its report signed by the PCK.
  for (int field = 0; field < 6; ++field) {
    FakeQuoteParts parts = FakeIntel::Tdx();
    evidence::SgxReport& qe = parts.qe_report;
    if (field == 0) qe.mrsigner.bytes[0] ^= 1;
    if (field == 1) qe.isv_prod_id = 7;
    if (field == 2) qe.attributes_flags |= evidence::kSgxEinitTokenKey;
    if (field == 3) qe.misc_select = 1;
    if (field == 4) qe.attributes_flags &= ~evidence::kSgxProvisionKey;
    if (field == 5) qe.attributes_flags |= std::uint64_t{1} << 40;
    EXPECT_THAT(JudgeQuote(parts), IsRefused("qe-identity")) << field;
  }
}

TEST_F(Dcap, TheIdentityMustBeOfTheRightEnclave) {
  intel.qe_id = "QE";
  EXPECT_THAT(JudgeTdx(), IsRefused("qe-identity"));
  intel.qe_id = "TD_QE";
  EXPECT_THAT(JudgeSgx(), IsRefused("qe-identity"));
  intel.qe_id = "QVE";
  EXPECT_THAT(JudgeSgx(), IsRefused("qe-identity"));
}

TEST_F(Dcap, AnAttestationKeyThatTheQeDoesNotHoldIsRefused) {
  FakeQuoteParts parts = FakeIntel::Tdx();
  parts.qe_report.report_data.bytes.fill(1);
  EXPECT_THAT(JudgeQuote(parts), IsRefused("qe-binding"));
  // The right digest, and something behind it.
  crypto::Sha256Hasher hasher;
  hasher.Update(intel.attestation_key.public_key().EcPoint()).Update(parts.qe_authentication_data);
  const auto digest = hasher.Finish();
  std::copy(digest.bytes.begin(), digest.bytes.end(), parts.qe_report.report_data.bytes.begin());
  EXPECT_THAT(JudgeQuote(parts), IsRefused("qe-binding"));
}

TEST_F(Dcap, AnotherVendorsQuoteIsRefused) {
  Bytes quote = intel.Quote(FakeIntel::Tdx());
  quote[12] ^= 1;
  const auto evidence = evidence::ParseEvidence(TeeKind::kTdx, quote);
  FindingList findings;
  EXPECT_FALSE(AuthenticateDcap(std::get<evidence::DcapQuote>(*evidence), intel.Collateral(TeeKind::kTdx),
                                Anchors(), now, findings));
  EXPECT_EQ(findings.findings().front().code, "qe-identity");
}

TEST_F(Dcap, PlatformsBelowEveryLevelAreNotSupported) {
  intel.levels[0].sgx[15] = 8;
  EXPECT_THAT(JudgeTdx(), IsRefused("tcb-not-supported"));
  intel.levels[0].sgx[15] = 7;
  intel.levels[0].pce_svn = 14;
  EXPECT_THAT(JudgeTdx(), IsRefused("tcb-not-supported"));
  intel.levels[0].pce_svn = 13;
  intel.levels[0].tdx[2] = 7;
  EXPECT_THAT(JudgeTdx(), IsRefused("tcb-not-supported"));
  intel.levels[0].tdx = {3, 0, 6};
  intel.qe_levels = {{9, "UpToDate", {}}};
  EXPECT_THAT(JudgeTdx(), IsRefused("tcb-not-supported"));
  intel.qe_levels = {{8, "UpToDate", {}}};
  intel.modules = {{"TDX_01", {{6, "UpToDate", {}}}}};
  EXPECT_THAT(JudgeTdx(), IsRefused("tcb-not-supported"));
}

TEST_F(Dcap, UnknownTdxModulesAreRefused) {
  intel.modules = {{"TDX_02", {{0, "UpToDate", {}}}}};
  EXPECT_THAT(JudgeTdx(), IsRefused("tdx-module"));
  intel.modules = {};
  EXPECT_THAT(JudgeTdx(), IsRefused("tdx-module"));
  intel.modules = {{"TDX_01", {{5, "UpToDate", {}}}}};
  FakeQuoteParts parts = FakeIntel::Tdx();
  BodyOf<evidence::TdReport>(parts).mrsignerseam.bytes[0] = 1;
  EXPECT_THAT(JudgeQuote(parts), IsRefused("tdx-module"));
  parts = FakeIntel::Tdx();
  BodyOf<evidence::TdReport>(parts).seam_attributes = 1;
  EXPECT_THAT(JudgeQuote(parts), IsRefused("tdx-module"));
}

TEST_F(Dcap, ANonZeroModuleAttributeIsRefusedEvenWhenIntelListsIt) {
  intel.module_attributes = "0100000000000000";
  FakeQuoteParts parts = FakeIntel::Tdx();
  BodyOf<evidence::TdReport>(parts).seam_attributes = 1;
  EXPECT_THAT(JudgeQuote(parts), IsRefused("tdx-module"));
}

TEST_F(Dcap, EveryPartCanMakeThePlatformOutOfDate) {
  intel.levels[0].status = "OutOfDate";
  EXPECT_THAT(JudgeTdx(), IsRefused("tcb-out-of-date"));
  intel.levels[0].status = "UpToDate";
  intel.qe_levels[0].status = "OutOfDate";
  EXPECT_THAT(JudgeTdx(), IsRefused("tcb-out-of-date"));
  intel.qe_levels[0].status = "UpToDate";
  intel.modules["TDX_01"] = {{3, "OutOfDate", {}}};
  EXPECT_THAT(JudgeTdx(), IsRefused("tcb-out-of-date"));
  intel.modules["TDX_01"] = {{3, "Revoked", {}}};
  EXPECT_THAT(JudgeTdx(), IsRefused("revoked"));
}

TEST_F(Dcap, DebugIsRefusedEvenWhereCollateralIsMissing) {
  FakeQuoteParts tdx = FakeIntel::Tdx();
  BodyOf<evidence::TdReport>(tdx).td_attributes |= 1;
  FakeQuoteParts sgx = FakeIntel::Sgx();
  BodyOf<evidence::SgxReport>(sgx).attributes_flags |= evidence::kSgxDebug;
  EXPECT_THAT(JudgeQuote(tdx), IsRefused("debug"));
  EXPECT_THAT(JudgeQuote(sgx), IsRefused("debug"));
  intel.left_out = {name::kTcbInfo, name::kRootCrl};
  EXPECT_THAT(JudgeQuote(tdx), IsRefused("debug"));
  EXPECT_THAT(JudgeQuote(sgx), IsRefused("debug"));
}

TEST_F(Dcap, ReportDataIsComparedInFull) {
  for (const std::size_t index : {0u, 31u, 32u, 63u}) {
    FakeQuoteParts parts = FakeIntel::Tdx();
    BodyOf<evidence::TdReport>(parts).report_data.bytes[index] ^= 1;
    EXPECT_THAT(JudgeQuote(parts), IsRefused("report-data-mismatch")) << index;
  }
}

TEST_F(Dcap, BytesBehindTheQuoteChangeNothing) {
  FakeQuoteParts parts = FakeIntel::Tdx();
  const Verdict without = JudgeQuote(parts);
  parts.trailing = crypto::RandomBytes(200);
  const Verdict with = JudgeQuote(parts);
  EXPECT_THAT(with, IsTrusted());
  EXPECT_EQ(with.claims, without.claims);
}

TEST_F(Dcap, AQuoteIsJudgedByRulesOfItsOwnKindOnly) {
  const auto evidence = evidence::ParseEvidence(TeeKind::kTdx, intel.Quote(FakeIntel::Tdx()));
  const policy::Policy sgx_only = StrictPolicy(TeeKind::kSgx);
  Question question;
  question.policy = &sgx_only;
  question.now = now;
  EXPECT_THAT(Judge(*evidence, intel.Collateral(TeeKind::kTdx), Anchors(), question),
              IsRefused("tee-not-accepted"));
}

TEST_F(Dcap, WithoutAPolicyAuthenticityAloneIsUndecided) {
  const auto evidence = evidence::ParseEvidence(TeeKind::kTdx, intel.Quote(FakeIntel::Tdx()));
  Question question;
  question.now = now;
  EXPECT_THAT(Judge(*evidence, intel.Collateral(TeeKind::kTdx), Anchors(), question),
              IsUndecided("no-policy"));
}

TEST_F(Dcap, TheRootMayBeLeftOutOnlyWhereItIsKnown) {
  // Certificates of a chain without its root lead nowhere: only the digest of the root's key is pinned.
  FakeQuoteParts parts = FakeIntel::Sgx();
  parts.with_certificates = false;
  intel.replaced[name::kPckChain] = intel.Chain({intel.pck.certificate, intel.pck_ca.certificate});
  EXPECT_THAT(JudgeWith(parts, TrustAnchors::Production()), IsRefused("bad-chain"));
}

TEST_F(Dcap, WhatIntelSignedAndNobodyUnderstandsIsRefused) {
  const std::string odd = R"({"issueDate":"2026-05-01T00:00:00Z","version":9})";
  intel.replaced[name::kTcbInfo] = intel.Sign("tcbInfo", odd, intel.tcb_signer.key);
  EXPECT_THAT(JudgeTdx(), IsRefused("malformed"));
  intel.replaced = {{name::kQeIdentity, intel.Sign("enclaveIdentity", odd, intel.tcb_signer.key)}};
  EXPECT_THAT(JudgeTdx(), IsRefused("malformed"));
  intel.replaced = {{name::kQeIdentity, base::CopyBytes(base::AsBytes(R"({"enclaveIdentity":{}})"))}};
  EXPECT_THAT(JudgeTdx(), IsRefused("unsigned"));
}

TEST_F(Dcap, AChainOfAuthoritiesAloneSignsNothing) {
  intel.replaced[name::kTcbChain] = intel.Chain({intel.pck_ca.certificate, intel.root.certificate});
  EXPECT_THAT(JudgeTdx(), IsRefused("bad-chain"));
}

// A certificate of this name for `key`, by `issuer`; with Intel's extension when it is to look like a platform's.
crypto::Certificate Imitation(std::string_view common_name, const crypto::PublicKey& key,
                              const tests::FakeAuthority& issuer, bool of_platform, bool is_ca = false) {
  crypto::CertificateSpec spec;
  spec.common_name = common_name;
  spec.not_before = FakeIntel::Start();
  spec.not_after = FakeIntel::End();
  spec.is_ca = is_ca;
  if (of_platform) {
    spec.extensions = {{std::string(endorsements::kSgxExtensionOid),
                        FakeIntel::PckExtension(7, 13, "00a06d080000", true), false}};
  }
  return crypto::MakeSigned(spec, key, issuer.certificate, issuer.key).value();
}

TEST_F(Dcap, APlatformsCertificateStandsInOnePlaceOnly) {
  const std::string_view name = "Intel SGX PCK Certificate";
  const crypto::Certificate good = intel.pck.certificate;
  // By the root itself, by a CA of another name, as a CA.
  intel.pck.certificate = Imitation(name, good.public_key(), intel.root, true);
  EXPECT_THAT(JudgeTdx(), IsRefused("bad-chain"));
  const tests::FakeAuthority other = {
      crypto::SigningKey::GenerateP256(),
      Imitation("Intel SGX Other CA", crypto::SigningKey::GenerateP256().public_key(), intel.root, false,
                true)};
  intel.pck.certificate = Imitation(name, good.public_key(), other, true);
  EXPECT_THAT(JudgeTdx(), IsRefused("bad-chain"));
  intel.pck.certificate = Imitation(name, good.public_key(), intel.pck_ca, true, true);
  EXPECT_THAT(JudgeTdx(), IsRefused("bad-chain"));
  intel.pck.certificate = Imitation(name, good.public_key(), intel.pck_ca, true);
  EXPECT_THAT(JudgeTdx(), IsTrusted());
}

TEST_F(Dcap, TheTcbSignerIsTheRootsOwn) {
  // The right name, below a platform's CA.
  const auto imitation =
      Imitation("Intel SGX TCB Signing", intel.tcb_signer.certificate.public_key(), intel.pck_ca, false);
  intel.replaced[name::kTcbChain] =
      intel.Chain({imitation, intel.pck_ca.certificate, intel.root.certificate});
  EXPECT_THAT(JudgeTdx(), IsRefused("bad-chain"));
}

TEST_F(Dcap, APlatformCertificateWithoutReadableLevelsIsRefused) {
  crypto::CertificateSpec spec;
  spec.common_name = "Intel SGX PCK Certificate";
  spec.not_before = FakeIntel::Start();
  spec.not_after = FakeIntel::End();
  spec.extensions = {{std::string(endorsements::kSgxExtensionOid), Bytes{0x30, 0x00}, false}};
  intel.pck.certificate =
      crypto::MakeSigned(spec, intel.pck.key.public_key(), intel.pck_ca.certificate, intel.pck_ca.key)
          .value();
  EXPECT_THAT(JudgeTdx(), IsRefused("bad-certificate"));
}

TEST_F(Dcap, TheClaimsNameEveryAdvisoryAndWhoseItIs) {
  intel.levels[0].advisories = {"INTEL-SA-1", "INTEL-SA-2"};
  intel.modules["TDX_01"][0].advisories = {"INTEL-SA-3"};
  intel.qe_levels[0].advisories = {"INTEL-SA-4"};
  std::string advisories;
  for (const auto& [claim, text] : JudgeTdx().claims)
    if (claim == "advisories") advisories = text;
  EXPECT_EQ(advisories, "INTEL-SA-1,INTEL-SA-2,module:INTEL-SA-3,qe:INTEL-SA-4");
}

TEST_F(Dcap, ABlockThatCannotBeDecidedIsCloserThanOneThatRefuses) {
  policy::Policy policy = StrictPolicy(TeeKind::kTdx);
  policy.accept[0].name = "right";
  policy::AcceptBlock wrong = policy.accept[0];
  wrong.name = "wrong";
  std::get<policy::TdxRules>(wrong.rules).mrtd[0].bytes.fill(9);
  policy.accept = {wrong, policy.accept[0], wrong};
  intel.left_out = {name::kTcbInfo};
  Question question;
  question.policy = &policy;
  question.now = now;
  const auto evidence = evidence::ParseEvidence(TeeKind::kTdx, intel.Quote(FakeIntel::Tdx()));
  const Verdict verdict = Judge(*evidence, intel.Collateral(TeeKind::kTdx), Anchors(), question);
  EXPECT_THAT(verdict, IsUndecided("no-collateral"));
  EXPECT_NE(RenderText(verdict).find("block right"), std::string::npos);
}

TEST_F(Dcap, ABootLogBesideAQuoteIsReplayed) {
  tests::EventLogBuilder log(crypto::HashAlgorithm::kSha384);
  log.Event(3, 13, Bytes{1, 2, 3});
  FakeQuoteParts parts = FakeIntel::Tdx();
  intel.replaced[name::kEventLog] = log.Build();
  EXPECT_THAT(JudgeQuote(parts), IsRefused("replay-mismatch"));
  Bytes extended(48);
  const Bytes digest = crypto::Hash(crypto::HashAlgorithm::kSha384, Bytes{1, 2, 3});
  extended.insert(extended.end(), digest.begin(), digest.end());
  const Bytes value = crypto::Hash(crypto::HashAlgorithm::kSha384, extended);
  std::copy(value.begin(), value.end(), BodyOf<evidence::TdReport>(parts).rtmr[2].bytes.begin());
  EXPECT_THAT(JudgeQuote(parts), IsTrusted());
}

}  // namespace
}  // namespace blindai::verifier
