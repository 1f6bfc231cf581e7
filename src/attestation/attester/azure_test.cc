// Against a model of the paravisor and the host, and the TPM's part against swtpm; what a verifier makes of it is in
// verifier/azure_attester_test.cc.
#include "attestation/attester/azure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attestation/evidence/dcap_quote.h"
#include "attestation/evidence/tpm_quote.h"
#include "support/fake_azure_vm.h"
#include "support/swtpm.h"

namespace blindai::attester {
namespace {

using base::Bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Made once: RSA keys of 4096 bits take a second.
const tests::FakeAmd& Amd() {
  static const tests::FakeAmd amd;
  return amd;
}
const tests::FakeIntel& Intel() {
  static const tests::FakeIntel intel;
  return intel;
}
const tests::FakeTpm& Tpm() {
  static const tests::FakeTpm tpm;
  return tpm;
}

evidence::ReportData Data(std::uint8_t value = 0x3C) {
  evidence::ReportData data;
  data.bytes.fill(value);
  return data;
}
Attester::Deadline In(std::chrono::milliseconds wait) { return std::chrono::steady_clock::now() + wait; }

std::vector<std::string> NamesOf(const evidence::EvidenceBundle& bundle) {
  std::vector<std::string> names;
  for (const auto& entry : bundle.endorsements) names.push_back(entry.name);
  return names;
}
const Bytes& Find(const evidence::EvidenceBundle& bundle, std::string_view name) {
  for (const auto& entry : bundle.endorsements) {
    if (entry.name == name) return entry.bytes;
  }
  static const Bytes none;
  return none;
}

template <const auto& Maker>
class AzureTest : public ::testing::Test {
 protected:
  base::Result<evidence::EvidenceBundle> Attest(std::chrono::milliseconds wait = std::chrono::seconds(20)) {
    const auto attester = tests::OpenAzureAttester(model_, options_);
    if (!attester.ok()) return attester.error();
    return (*attester)->Attest(question_, In(wait));
  }
  std::string ErrorOf() {
    const auto bundle = Attest();
    return bundle.ok() ? "a bundle" : bundle.error().code + ": " + bundle.error().message;
  }
  evidence::ReportData question_ = Data();
  tests::AzureVmModel model_{Tpm(), Maker()};
  AzureAttesterOptions options_ = tests::AzureModelOptions();
};
using AzureOverSnp = AzureTest<Amd>;
using AzureOverTdx = AzureTest<Intel>;

attester::HostAnswer Says(int status, std::string_view body = "") {
  return {status, base::CopyBytes(base::AsBytes(body))};
}

TEST_F(AzureOverSnp, TheQuoteAndTheHardwareReportAnswerTheReportData) {
  const auto bundle = Attest();
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(bundle->tee, evidence::TeeKind::kTpm);
  EXPECT_THAT(NamesOf(*bundle), ElementsAre("ak", "hardware-report", "leaf", "chain"));
  const auto quote = evidence::ParseTpmEvidence(bundle->evidence);
  ASSERT_TRUE(quote.ok());
  EXPECT_EQ(quote->attest.extra_data, base::CopyBytes(crypto::Sha256(Data().view()).view()));
  EXPECT_EQ(quote->pcrs.size(), 16u);
  const auto report = evidence::ParseHclReport(Find(*bundle, "hardware-report"));
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->runtime.user_data, base::CopyBytes(Data().view()));
}

TEST_F(AzureOverSnp, AReportOfAnEarlierQuestionIsNotTaken) {
  model_.old_reports = 2;
  const auto bundle = Attest();
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(evidence::ParseHclReport(Find(*bundle, "hardware-report"))->runtime.user_data,
            base::CopyBytes(Data().view()));
  model_.old_reports = 1'000'000;
  question_ = Data(9);
  EXPECT_EQ(Attest(std::chrono::milliseconds(20)).error().code, "attester-deadline");
}

TEST_F(AzureOverSnp, TheChipsCertificateIsAskedForOnceAChipAndTcb) {
  const auto attester = tests::OpenAzureAttester(model_);
  ASSERT_TRUE(attester.ok());
  Bytes leaf;
  for (const std::uint8_t question : {1, 2, 3}) {
    const auto bundle = (*attester)->Attest(Data(question), In(std::chrono::seconds(20)));
    ASSERT_TRUE(bundle.ok()) << bundle.error().message;
    if (question == 1) leaf = Find(*bundle, "leaf");
    EXPECT_EQ(Find(*bundle, "leaf"), leaf);
  }
  EXPECT_EQ(model_.asked.size(), 1u);
  model_.hcl.report.U64(0x180, 0x7307000000000003);  // another REPORTED_TCB
  EXPECT_TRUE((*attester)->Attest(Data(4), In(std::chrono::seconds(20))).ok());
  EXPECT_EQ(model_.asked.size(), 2u);
}

TEST_F(AzureOverSnp, WithoutAHostTheCertificatesAreLeftToOthers) {
  options_.host = "";
  const auto bundle = Attest();
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_THAT(NamesOf(*bundle), ElementsAre("ak", "hardware-report"));
  EXPECT_TRUE(model_.asked.empty());
}

TEST_F(AzureOverSnp, TheKeysCertificateComesAlongWhereThereIsOne) {
  model_.certificate = base::CopyBytes(Tpm().Certificate().der());
  model_.certificate.resize(4096);  // as Azure pads it
  auto bundle = Attest();
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(Find(*bundle, "ak-chain"), model_.certificate);
  model_.missing = {kAzureAkCertificateNv};
  bundle = Attest();
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(Find(*bundle, "ak-chain"), Bytes());
}

TEST_F(AzureOverSnp, AnotherMachineIsNoAzureMachine) {
  model_.missing = {kAzureHclReportNv};
  EXPECT_THAT(ErrorOf(), HasSubstr("no-device: the TPM holds no paravisor's report"));
  model_.missing = {kAzureAttestationKey};
  EXPECT_THAT(ErrorOf(), HasSubstr("attester-unavailable"));
}

TEST_F(AzureOverSnp, AReportThatNamesAnotherKeyIsAnError) {
  const tests::FakeTpm other;
  model_.named = &other;
  EXPECT_THAT(ErrorOf(), HasSubstr("names another key than the TPM has"));
  model_.named = nullptr;
  const auto attester = tests::OpenAzureAttester(model_);
  ASSERT_TRUE(attester.ok());
  model_.named = &other;
  const auto bundle = (*attester)->Attest(Data(), In(std::chrono::seconds(20)));
  ASSERT_FALSE(bundle.ok());
  EXPECT_THAT(bundle.error().message, HasSubstr("names another key"));
}

TEST_F(AzureOverSnp, AShortReportOfTheTpmIsAnErrorThatSaysWhere) {
  for (const std::size_t bytes : {0u, 3u, 32u, 1216u, 1236u, 1300u}) {
    model_.nv_bytes = {{kAzureHclReportNv, bytes}};
    EXPECT_THAT(ErrorOf(),
                HasSubstr("attester-unavailable: the paravisor's report cannot be read: HCL report"))
        << bytes;
  }
}

TEST_F(AzureOverSnp, ATpmThatTakesNoReportDataIsAnError) {
  model_.write_error =
      base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable", "TPM: NV_Write");
  EXPECT_THAT(ErrorOf(), HasSubstr("NV_Write"));
}

TEST_F(AzureOverSnp, AHostWithoutTimeIsAskedAgainAFewTimes) {
  model_.host_says = {Says(429), Says(503)};
  EXPECT_TRUE(Attest().ok());
  EXPECT_EQ(model_.asked.size(), 3u);
  model_.asked.clear();
  model_.host_says = {Says(429), Says(500), Says(503), Says(200)};
  EXPECT_THAT(ErrorOf(), HasSubstr("attester-unavailable: the host's service answered 503"));
  EXPECT_EQ(model_.asked.size(), 3u);
}

TEST_F(AzureOverSnp, ARefusalOfTheHostIsFinal) {
  for (const int status : {400, 403, 404, 302}) {
    model_.asked.clear();
    model_.host_says = {Says(status, "it says much")};
    const std::string error = ErrorOf();
    EXPECT_THAT(error, HasSubstr("answered " + std::to_string(status)));
    EXPECT_THAT(error, testing::Not(HasSubstr("much")));
    EXPECT_EQ(model_.asked.size(), 1u);
  }
}

TEST_F(AzureOverSnp, AHostThatIsSilentOrGoneIsAnError) {
  model_.host_error = base::MakeError(base::ErrorKind::kDeadline, "request-timeout", "no answer");
  EXPECT_THAT(ErrorOf(), HasSubstr("attester-deadline"));
  model_.host_error = base::MakeError(base::ErrorKind::kUnavailable, "connection-refused", "nobody there");
  EXPECT_THAT(ErrorOf(), HasSubstr("attester-unavailable: the host's service failed: nobody there"));
}

TEST_F(AzureOverSnp, AnswersOfTheHostThatMakeNoSenseAreErrors) {
  for (const std::string& body : {std::string(), std::string("no"), std::string("[]"), std::string("{}"),
                                  std::string(R"({"vcekCert":5,"certificateChain":"x"})"),
                                  std::string(R"({"vcekCert":"x","certificateChain":"x"})"),
                                  std::string(kMaxHostAnswerBytes + 1, ' ')}) {
    model_.host_says = {Says(200, body)};
    EXPECT_THAT(ErrorOf(), HasSubstr("attester-unavailable: the host's service")) << body.substr(0, 60);
  }
}

TEST_F(AzureOverTdx, TheHostsQuoteIsOverTheTdReport) {
  const auto bundle = Attest();
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_THAT(NamesOf(*bundle), ElementsAre("ak", "hardware-report", "td-quote"));
  const auto report = evidence::ParseHclReport(Find(*bundle, "hardware-report"));
  EXPECT_EQ(report->hardware, evidence::HclHardware::kTdx);
  EXPECT_EQ(evidence::ParseDcapQuote(Find(*bundle, "td-quote"))->report_data(),
            evidence::ParseTdReportLocal(report->hardware_report)->report_data);
}

TEST_F(AzureOverTdx, WithoutAHostThereIsNoEvidence) {
  options_.host = "";
  EXPECT_THAT(ErrorOf(), HasSubstr("needs the host's quote service"));
}

TEST_F(AzureOverTdx, QuotesThatMakeNoSenseAreErrors) {
  tests::FakeQuoteParts other = tests::FakeIntel::Tdx();
  const std::string other_quote = encoding::Base64UrlEncode(Intel().Quote(other));
  for (const std::string& quote : {std::string("!"), std::string("AAAA"), std::string(), other_quote}) {
    model_.host_says = {Says(200, R"({"quote":")" + quote + "\"}")};
    EXPECT_THAT(ErrorOf(), HasSubstr("attester-unavailable: the host's quote service gave"))
        << quote.substr(0, 60);
  }
  model_.host_says = {Says(200, R"({"quotes":1})")};
  EXPECT_THAT(ErrorOf(), HasSubstr("gave no quote"));
  model_.host_says = {Says(200, std::string(kMaxHostAnswerBytes + 1, ' '))};
  EXPECT_THAT(ErrorOf(), HasSubstr("65537 bytes"));
  model_.host_error = base::MakeError(base::ErrorKind::kDeadline, "request-timeout", "no answer");
  EXPECT_THAT(ErrorOf(), HasSubstr("attester-deadline"));
}

TEST_F(AzureOverTdx, APaddedQuoteIsReadToo) {
  const auto first = Attest();
  ASSERT_TRUE(first.ok());
  std::string text = encoding::Base64UrlEncode(Find(*first, "td-quote"));
  while (text.size() % 4 != 0) text += '=';
  model_.host_says = {Says(200, R"({"quote":")" + text + "\"}")};
  EXPECT_TRUE(Attest().ok());
}

// ---- the TPM's part for real ----

TEST(AzureTpm, ARealTpmTakesReportDataAndQuotesWithThePersistentKey) {
  const auto tpm = tests::Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  auto modulus = tpm->PersistSigningKey(kAzureAttestationKey);
  ASSERT_TRUE(modulus) << "the TPM made no key";
  auto opened = TpmDevice::Open(tpm->tcti());
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  auto device = std::make_unique<TpmDevice>(*std::move(opened));

  // The index is made at the first write; a second one is written over.
  EXPECT_EQ(device->ReadNv(kAzureReportDataNv).error().code, "not-found");
  for (const std::uint8_t value : {7, 8}) {
    ASSERT_TRUE(device->WriteNv(kAzureReportDataNv, Data(value).view()).ok());
    EXPECT_EQ(*device->ReadNv(kAzureReportDataNv), base::CopyBytes(Data(value).view()));
  }
  // Longer than what was defined is refused by the TPM.
  EXPECT_EQ(device->WriteNv(kAzureReportDataNv, Bytes(65)).error().code, "attester-unavailable");

  // No paravisor is behind it: what it would have written is put there for one question.
  const auto key = crypto::PublicKey::FromRsa(*modulus, Bytes{1, 0, 1});
  ASSERT_TRUE(key.ok());
  tests::HclSpec spec;
  spec.runtime = tests::HclRuntime(*key, true, encoding::HexEncode(Data().view()));
  ASSERT_TRUE(tpm->DefineNv(kAzureHclReportNv, tests::MakeHclReport(Amd(), *key, spec), true));
  AzureAttesterOptions options = tests::AzureModelOptions();
  options.host = "";
  const auto attester = AzureAttester::Open(std::move(device), nullptr, options);
  ASSERT_TRUE(attester.ok()) << attester.error().message;
  const auto bundle = (*attester)->Attest(Data(), In(std::chrono::seconds(20)));
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  const auto quote = evidence::ParseTpmEvidence(bundle->evidence);
  ASSERT_TRUE(quote.ok()) << quote.error().message;
  EXPECT_EQ(quote->signature.scheme, evidence::TpmAlgorithm::kRsaSsa);
  EXPECT_TRUE(key->VerifyRsaPkcs1(crypto::HashAlgorithm::kSha256, quote->attest.raw, quote->signature.rsa));
  // A question that the paravisor does not answer ends at the deadline.
  EXPECT_EQ((*attester)->Attest(Data(9), In(std::chrono::milliseconds(20))).error().code,
            "attester-deadline");
}

TEST(AzureTpm, ATpmWithoutAParavisorIsNoAzureMachine) {
  const auto tpm = tests::Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  auto opened = TpmDevice::Open(tpm->tcti());
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(AzureAttester::Open(std::make_unique<TpmDevice>(*std::move(opened)), nullptr).error().code,
            "no-device");
}

}  // namespace
}  // namespace blindai::attester
