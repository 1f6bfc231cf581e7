#include "attestation/verifier/nitro.h"

#include <gtest/gtest.h>

#include "attestation/verifier/appraise.h"
#include "encoding/base64.h"
#include "encoding/hex.h"
#include "support/fake_nitro.h"
#include "support/paths.h"
#include "support/vectors.h"
#include "support/verdict_rows.h"

namespace blindai::verifier {
namespace {

using base::Bytes;
using tests::Explain;
using tests::FakeAws;
using tests::NitroPayload;

const FakeAws& Aws() {
  static const FakeAws aws;
  return aws;
}

evidence::PcrSha384 Pcr(std::uint8_t value) {
  evidence::PcrSha384 pcr;
  pcr.bytes.fill(value);
  return pcr;
}

struct Case {
  NitroPayload payload = Aws().Payload();
  TrustAnchors anchors = Aws().Anchors();
  policy::NitroRules rules;
  Question question;

  Case() {
    rules.pcr = {{0, {Pcr(1)}}, {1, {Pcr(9), Pcr(2)}}, {2, {Pcr(3)}}};
    question.now = tests::kPkiNow + std::chrono::seconds(10);
  }
  Verdict Judged() const { return JudgedAs(Aws().Sign(payload)); }
  Verdict JudgedAs(base::ByteView bytes) const {
    policy::Policy policy;
    policy.accept.push_back({rules, "", 0});
    Question asked = question;
    asked.policy = &policy;
    return JudgeBundle({evidence::TeeKind::kNitro, base::CopyBytes(bytes), {}}, anchors, asked);
  }
  testing::AssertionResult RefusedFor(std::string_view code) const { return Refused(Judged(), code); }
  static testing::AssertionResult Refused(const Verdict& verdict, std::string_view code) {
    if (verdict.outcome == Outcome::kRefused && verdict.Has(code)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << Explain(verdict);
  }
};

TEST(Nitro, AGoodDocumentIsTrusted) {
  const Verdict verdict = Case().Judged();
  EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
}

TEST(Nitro, AnIndefinitePayloadAsHardwareOf2025SendsItIsTrusted) {
  Case one;
  one.payload.indefinite = true;
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
}

TEST(Nitro, ProductionAnchorsRefuseTheTestRoot) {
  Case one;
  one.anchors = TrustAnchors::Production();
  EXPECT_TRUE(one.RefusedFor("wrong-root"));
}

TEST(Nitro, ReportDataStandsInUserData) {
  Case one;
  one.question.report_data.emplace();
  EXPECT_TRUE(one.RefusedFor("report-data-mismatch"));
  one.payload.user_data = Bytes(64);
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
  one.payload.user_data = Bytes(65);
  EXPECT_TRUE(one.RefusedFor("report-data-mismatch"));
}

TEST(Nitro, TheNonceStandsInItsOwnField) {
  Case one;
  one.question.nonce = Bytes{1, 2, 3};
  one.payload.user_data = Bytes{1, 2, 3};
  EXPECT_TRUE(one.RefusedFor("nonce-mismatch"));
  one.payload.nonce = Bytes{1, 2, 3};
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
}

TEST(Nitro, AnyOfTheFirstThreePcrsZeroIsDebug) {
  for (std::size_t index = 0; index < 3; ++index) {
    Case one;
    one.payload.pcrs[index].second = Bytes(48);
    one.rules.pcr = {{static_cast<int>(index), {Pcr(0)}}, {static_cast<int>((index + 1) % 3), {}}};
    EXPECT_TRUE(one.RefusedFor("debug"));
    EXPECT_TRUE(one.RefusedFor("pcr")) << "a reference value of zero accepts nothing";
    one.payload.pcrs.erase(one.payload.pcrs.begin() + static_cast<std::ptrdiff_t>(index));
    EXPECT_TRUE(one.RefusedFor("debug"));
  }
}

TEST(Nitro, OtherPcrsThanThePolicysAreRefused) {
  Case one;
  one.rules.pcr[1] = {Pcr(7)};
  EXPECT_TRUE(one.RefusedFor("pcr"));
  Case missing;
  missing.rules.pcr[20] = {Pcr(7)};
  EXPECT_TRUE(missing.RefusedFor("pcr"));
}

TEST(Nitro, APolicyThatNamesNoImageAcceptsNothing) {
  Case one;
  one.rules.pcr = {};
  EXPECT_TRUE(one.RefusedFor("pcr"));
  one.rules.pcr = {{0, {}}};
  EXPECT_TRUE(one.RefusedFor("pcr"));
  one.payload.pcrs[8].second = Bytes(48, 8);
  one.rules.pcr = {{8, {Pcr(8)}}};
  EXPECT_TRUE(one.RefusedFor("pcr")) << "PCR 8 names a signer, not an image";
}

TEST(Nitro, AnOldDocumentIsRefused) {
  Case one;
  one.question.now = tests::kPkiNow + std::chrono::seconds(301);
  EXPECT_TRUE(one.RefusedFor("document-age"));
  one.rules.maximum_age_s = 301;
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
  one.question.now = tests::kPkiNow + std::chrono::hours(4);
  EXPECT_TRUE(one.RefusedFor("expired"));
}

TEST(Nitro, ATimestampOutsideTheCertificateOrInTheFutureIsRefused) {
  for (const std::uint64_t seconds : {std::uint64_t{1}, std::uint64_t{1'000'000}}) {
    Case early;
    early.payload.timestamp_ms -= seconds * 100'000;
    EXPECT_TRUE(early.RefusedFor("not-yet-valid"));
  }
  Case late;
  late.payload.timestamp_ms += 400'000;
  EXPECT_TRUE(late.RefusedFor("not-yet-valid"));
  late.payload.timestamp_ms = ~std::uint64_t{0};
  EXPECT_TRUE(late.RefusedFor("not-yet-valid"));
}

TEST(Nitro, TheRootMustStandFirst) {
  Case one;
  std::swap(one.payload.cabundle[0], one.payload.cabundle[1]);
  EXPECT_TRUE(one.RefusedFor("wrong-root"));
}

TEST(Nitro, NestedCertificatesInOtherPlacesAreRefused) {
  Case leaf_is_ca;
  leaf_is_ca.payload.certificate = Aws().zone().certificate.der();
  EXPECT_TRUE(leaf_is_ca.RefusedFor("bad-chain"));
  EXPECT_TRUE(leaf_is_ca.RefusedFor("bad-signature"));
  Case no_zone;
  no_zone.payload.cabundle.pop_back();
  EXPECT_TRUE(no_zone.RefusedFor("bad-chain"));
  Case other_zone;
  other_zone.payload.cabundle[1] = FakeAws().zone().certificate.der();
  EXPECT_TRUE(other_zone.RefusedFor("bad-chain"));
  Case other_leaf;
  other_leaf.payload.certificate = FakeAws().Payload().certificate;
  EXPECT_TRUE(other_leaf.RefusedFor("bad-chain"));
  EXPECT_TRUE(other_leaf.RefusedFor("bad-signature"));
  Case garbage;
  garbage.payload.cabundle[1] = {0x30, 0x00};
  EXPECT_TRUE(garbage.RefusedFor("malformed"));
  garbage = Case();
  garbage.payload.certificate = {0x30, 0x00};
  EXPECT_TRUE(garbage.RefusedFor("malformed"));
}

TEST(Nitro, ACertificateAuthorityBelowTheLeafsLevelIsRefused) {
  // The zone's certificate without CA:TRUE signs a leaf.
  const auto zone =
      tests::MakeAuthority(tests::PkiSpec("no CA"), crypto::SigningKey::GenerateP384(), Aws().root());
  Case one;
  one.payload.certificate =
      tests::Issue(tests::PkiSpec("leaf"), Aws().enclave_key().public_key(), zone).der();
  one.payload.cabundle[1] = zone.certificate.der();
  EXPECT_TRUE(one.RefusedFor("bad-chain"));
}

TEST(Nitro, EveryBitOfTheSignedPartsCounts) {
  const Case one;
  const Bytes document = Aws().Sign(one.payload);
  ASSERT_EQ(one.JudgedAs(document).outcome, Outcome::kTrusted);
  for (std::size_t bit = 0; bit < document.size() * 8; bit += tests::SignedBitStep(61)) {
    ASSERT_EQ(one.JudgedAs(tests::WithBitFlipped(document, bit)).outcome, Outcome::kRefused) << "bit " << bit;
  }
}

TEST(Nitro, EveryTruncationIsRefused) {
  const Case one;
  const Bytes document = Aws().Sign(one.payload);
  for (std::size_t size = 0; size < document.size(); ++size) {
    ASSERT_TRUE(one.JudgedAs(base::ByteView(document).first(size)).Has("malformed")) << size;
  }
}

// ---- the table ----

// Some documents stand as hex text in a DNS name of an X.509 certificate: the longest run of hex digits.
Bytes DocumentInCertificate(base::ByteView file) {
  const auto certificate = base::AsText(file).starts_with("-----")
                               ? crypto::Certificate::FromPem(base::AsText(file))
                               : crypto::Certificate::FromDer(file);
  if (!certificate.ok()) return {};
  const Bytes names = certificate->extension("2.5.29.17").value_or(Bytes());
  std::string_view rest = base::AsText(names);
  std::string_view longest;
  while (!rest.empty()) {
    const std::size_t start = std::min(rest.find_first_of("0123456789abcdef"), rest.size());
    rest.remove_prefix(start);
    const std::size_t length = std::min(rest.find_first_not_of("0123456789abcdef"), rest.size());
    if (length > longest.size()) longest = rest.substr(0, length);
    rest.remove_prefix(length);
  }
  return tests::FromHex(longest);
}

Bytes DocumentOf(const tests::VectorRow& row) {
  Bytes bytes = tests::ReadVector(row["document"]);
  if (row["encoding"].starts_with("hex text")) return DocumentInCertificate(bytes);
  if (row["encoding"] != "base64") return bytes;
  while (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();
  return *encoding::Base64Decode(base::AsText(bytes));
}

TEST(Nitro, RealDocumentsGetTheVerdictOfTheTable) {
  const auto rows = tests::ReadVectorTable("verdicts_nitro.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  for (const auto& row : rows) {
    SCOPED_TRACE("line " + std::to_string(row.line()) + ": " + row["document"]);
    const Bytes bytes = DocumentOf(row);
    ASSERT_EQ(std::to_string(bytes.size()), row["bytes"]);
    Case one;
    one.anchors = TrustAnchors::Production();
    if (row["code"] == "wrong-root") {
      one.anchors = TrustAnchors();
      const auto root =
          crypto::Certificate::FromPem(base::AsText(tests::ReadVector("nitro/fortanix/unknown_ca.crt")));
      one.anchors.AddExtra("another root", root->public_key().SpkiSha256(), root->der());
    }
    one.question.now = *base::ParseTime(row["evaluate_at"]);
    one.rules.pcr.clear();
    if (const auto document = evidence::ParseNitroDocument(bytes); document.ok()) {
      for (const auto& [index, pcr] : document->pcrs) {
        if (!pcr.is_zero()) one.rules.pcr[index] = {pcr};
      }
    }
    const Verdict verdict = one.JudgedAs(bytes);
    if (row["verdict"] == "accept") {
      EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
      one.question.now = *base::ParseTime(row["valid_to"]) + std::chrono::days(1);
      EXPECT_TRUE(Case::Refused(one.JudgedAs(bytes), "expired"));
    } else {
      EXPECT_TRUE(Case::Refused(verdict, row["code"]));
    }
  }
}

}  // namespace
}  // namespace blindai::verifier
