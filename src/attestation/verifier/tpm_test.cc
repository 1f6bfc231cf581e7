#include "attestation/verifier/tpm.h"

#include <gtest/gtest.h>

#include "attestation/endorsements/certificate_list.h"
#include "attestation/evidence/dcap_quote.h"
#include "attestation/evidence/envelope.h"
#include "attestation/evidence/protobuf_fields.h"
#include "attestation/verifier/appraise.h"
#include "attestation/verifier/event_log.h"
#include "base/byte_writer.h"
#include "encoding/der.h"
#include "encoding/hex.h"
#include "encoding/pem.h"
#include "support/fake_tpm.h"
#include "support/log_builder.h"
#include "support/paths.h"
#include "support/vectors.h"
#include "support/verdict_rows.h"

namespace blindai::verifier {
namespace {

using base::Bytes;
using evidence::TpmAlgorithm;
using tests::EventLogBuilder;
using tests::Explain;
using tests::FakeTpm;
using tests::TpmQuoteSpec;

const FakeTpm& Tpm() {
  static const FakeTpm tpm;
  return tpm;
}

evidence::PcrSha256 Pcr(std::uint8_t value) {
  evidence::PcrSha256 pcr;
  pcr.bytes.fill(value);
  return pcr;
}

evidence::SpkiSha256 Pin(const crypto::PublicKey& key) {
  evidence::SpkiSha256 pin;
  pin.bytes = key.SpkiSha256().bytes;
  return pin;
}

struct Case {
  TpmQuoteSpec quote;
  std::vector<evidence::NamedBytes> endorsements;
  TrustAnchors anchors = Tpm().Anchors();
  policy::TpmRules rules;
  Question question;

  Case() {
    Take(Tpm().Endorsements());
    rules.pcr_sha256 = {{4, {Pcr(9), Pcr(4)}}, {7, {Pcr(7)}}};
    question.now = tests::kPkiNow;
  }
  void Take(const endorsements::Endorsements& bundle) {
    endorsements.clear();
    for (const auto& entry : bundle.entries()) endorsements.push_back({entry.name, entry.bytes});
  }
  void Set(std::string_view name, Bytes bytes) {
    Remove(name);
    endorsements.push_back({std::string(name), std::move(bytes)});
  }
  void Remove(std::string_view name) {
    std::erase_if(endorsements, [name](const auto& entry) { return entry.name == name; });
  }
  Verdict Judged() const { return JudgedAs(Tpm().Quote(quote)); }
  Verdict JudgedAs(base::ByteView bytes) const {
    policy::Policy policy;
    policy.accept.push_back({rules, "", 0});
    Question asked = question;
    asked.policy = &policy;
    return JudgeBundle({evidence::TeeKind::kTpm, base::CopyBytes(bytes), endorsements}, anchors, asked);
  }
  testing::AssertionResult RefusedFor(std::string_view code) const { return Refused(Judged(), code); }
  static testing::AssertionResult Refused(const Verdict& verdict, std::string_view code) {
    if (verdict.outcome == Outcome::kRefused && verdict.Has(code)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << Explain(verdict);
  }
  testing::AssertionResult Trusted() const {
    const Verdict verdict = Judged();
    if (verdict.outcome == Outcome::kTrusted) return testing::AssertionSuccess();
    return testing::AssertionFailure() << Explain(verdict);
  }
};

TEST(Tpm, AGoodQuoteIsTrusted) { EXPECT_TRUE(Case().Trusted()); }

TEST(Tpm, EveryKindOfKeyAndSchemeIsVerified) {
  for (const auto hash : {TpmAlgorithm::kSha256, TpmAlgorithm::kSha384, TpmAlgorithm::kSha512}) {
    for (const auto scheme : {TpmAlgorithm::kRsaSsa, TpmAlgorithm::kRsaPss}) {
      Case one;
      one.quote.hash = hash;
      one.quote.scheme = scheme;
      EXPECT_TRUE(one.Trusted());
    }
  }
  for (const bool p384 : {false, true}) {
    const FakeTpm ecc(p384 ? crypto::SigningKey::GenerateP384() : crypto::SigningKey::GenerateP256());
    Case one;
    one.quote.scheme = TpmAlgorithm::kEcdsa;
    one.Take(ecc.Endorsements());
    one.anchors = ecc.Anchors();
    const Verdict verdict = one.JudgedAs(ecc.Quote(one.quote));
    EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
  }
}

TEST(Tpm, ProductionAnchorsRefuseTheTestCa) {
  Case one;
  one.anchors = TrustAnchors::Production();
  EXPECT_TRUE(one.RefusedFor("wrong-root"));
}

TEST(Tpm, NobodyVouchesForAKeyThatCameAlone) {
  Case one;
  one.Remove("ak-chain");
  EXPECT_TRUE(one.RefusedFor("ak-unknown"));
  one.rules.ak = {Pin(Tpm().ca().certificate.public_key())};
  EXPECT_TRUE(one.RefusedFor("ak-unknown"));
  one.rules.ak = {Pin(Tpm().ak())};
  EXPECT_TRUE(one.Trusted());
}

TEST(Tpm, AKeyCanBeAnAnchorItself) {
  Case one;
  one.Remove("ak-chain");
  one.anchors.AddExtra("my machine", Tpm().ak().SpkiSha256(), {});
  EXPECT_TRUE(one.Trusted());
}

TEST(Tpm, APinnedListExcludesOtherKeysAlsoWhenACaVouches) {
  Case one;
  one.rules.ak = {Pin(Tpm().ca().certificate.public_key())};
  EXPECT_TRUE(one.RefusedFor("ak-unknown"));
}

TEST(Tpm, WithoutAPolicyItIsSaidThatNobodyVouches) {
  const auto judged = [](const endorsements::Endorsements& endorsements) {
    Question question;
    question.now = tests::kPkiNow;
    return Judge(*evidence::ParseTpmEvidence(Tpm().Quote()), endorsements, Tpm().Anchors(), question);
  };
  endorsements::Endorsements key_alone;
  ASSERT_TRUE(key_alone.Add("ak", Tpm().PublicArea()).ok());
  EXPECT_EQ(judged(key_alone).outcome, Outcome::kUndecided);
  EXPECT_TRUE(judged(key_alone).Has("ak-unknown"));
  EXPECT_TRUE(judged(Tpm().Endorsements()).Has("no-policy"));
  EXPECT_FALSE(judged(Tpm().Endorsements()).Has("ak-unknown"));
}

TEST(Tpm, WithoutAnyKeyItIsUndecided) {
  Case one;
  one.endorsements.clear();
  EXPECT_EQ(one.Judged().outcome, Outcome::kUndecided);
  EXPECT_TRUE(one.Judged().Has("ak-unknown"));
}

TEST(Tpm, TheKeyComesInManyForms) {
  for (const Bytes& form :
       {Tpm().PublicArea(), Tpm().ak().spki_der(), Tpm().Certificate().der(),
        tests::PemOf({Tpm().Certificate()}),
        base::CopyBytes(base::AsBytes(encoding::PemEncode("PUBLIC KEY", Tpm().ak().spki_der())))}) {
    Case one;
    one.Set("ak", form);
    EXPECT_TRUE(one.Trusted());
  }
  for (const Bytes& form : {Bytes{}, Bytes{0}, Bytes{0x30}, Bytes{1, 2, 3}}) {
    Case one;
    one.Set("ak", form);
    EXPECT_TRUE(one.RefusedFor("malformed"));
  }
  for (const char* name : {"ak-chain", "hardware-report"}) {
    Case one;
    one.Set(name, Bytes{1, 2, 3});
    EXPECT_TRUE(one.RefusedFor("malformed"));
  }
}

TEST(Tpm, AKeyOfAnUnknownCurveOrOffItsCurveIsRefused) {
  const FakeTpm ecc(crypto::SigningKey::GenerateP256());
  Bytes area = ecc.PublicArea();
  Case off_curve;
  area.back() ^= 1;
  off_curve.Set("ak", area);
  EXPECT_TRUE(off_curve.RefusedFor("malformed"));
  area.back() ^= 1;
  Case p521;
  area[15] = 5;  // TPM_ECC_NIST_P521
  p521.Set("ak", area);
  EXPECT_TRUE(p521.RefusedFor("malformed"));
}

// Google's certificates say which machine the key is of.
Case WithGceInstance(const Bytes& content) {
  crypto::CertificateSpec spec = tests::PkiSpec("test AK");
  spec.extensions = {{"1.3.6.1.4.1.11129.2.1.21", content}};
  Case one;
  one.Set("ak-chain", tests::PemOf({tests::Issue(spec, Tpm().ak(), Tpm().ca()), Tpm().ca().certificate}));
  return one;
}

TEST(Tpm, TheInstanceOfACertificateIsAClaimAndMustBeReadable) {
  using encoding::DerEncode;
  const auto text = [](std::string_view word) {
    return DerEncode(encoding::kDerUtf8String, base::AsBytes(word));
  };
  Bytes fields;
  for (const Bytes& field : {text("europe-west4-a"), encoding::DerEncodeUnsigned(7), text("clinic"),
                             encoding::DerEncodeUnsigned(8), text("speech-1")}) {
    fields.insert(fields.end(), field.begin(), field.end());
  }
  const Case named = WithGceInstance(DerEncode(encoding::kDerSequence, fields));
  EXPECT_TRUE(named.Trusted());
  std::string instance;
  for (const auto& [claim, value] : named.Judged().claims)
    if (claim == "gce_instance") instance = value;
  EXPECT_EQ(instance, "clinic europe-west4-a speech-1");
  EXPECT_TRUE(WithGceInstance(Bytes{0x30, 0x00}).RefusedFor("malformed"));
}

TEST(Tpm, AnEcdsaSignatureLongerThanTheKeyIsRefused) {
  const FakeTpm ecc(crypto::SigningKey::GenerateP256());
  Case one;
  one.quote.scheme = TpmAlgorithm::kEcdsa;
  one.Take(ecc.Endorsements());
  one.anchors = ecc.Anchors();
  const Bytes attest = ecc.Attest(one.quote);
  for (const auto& [r, s] : {std::pair<std::uint16_t, std::uint16_t>{33, 32}, {32, 33}}) {
    base::ByteWriter signature;
    signature.U16Big(0x0018).U16Big(0x000B).U16Big(r).Append(Bytes(r, 1)).U16Big(s).Append(Bytes(s, 1));
    EXPECT_TRUE(
        Case::Refused(one.JudgedAs(evidence::SerializeTpmEvidence(attest, signature.view(), one.quote.pcrs)),
                      "bad-signature"));
  }
}

TEST(Tpm, ACertificateForAnotherKeyIsRefused) {
  const FakeTpm other;
  Case one;
  one.Set("ak", other.PublicArea());
  EXPECT_TRUE(one.RefusedFor("ak-unknown"));
  Case swapped;
  swapped.Take(other.Endorsements());
  swapped.anchors = other.Anchors();
  EXPECT_TRUE(swapped.RefusedFor("bad-signature"));
}

TEST(Tpm, ACertificateOfAnotherUseIsRefused) {
  Case one;
  one.Set("ak-chain", tests::PemOf({Tpm().ca().certificate}));
  one.Remove("ak");
  EXPECT_TRUE(one.RefusedFor("ak-attributes"));
}

TEST(Tpm, NestedCertificatesInOtherPlacesAreRefused) {
  const FakeTpm other;
  Case one;
  one.Set("ak-chain", tests::PemOf({Tpm().Certificate(), other.ca().certificate}));
  EXPECT_TRUE(one.RefusedFor("bad-chain"));
  one.Set("ak-chain", tests::PemOf({Tpm().ca().certificate, Tpm().Certificate()}));
  EXPECT_EQ(one.Judged().outcome, Outcome::kRefused);
}

TEST(Tpm, AnExpiredCertificateIsRefused) {
  Case one;
  one.question.now = tests::kPkiEnd + std::chrono::days(1);
  EXPECT_TRUE(one.RefusedFor("expired"));
}

TEST(Tpm, EachAttributeOfTheKeyIsNeeded) {
  constexpr std::uint32_t kGood = 0x00050072;
  for (const unsigned bit : {1u, 4u, 5u, 16u, 18u}) {
    Case one;
    one.Set("ak", Tpm().PublicArea(kGood & ~(1u << bit)));
    EXPECT_TRUE(one.RefusedFor("ak-attributes")) << bit;
  }
  Case decrypts;
  decrypts.Set("ak", Tpm().PublicArea(kGood | 1u << 17));
  EXPECT_TRUE(decrypts.RefusedFor("ak-attributes"));
}

TEST(Tpm, WeakHashesAreRefused) {
  Case signature;
  signature.quote.hash = TpmAlgorithm::kSha1;
  EXPECT_TRUE(signature.RefusedFor("weak-hash"));
  Case bank;
  bank.quote.selections.push_back({TpmAlgorithm::kSha1, 1});
  bank.quote.pcrs.push_back({TpmAlgorithm::kSha1, 0, Bytes(20)});
  EXPECT_TRUE(bank.RefusedFor("weak-hash"));
  bank.quote.selections.back().bank = TpmAlgorithm::kSm3;
  EXPECT_TRUE(bank.RefusedFor("weak-hash"));
}

TEST(Tpm, AQuoteWithoutANonceIsRefused) {
  Case one;
  one.quote.nonce.clear();
  EXPECT_TRUE(one.RefusedFor("no-nonce"));
}

TEST(Tpm, ReportDataIsBoundByItsDigest) {
  Case one;
  one.question.report_data.emplace();
  one.question.report_data->bytes.fill(3);
  EXPECT_TRUE(one.RefusedFor("report-data-mismatch"));
  one.quote.nonce = base::CopyBytes(crypto::Sha256(one.question.report_data->view()).view());
  EXPECT_TRUE(one.Trusted());
  one.question.report_data.reset();
  one.question.nonce = one.quote.nonce;
  EXPECT_TRUE(one.Trusted());
  one.question.nonce->back() ^= 1;
  EXPECT_TRUE(one.RefusedFor("nonce-mismatch"));
}

TEST(Tpm, PcrValuesOtherThanTheSignedAreRefused) {
  const TpmQuoteSpec spec;
  const Bytes attest = Tpm().Attest(spec);
  const Bytes signature = Tpm().Signature(spec, attest);
  const Case one;
  auto pcrs = spec.pcrs;
  pcrs[4].digest[0] ^= 1;
  EXPECT_TRUE(
      Case::Refused(one.JudgedAs(evidence::SerializeTpmEvidence(attest, signature, pcrs)), "pcr-digest"));
  pcrs = spec.pcrs;
  pcrs.erase(pcrs.begin() + 7);
  EXPECT_TRUE(
      Case::Refused(one.JudgedAs(evidence::SerializeTpmEvidence(attest, signature, pcrs)), "pcr-digest"));
  // A value that is not selected is nobody's word: it changes nothing and is not shown.
  pcrs = spec.pcrs;
  pcrs[12].digest[0] ^= 1;
  const Verdict verdict = one.JudgedAs(evidence::SerializeTpmEvidence(attest, signature, pcrs));
  EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
  for (const auto& [name, text] : verdict.claims) EXPECT_NE(name, "pcr12_sha256");
}

TEST(Tpm, PcrsThatThePolicyDoesNotAcceptAreRefused) {
  Case one;
  one.rules.pcr_sha256[4] = {Pcr(5)};
  EXPECT_TRUE(one.RefusedFor("pcr"));
  one.rules.pcr_sha256[4] = {Pcr(5), Pcr(6)};
  EXPECT_TRUE(one.RefusedFor("pcr"));
  Case unselected;
  unselected.rules.pcr_sha256[12] = {Pcr(12)};
  EXPECT_TRUE(unselected.RefusedFor("pcr"));
  Case other_bank;
  other_bank.rules.pcr_sha384[4] = {{}};
  EXPECT_TRUE(other_bank.RefusedFor("pcr"));
  Case none;
  none.rules.pcr_sha256.clear();
  EXPECT_TRUE(none.RefusedFor("pcr"));
  Case empty;
  empty.rules.pcr_sha256 = {{4, {}}};
  EXPECT_TRUE(empty.RefusedFor("pcr"));
}

TEST(Tpm, SeveralBanksAreDigestedInTheirOrder) {
  Case one;
  for (std::uint8_t index = 0; index < 24; ++index) {
    one.quote.pcrs.push_back({TpmAlgorithm::kSha384, index, Bytes(48, index)});
  }
  one.quote.selections = {{TpmAlgorithm::kSha384, 0x80}, {TpmAlgorithm::kSha256, 0x90}};
  EXPECT_TRUE(one.Trusted());
  evidence::PcrSha384 seven;
  seven.bytes.fill(7);
  one.rules.pcr_sha384[7] = {seven};
  EXPECT_TRUE(one.Trusted());
  seven.bytes.fill(8);
  one.rules.pcr_sha384[7] = {seven};
  EXPECT_TRUE(one.RefusedFor("pcr"));
}

TEST(Tpm, AnEndorsementKeyListCannotBeMet) {
  Case one;
  one.rules.ek = {Pin(Tpm().ak())};
  EXPECT_TRUE(one.RefusedFor("platform"));
}

TEST(Tpm, HardwareThatThePolicyDemandsMustBeThere) {
  Case one;
  one.rules.over_snp.emplace();
  EXPECT_TRUE(one.RefusedFor("hardware-report"));
  one.rules.over_snp.reset();
  one.rules.over_tdx.emplace();
  EXPECT_TRUE(one.RefusedFor("hardware-report"));
}

// PCRs that a log leads to, and the log.
struct LoggedCase : Case {
  EventLogBuilder log;
  LoggedCase() {
    rules.pcr_sha256 = {{4, {}}};
    rules.require_event_log = true;
  }
  void Finish() {
    const auto replayed = ReplayOf(log);
    for (const auto& [index, value] : replayed) quote.Pcr(static_cast<std::uint8_t>(index)).digest = value;
    evidence::PcrSha256 four;
    std::copy_n(quote.Pcr(4).digest.begin(), 32, four.bytes.begin());
    rules.pcr_sha256[4] = {four};
    Set("event-log", log.Build());
  }
  static RegisterValues ReplayOf(const EventLogBuilder& builder) {
    return *ReplayLog(*evidence::ParseTpmEventLog(builder.Build()), TpmAlgorithm::kSha256,
                      LogRegisters::kPcr);
  }
};

TEST(Tpm, AnEventLogThatReplaysIsTrusted) {
  LoggedCase one;
  one.log.SecureBoot(1).Separator(4).Separator(7);
  one.Finish();
  one.rules.require_secure_boot = true;
  EXPECT_TRUE(one.Trusted());
}

TEST(Tpm, AnEventLogThatDoesNotReplayIsRefused) {
  LoggedCase one;
  one.log.Separator(4).Separator(7);
  one.Finish();
  one.Set("event-log", EventLogBuilder().Separator(4).Separator(4).Build());
  EXPECT_TRUE(one.RefusedFor("replay-mismatch"));
  one.Set("event-log", Bytes{1, 2, 3});
  EXPECT_TRUE(one.RefusedFor("event-log"));
  one.Remove("event-log");
  EXPECT_TRUE(one.RefusedFor("event-log"));
}

TEST(Tpm, ASecondSeparatorIsRefusedThoughItReplays) {
  LoggedCase one;
  one.log.Separator(4).Separator(4);
  one.Finish();
  EXPECT_TRUE(one.RefusedFor("event-log"));
}

TEST(Tpm, SecureBootNeedsASignedPcrSeven) {
  LoggedCase off;
  off.log.SecureBoot(0).Separator(4);
  off.Finish();
  off.rules.require_secure_boot = true;
  EXPECT_TRUE(off.RefusedFor("secure-boot"));
  LoggedCase unsigned_pcr;
  unsigned_pcr.log.SecureBoot(1).Separator(4);
  unsigned_pcr.Finish();
  unsigned_pcr.rules.require_secure_boot = true;
  EXPECT_TRUE(unsigned_pcr.Trusted());
  unsigned_pcr.quote.selections = {{TpmAlgorithm::kSha256, 0b10000}};
  EXPECT_TRUE(unsigned_pcr.RefusedFor("secure-boot"));
  Case no_log;
  no_log.rules.require_secure_boot = true;
  EXPECT_TRUE(no_log.RefusedFor("secure-boot"));
}

TEST(Tpm, ALogWithoutTheBankIsRefused) {
  LoggedCase one;
  one.log.Separator(4);
  one.Finish();
  one.quote.pcrs.push_back({TpmAlgorithm::kSha384, 4, Bytes(48)});
  one.quote.selections.push_back({TpmAlgorithm::kSha384, 0b10000});
  EXPECT_TRUE(one.RefusedFor("event-log"));
}

TEST(Tpm, EveryBitOfTheAttestationAndTheSignatureCounts) {
  const Case one;
  const TpmQuoteSpec spec;
  const Bytes attest = Tpm().Attest(spec);
  const Bytes signature = Tpm().Signature(spec, attest);
  for (std::size_t bit = 0; bit < attest.size() * 8; bit += tests::SignedBitStep(3)) {
    const Bytes flipped = tests::WithBitFlipped(attest, bit);
    ASSERT_EQ(one.JudgedAs(evidence::SerializeTpmEvidence(flipped, signature, spec.pcrs)).outcome,
              Outcome::kRefused)
        << bit;
  }
  for (std::size_t bit = 0; bit < signature.size() * 8; bit += tests::BitStep(17)) {
    const Bytes flipped = tests::WithBitFlipped(signature, bit);
    ASSERT_EQ(one.JudgedAs(evidence::SerializeTpmEvidence(attest, flipped, spec.pcrs)).outcome,
              Outcome::kRefused)
        << bit;
  }
}

TEST(Tpm, EveryTruncationIsRefused) {
  const Case one;
  const Bytes quote = Tpm().Quote();
  for (std::size_t size = 0; size < quote.size(); ++size) {
    ASSERT_EQ(one.JudgedAs(base::ByteView(quote).first(size)).outcome, Outcome::kRefused) << size;
  }
}

// ---- the table ----

struct TableCase {
  const tests::VectorRow& row;
  evidence::EvidenceBundle bundle;

  static std::string Folder(std::string_view file) {
    return std::string(file.substr(0, file.rfind('/') + 1));
  }
  // Opens the files of the row as `blindai verify` would.
  explicit TableCase(const tests::VectorRow& of) : row(of) {
    const auto files = tests::SplitReferences(row["evidence"]);
    if (files[0].ends_with(".msg")) {
      const auto attest = evidence::ParseTpmAttest(tests::ReadVector(files[0]));
      EXPECT_TRUE(attest.ok());
      bundle = {evidence::TeeKind::kTpm,
                evidence::SerializeTpmEvidence(attest->raw, RsaSignature(tests::ReadVector(files[1])), {}),
                {}};
    } else {
      auto envelope = evidence::OpenEnvelope(tests::ReadVector(files[0]));
      EXPECT_TRUE(envelope.ok()) << envelope.error().message;
      if (envelope.ok()) bundle = std::move(envelope->bundle);
    }
    for (const std::string& file : files) {
      if (file.ends_with("hcl-report.bin")) Add("hardware-report", tests::ReadVector(file));
      if (file.ends_with("td-quote.bin")) Add("td-quote", tests::ReadVector(file));
    }
    if (row["ak_source"] == "akpub.pem (PEM)") Add("ak", tests::ReadVector(Folder(files[0]) + "akpub.pem"));
    const bool snp = files[0].find("az-snp") != std::string::npos;
    if (snp && files.size() > 1) Add("leaf", tests::ReadVector(Folder(files[0]) + "vcek.pem"));
    const bool genoa = row["binding_to_tee"].find("(Genoa)") != std::string::npos;
    if (snp)
      Add("chain", tests::ReadVector(genoa ? "snp/go-sev-guest/ask_ark_genoa.pem"
                                           : "snp/go-sev-guest/ask_ark_milan.pem"));
  }
  static Bytes RsaSignature(base::ByteView signature) {
    base::ByteWriter writer;
    writer.U16Big(0x0014)
        .U16Big(0x000B)
        .U16Big(static_cast<std::uint16_t>(signature.size()))
        .Append(signature);
    return std::move(writer).Take();
  }
  void Add(std::string name, Bytes bytes) {
    bundle.endorsements.push_back({std::move(name), std::move(bytes)});
  }

  // PCR 4 as it is, and for Azure the paravisor's report with everything that it says.
  policy::TpmRules Rules() const {
    policy::TpmRules rules;
    const auto evidence = evidence::ParseTpmEvidence(bundle.evidence);
    if (!evidence.ok()) return rules;
    for (const auto& pcr : evidence->pcrs) {
      if (pcr.index != 4 || pcr.bank != TpmAlgorithm::kSha256) continue;
      evidence::PcrSha256 value;
      std::copy_n(pcr.digest.begin(), 32, value.bytes.begin());
      rules.pcr_sha256[4] = {value};
    }
    for (const auto& entry : bundle.endorsements) {
      if (entry.name != "hardware-report") continue;
      const auto hcl = evidence::ParseHclReport(entry.bytes);
      EXPECT_TRUE(hcl.ok());
      if (hcl->hardware == evidence::HclHardware::kTdx) {
        rules.over_tdx = TdxRulesOfQuote();
        continue;
      }
      const auto snp = evidence::ParseSnpReport(hcl->hardware_report);
      rules.over_snp.emplace();
      rules.over_snp->measurement = {snp->measurement};
      rules.over_snp->host_data = {snp->host_data};
      rules.over_snp->minimum_tcb = {{evidence::SnpProduct::kMilan, {}}, {evidence::SnpProduct::kGenoa, {}}};
    }
    return rules;
  }
  policy::TdxRules TdxRulesOfQuote() const {
    policy::TdxRules rules;
    for (const auto& entry : bundle.endorsements) {
      if (entry.name != "td-quote") continue;
      const auto quote = evidence::ParseDcapQuote(entry.bytes);
      if (!quote.ok() || quote->td() == nullptr) continue;
      rules.mrtd = {quote->td()->mrtd};
      rules.td_attributes = {quote->td()->td_attributes};
      rules.xfam = {quote->td()->xfam};
    }
    return rules;
  }
  Verdict Judged(base::Time now, const policy::TpmRules& rules) const {
    policy::Policy policy;
    policy.accept.push_back({rules, "", 0});
    Question question;
    question.policy = &policy;
    question.now = now;
    const std::string nonce = row["nonce_hex"] == "empty" ? "" : row["nonce_hex"];
    if (!nonce.empty()) question.nonce = tests::FromHex(nonce);
    return JudgeBundle(bundle, TrustAnchors::Production(), question);
  }
};

std::string ClaimOf(const Verdict& verdict, std::string_view name) {
  for (const auto& [claim, text] : verdict.claims) {
    if (claim == name) return text;
  }
  return "";
}

void JudgeQuoteRow(const tests::VectorRow& row) {
  const TableCase one(row);
  const base::Time at = row["evaluate_at"].empty() ? tests::kPkiNow : *base::ParseTime(row["evaluate_at"]);
  const Verdict verdict = one.Judged(at, one.Rules());
  if (row["verdict"] == "accept") {
    EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
    EXPECT_TRUE(Case::Refused(
        one.Judged(*base::ParseTime(row["valid_to"]) + std::chrono::days(1), one.Rules()), "expired"));
    return;
  }
  const bool undecided = row["verdict"] == "undecided";
  EXPECT_EQ(verdict.outcome, undecided ? Outcome::kUndecided : Outcome::kRefused) << Explain(verdict);
  EXPECT_TRUE(verdict.Has(row["code"])) << Explain(verdict);
  if (row["verdict"] == "policy") {
    policy::TpmRules pinning = one.Rules();
    pinning.ak = {*encoding::HexDecodeFixed<evidence::SpkiSha256>(ClaimOf(verdict, "attestation_key"))};
    EXPECT_EQ(one.Judged(at, pinning).outcome, Outcome::kTrusted) << Explain(one.Judged(at, pinning));
  }
}

// An HCL report alone: what its hardware report establishes.
FindingList JudgedHcl(const std::string& file, const endorsements::Endorsements& endorsements) {
  FindingList findings;
  const auto hcl = evidence::ParseHclReport(tests::ReadVector(file));
  EXPECT_TRUE(hcl.ok());
  EXPECT_FALSE(AuthenticateHcl(*hcl, endorsements, TrustAnchors::Production(), tests::kPkiNow, findings));
  return findings;
}

bool HasCode(const FindingList& findings, std::string_view code) {
  return std::any_of(findings.findings().begin(), findings.findings().end(),
                     [code](const Finding& finding) { return finding.code == code; });
}

void JudgeHclRow(const tests::VectorRow& row) {
  FindingList findings = JudgedHcl(row["evidence"], {});
  EXPECT_EQ(findings.Conclude(), Outcome::kUndecided);
  EXPECT_TRUE(HasCode(findings, row["code"]));
  if (row["code"] != "no-vcek") return;
  // The chain of another chip that lies beside it.
  endorsements::Endorsements other;
  ASSERT_TRUE(other.Add("leaf", tests::ReadVector("tpm/azure-cvm-tooling/certs.pem")).ok());
  FindingList refused = JudgedHcl(row["evidence"], other);
  EXPECT_EQ(refused.Conclude(), Outcome::kRefused);
  EXPECT_TRUE(HasCode(refused, "bad-signature"));
}

// "chain LEAF -> ca-certs/ISSUER -> ca-certs/ROOT ok".
void JudgeCertificateRow(const tests::VectorRow& row) {
  std::vector<crypto::Certificate> chain;
  std::string text = row["binding_to_tee"].substr(6);
  text = text.substr(0, text.rfind(" ok"));
  for (std::size_t start = 0; start != std::string::npos;) {
    const std::size_t arrow = text.find(" -> ", start);
    const std::string name = text.substr(start, arrow - start);
    const std::string folder =
        name.starts_with("ca-certs") ? "tpm/go-tpm-tools/" : "tpm/go-tpm-tools/certificates/";
    const auto read = endorsements::ReadCertificates(tests::ReadVector(folder + name));
    ASSERT_TRUE(read.ok()) << name << ": " << read.error().message;
    chain.push_back(read->front());
    start = arrow == std::string::npos ? arrow : arrow + 4;
  }
  ASSERT_EQ(chain.size(), 3u);
  TrustAnchors anchors = TrustAnchors::Production();
  // The older CA is no anchor of ours: it counts when the caller names it.
  if (text.find("tpm_ek_root_1") != std::string::npos) {
    FindingList findings;
    EXPECT_FALSE(
        CheckTpmCertificate(findings, anchors, chain[0], chain, *base::ParseTime(row["evaluate_at"])));
    EXPECT_TRUE(HasCode(findings, "wrong-root"));
    anchors.AddExtra("Google's older TPM CA", chain[2].public_key().SpkiSha256(), chain[2].der());
  }
  FindingList findings;
  EXPECT_TRUE(CheckTpmCertificate(findings, anchors, chain[0], chain, *base::ParseTime(row["evaluate_at"])));
  const auto instance = endorsements::ReadGceInstance(chain[0]);
  EXPECT_TRUE(instance.ok() && instance->has_value());
  FindingList late;
  EXPECT_FALSE(CheckTpmCertificate(late, anchors, chain[0], chain,
                                   *base::ParseTime(row["valid_to"]) + std::chrono::days(1)));
  EXPECT_TRUE(HasCode(late, "expired"));
}

TEST(Tpm, RealEvidenceGetsTheVerdictOfTheTable) {
  const auto rows = tests::ReadVectorTable("verdicts_tpm.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  for (const auto& row : rows) {
    SCOPED_TRACE("line " + std::to_string(row.line()) + ": " + row["evidence"]);
    if (row["encoding"].starts_with("HCL report")) {
      JudgeHclRow(row);
    } else if (row["encoding"] == "PEM") {
      JudgeCertificateRow(row);
    } else if (row["encoding"] == "bare TPMS_ATTEST") {
      const auto envelope = evidence::OpenEnvelope(tests::ReadVector(row["evidence"]));
      ASSERT_FALSE(envelope.ok());
      EXPECT_EQ(envelope.error().code, row["code"]);
    } else {
      JudgeQuoteRow(row);
    }
  }
}

TEST(Tpm, AnAttestationWithoutItsSignatureIsUndecided) {
  auto evidence = evidence::ParseTpmEvidence(Tpm().Quote());
  evidence->signature = {};
  FindingList findings;
  EXPECT_FALSE(AuthenticateTpm(*evidence, Tpm().Endorsements(), Tpm().Anchors(), tests::kPkiNow, findings));
  EXPECT_EQ(findings.Conclude(), Outcome::kUndecided);
  EXPECT_TRUE(HasCode(findings, "no-signature"));
}

TEST(Tpm, TheSha1QuoteOfARealFileDoesNotCount) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  const Bytes file = tests::ReadVector("tpm/go-tpm-tools/attestations/gce-cos-85-nonce9009.pb");
  const auto attestation = evidence::ProtobufFields::Parse(file);
  ASSERT_TRUE(attestation.ok());
  int weak = 0;
  int strong = 0;
  for (const auto& field : attestation->all()) {
    if (field.number != 2) continue;
    const auto quote = evidence::ProtobufFields::Parse(field.bytes);
    ASSERT_TRUE(quote.ok());
    const auto bank = evidence::ProtobufFields::Parse(quote->Bytes(3));
    ASSERT_TRUE(bank.ok());
    std::vector<evidence::TpmPcrValue> pcrs;
    for (const auto& entry : bank->all()) {
      if (entry.number != 2) continue;
      const auto pcr = evidence::ProtobufFields::Parse(entry.bytes);
      ASSERT_TRUE(pcr.ok());
      pcrs.push_back({static_cast<TpmAlgorithm>(bank->Varint(1)), static_cast<std::uint8_t>(pcr->Varint(1)),
                      base::CopyBytes(pcr->Bytes(2))});
    }
    const auto evidence =
        evidence::ParseTpmEvidence(evidence::SerializeTpmEvidence(quote->Bytes(1), quote->Bytes(2), pcrs));
    ASSERT_TRUE(evidence.ok()) << evidence.error().message;
    endorsements::Endorsements endorsements;
    ASSERT_TRUE(endorsements.Add("ak", base::CopyBytes(attestation->Bytes(1))).ok());
    ASSERT_TRUE(endorsements.Add("event-log", base::CopyBytes(attestation->Bytes(3))).ok());
    FindingList findings;
    const bool authentic =
        AuthenticateTpm(*evidence, endorsements, TrustAnchors::Production(), tests::kPkiNow, findings)
            .has_value();
    const bool sha1 = static_cast<TpmAlgorithm>(bank->Varint(1)) == TpmAlgorithm::kSha1;
    EXPECT_EQ(authentic, !sha1);
    EXPECT_EQ(HasCode(findings, "weak-hash"), sha1);
    (sha1 ? weak : strong)++;
  }
  EXPECT_EQ(weak, 1);
  EXPECT_EQ(strong, 2);
}

}  // namespace
}  // namespace blindai::verifier
