#include "crypto/certificate_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/certificate_builder.h"
#include "crypto/random.h"

namespace blindai::crypto {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

const base::Time kStart = *base::ParseTime("2026-01-01");
const base::Time kNow = *base::ParseTime("2026-06-01");
const base::Time kEnd = *base::ParseTime("2027-01-01");

CertificateSpec Spec(std::string name, bool is_ca, std::optional<int> path_length = std::nullopt) {
  CertificateSpec spec;
  spec.common_name = std::move(name);
  spec.not_before = kStart;
  spec.not_after = kEnd;
  spec.is_ca = is_ca;
  spec.path_length = path_length;
  return spec;
}

struct Authority {
  SigningKey key;
  Certificate certificate;

  static Authority Root(CertificateSpec spec) {
    SigningKey key = SigningKey::GenerateP256();
    Certificate certificate = MakeSelfSigned(spec, key).value();
    return {std::move(key), std::move(certificate)};
  }
  Authority Issue(const CertificateSpec& spec) const {
    SigningKey issued = SigningKey::GenerateP256();
    Certificate made = MakeSigned(spec, issued.public_key(), certificate, key).value();
    return {std::move(issued), std::move(made)};
  }
  Crl List(std::vector<base::Bytes> serials = {}, base::Time from = kStart, base::Time to = kEnd) const {
    return MakeCrl({from, to, std::move(serials), CertificateSignature::kByKey}, certificate, key).value();
  }
  TrustAnchor Anchor() const {
    return {TrustAnchor::Pins::kPublicKey, certificate.public_key().SpkiSha256()};
  }
};

std::vector<std::string> Codes(const ChainResult& result) {
  std::vector<std::string> codes;
  for (const ChainProblem& problem : result.problems) codes.push_back(problem.code);
  return codes;
}

class CertificateChain : public testing::Test {
 protected:
  std::vector<std::string> Verify(const Certificate& start, std::vector<Certificate> others) {
    result = VerifyChain(start, others, anchors, {at, crl_use, crls});
    return Codes(result);
  }

  Authority root = Authority::Root(Spec("root", true));
  Authority middle = root.Issue(Spec("middle", true, 0));
  Authority leaf = middle.Issue(Spec("leaf", false));
  std::vector<TrustAnchor> anchors = {root.Anchor()};
  std::vector<Crl> crls = {root.List(), middle.List()};
  base::Time at = kNow;
  CrlUse crl_use = CrlUse::kRequired;
  ChainResult result;
};

TEST_F(CertificateChain, IsFoundInAnyOrder) {
  const Certificate& r = root.certificate;
  const Certificate& m = middle.certificate;
  const Certificate& l = leaf.certificate;
  for (const auto& others : {std::vector{m, r}, {r, m}, {l, r, m}, {r, l, m, m}}) {
    EXPECT_THAT(Verify(l, others), IsEmpty());
    EXPECT_EQ(result.path, (std::vector{l, m, r}));
  }
}

TEST_F(CertificateChain, AnAnchorMayBeACertificateOrAnIntermediate) {
  anchors = {{TrustAnchor::Pins::kCertificate, root.certificate.Sha256Fingerprint()}};
  EXPECT_THAT(Verify(leaf.certificate, {root.certificate, middle.certificate}), IsEmpty());
  anchors = {middle.Anchor()};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate}), IsEmpty());
}

TEST_F(CertificateChain, AnotherRootIsWrongRoot) {
  anchors = {Authority::Root(Spec("root", true)).Anchor()};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), ElementsAre("wrong-root"));
  anchors = {};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), ElementsAre("wrong-root"));
}

TEST_F(CertificateChain, AnIssuerOfTheSameNameAndAnotherKeyIsABadSignature) {
  const Authority impostor = root.Issue(Spec("middle", true));
  EXPECT_THAT(Verify(leaf.certificate, {impostor.certificate, root.certificate}),
              ElementsAre("bad-signature"));
}

TEST_F(CertificateChain, AMissingIssuerIsABadChain) {
  EXPECT_THAT(Verify(leaf.certificate, {root.certificate}), ElementsAre("bad-chain"));
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate}), Contains("bad-chain"));
  EXPECT_THAT(Verify(leaf.certificate, {}), ElementsAre("bad-chain"));
}

TEST_F(CertificateChain, ALeafCannotIssue) {
  const Authority below = leaf.Issue(Spec("below", false));
  crls.push_back(leaf.List());
  EXPECT_THAT(Verify(below.certificate, {leaf.certificate, middle.certificate, root.certificate}),
              Contains("bad-chain"));
}

TEST_F(CertificateChain, PathLengthIsHeld) {
  const Authority below = middle.Issue(Spec("below", true));
  const Authority end = below.Issue(Spec("end", false));
  crls.push_back(below.List());
  EXPECT_THAT(Verify(end.certificate, {below.certificate, middle.certificate, root.certificate}),
              ElementsAre("bad-chain"));
}

TEST_F(CertificateChain, AnUnknownCriticalExtensionIsABadChain) {
  CertificateSpec spec = Spec("leaf", false);
  spec.extensions = {{"1.2.3.4", {0x05, 0x00}, true}};
  EXPECT_THAT(Verify(middle.Issue(spec).certificate, {middle.certificate, root.certificate}),
              ElementsAre("bad-chain"));
}

TEST_F(CertificateChain, DatesAreJudgedAtTheGivenTime) {
  at = kEnd;
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), IsEmpty());
  at = kEnd + std::chrono::seconds(1);
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}),
              testing::UnorderedElementsAre("expired", "expired", "expired", "crl-expired", "crl-expired"));
  at = kStart - std::chrono::seconds(1);
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), Contains("not-yet-valid"));
}

TEST_F(CertificateChain, ARevokedCertificateIsRefusedWhereverItStands) {
  crls = {root.List(), middle.List({leaf.certificate.serial()})};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), ElementsAre("revoked"));
  crls = {root.List({middle.certificate.serial()}), middle.List()};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), ElementsAre("revoked"));
}

TEST_F(CertificateChain, AnOldListStillRevokes) {
  crls.push_back(middle.List({leaf.certificate.serial()}, kStart, kStart));
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), ElementsAre("revoked"));
}

TEST_F(CertificateChain, TheListMustBeTheIssuersOwn) {
  // The root's list says nothing about what the intermediate issued.
  crls = {root.List()};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), ElementsAre("crl-missing"));
  // A list in the intermediate's name that another key signed.
  const Authority impostor = root.Issue(Spec("middle", true));
  crls = {root.List(), impostor.List()};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}),
              ElementsAre("crl-bad-signature"));
  // Which cannot revoke either.
  crls = {root.List(), middle.List(), impostor.List({leaf.certificate.serial()})};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), IsEmpty());
}

TEST_F(CertificateChain, OldAndFutureListsAreRefused) {
  crls = {root.List(), middle.List({}, kStart, kNow - std::chrono::days(1))};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), ElementsAre("crl-expired"));
  crls = {root.List(), middle.List({}, kNow + std::chrono::days(1), kEnd)};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}),
              ElementsAre("crl-not-yet-valid"));
}

TEST_F(CertificateChain, ListsCanBeOptionalAndStillRevoke) {
  crl_use = CrlUse::kIfPresent;
  crls = {};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), IsEmpty());
  crls = {middle.List({leaf.certificate.serial()})};
  EXPECT_THAT(Verify(leaf.certificate, {middle.certificate, root.certificate}), ElementsAre("revoked"));
}

TEST_F(CertificateChain, OfTwoRootsWithOneKeyTheGoodOneIsTaken) {
  CertificateSpec old_spec = Spec("root", true);
  old_spec.not_after = kNow - std::chrono::days(1);
  const Certificate old_root = MakeSelfSigned(old_spec, root.key).value();
  EXPECT_THAT(Verify(leaf.certificate, {old_root, middle.certificate, root.certificate}), IsEmpty());
  EXPECT_EQ(result.path.back(), root.certificate);
  EXPECT_THAT(Verify(leaf.certificate, {old_root, middle.certificate}), ElementsAre("expired"));
}

TEST_F(CertificateChain, AllProblemsAreReportedTogether) {
  at = kEnd + std::chrono::days(1);
  anchors = {};
  crls = {root.List(), middle.List({leaf.certificate.serial()})};
  const auto codes = Verify(leaf.certificate, {middle.certificate, root.certificate});
  EXPECT_THAT(codes, Contains("revoked"));
  EXPECT_THAT(codes, Contains("expired"));
  EXPECT_THAT(codes, Contains("crl-expired"));
  EXPECT_THAT(codes, Contains("wrong-root"));
}

TEST_F(CertificateChain, TooManyCertificatesAreRefusedBeforeAnyWork) {
  const std::vector<Certificate> nine(9, root.certificate);
  EXPECT_THAT(Verify(leaf.certificate, nine), ElementsAre("bad-chain"));
}

TEST_F(CertificateChain, CrossSignedLoopsEnd) {
  // CAs of one name and one key: every order of them is a path, none ends in an anchor.
  anchors = {};
  const SigningKey key = SigningKey::GenerateP256();
  std::vector<Certificate> clones;
  for (int i = 0; i < 8; ++i) clones.push_back(MakeSelfSigned(Spec("clone", true), key).value());
  crl_use = CrlUse::kIfPresent;
  const Certificate end = MakeSigned(Spec("end", false), leaf.key.public_key(), clones[0], key).value();
  EXPECT_THAT(Verify(end, clones), testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace blindai::crypto
