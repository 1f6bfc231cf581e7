// Bundles completed from services that serve a private Intel's and a private AMD's collateral, and judged afterwards.
#include "attestation/fetch/endorser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "attestation/endorsements/endorsements.h"
#include "support/fake_azure.h"
#include "support/fake_intel.h"
#include "support/fake_snp.h"

namespace blindai::fetch {
namespace {

using base::Result;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace name = endorsements::name;

const tests::FakeIntel& Intel() {
  static const tests::FakeIntel intel;
  return intel;
}
const tests::FakeAmd& Amd() {
  static const tests::FakeAmd amd;
  return amd;
}

std::string Text(base::ByteView bytes) { return std::string(base::AsText(bytes)); }

// Answers by the path of a URL, without its query; remembers what it was asked.
class Service {
 public:
  Endorser Make(EndorserOptions options) {
    return Endorser(std::move(options),
                    [this](const std::string& url, Deadline) -> Result<net::HttpResponse> {
                      asked.push_back(url);
                      const auto found = answers.find(url.substr(0, url.find('?')));
                      if (found != answers.end()) return found->second;
                      net::HttpResponse missing;
                      missing.status = status;
                      if (status == 429) missing.headers.Add("Retry-After", "120");
                      return missing;
                    });
  }
  void Put(const std::string& url, base::ByteView body, const std::string& header = "",
           base::ByteView chain = {}) {
    net::HttpResponse response;
    response.body = base::CopyBytes(body);
    if (!header.empty()) response.headers.Add(header, net::PercentEncode(Text(chain)));
    answers[url] = response;
  }
  void ServeIntel(const std::string& tee) {
    const auto collateral =
        Intel().Collateral(tee == "tdx" ? evidence::TeeKind::kTdx : evidence::TeeKind::kSgx);
    const auto of = [&](std::string_view role) { return *collateral.Find(role); };
    Put("https://pccs/" + tee + "/certification/v4/tcb", of(name::kTcbInfo), "TCB-Info-Issuer-Chain",
        of(name::kTcbChain));
    Put("https://pccs/" + tee + "/certification/v4/qe/identity", of(name::kQeIdentity),
        "SGX-Enclave-Identity-Issuer-Chain", of(name::kQeChain));
    Put("https://pccs/sgx/certification/v4/pckcrl", of(name::kPckCrl), "SGX-PCK-CRL-Issuer-Chain",
        collateral.Find(name::kCrlChain).value_or(of(name::kTcbChain)));
    Put("https://pccs/sgx/certification/v4/rootcacrl", of(name::kRootCrl));
  }
  std::map<std::string, net::HttpResponse> answers;
  std::vector<std::string> asked;
  int status = 404;
};

evidence::EvidenceBundle TdxBundle() {
  return {evidence::TeeKind::kTdx, Intel().Quote(tests::FakeIntel::Tdx()), {}};
}

std::vector<std::string> NamesOf(const evidence::EvidenceBundle& bundle) {
  std::vector<std::string> names;
  for (const auto& entry : bundle.endorsements) names.push_back(entry.name);
  return names;
}

Deadline Soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(5); }

TEST(Endorser, ATdxQuoteGetsIntelsCollateral) {
  Service service;
  service.ServeIntel("tdx");
  Endorser endorser =
      service.Make({.directory = "", .dcap_service = "https://pccs", .dcap_root_crl = "", .snp_service = ""});
  evidence::EvidenceBundle bundle = TdxBundle();
  const auto done = endorser.Complete(bundle, tests::FakeIntel::Now(), Soon());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_THAT(NamesOf(bundle), ElementsAre("tcb-info", "tcb-chain", "qe-identity", "qe-chain", "pck-crl",
                                           "crl-chain", "root-crl"));
  EXPECT_THAT(service.asked, Contains("https://pccs/tdx/certification/v4/tcb?fmspc=00a06d080000"));
  EXPECT_THAT(service.asked, Contains("https://pccs/sgx/certification/v4/pckcrl?ca=platform&encoding=der"));
}

TEST(Endorser, CollateralIsKeptForTheNextAnswer) {
  Service service;
  service.ServeIntel("tdx");
  Endorser endorser =
      service.Make({.directory = "", .dcap_service = "https://pccs", .dcap_root_crl = "", .snp_service = ""});
  evidence::EvidenceBundle first = TdxBundle();
  ASSERT_TRUE(endorser.Complete(first, tests::FakeIntel::Now(), Soon()).ok());
  const std::size_t asked = service.asked.size();
  service.answers.clear();
  evidence::EvidenceBundle second = TdxBundle();
  const auto times = endorser.Complete(second, tests::FakeIntel::Now() + std::chrono::hours(1), Soon());
  ASSERT_TRUE(times.ok());
  // And it is said how old it is.
  ASSERT_EQ(times->size(), 4u);
  EXPECT_EQ(times->front(), (FetchTimes::value_type{"tcb-info", tests::FakeIntel::Now()}));
  EXPECT_EQ(NamesOf(second), NamesOf(first));
  EXPECT_EQ(service.asked.size(), asked);
}

TEST(Endorser, AnOutageFailsTheAnswerAndItsEndIsNoticed) {
  Service service;
  service.status = 429;
  Endorser endorser =
      service.Make({.directory = "", .dcap_service = "https://pccs", .dcap_root_crl = "", .snp_service = ""});
  evidence::EvidenceBundle bundle = TdxBundle();
  const auto failed = endorser.Complete(bundle, tests::FakeIntel::Now(), Soon());
  EXPECT_EQ(failed.error().code, "endorsement-service");
  EXPECT_THAT(failed.error().message, HasSubstr("429"));
  service.ServeIntel("tdx");
  EXPECT_EQ(
      endorser.Complete(bundle, tests::FakeIntel::Now() + std::chrono::seconds(119), Soon()).error().code,
      "endorsement-paused")
      << "the service asked for two minutes";
  EXPECT_TRUE(endorser.Complete(bundle, tests::FakeIntel::Now() + std::chrono::seconds(120), Soon()).ok());
}

TEST(Endorser, AnAnswerThatMakesNoSenseIsNotPassedOn) {
  Service service;
  service.ServeIntel("tdx");
  service.Put("https://pccs/tdx/certification/v4/tcb", base::AsBytes("<html>please log in</html>"));
  Endorser endorser =
      service.Make({.directory = "", .dcap_service = "https://pccs", .dcap_root_crl = "", .snp_service = ""});
  evidence::EvidenceBundle bundle = TdxBundle();
  const auto failed = endorser.Complete(bundle, tests::FakeIntel::Now(), Soon());
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, "endorsement-service") << "the client did nothing wrong";
  EXPECT_EQ(bundle.endorsements.size(), 0u);
}

TEST(Endorser, ExpiredCollateralIsAnError) {
  Service service;
  service.ServeIntel("tdx");
  Endorser endorser =
      service.Make({.directory = "", .dcap_service = "https://pccs", .dcap_root_crl = "", .snp_service = ""});
  evidence::EvidenceBundle bundle = TdxBundle();
  EXPECT_EQ(endorser.Complete(bundle, tests::FakeIntel::End() + std::chrono::hours(1), Soon()).error().code,
            "endorsement-expired");
}

TEST(Endorser, AnSnpReportGetsItsChipsCertificateAndItsChain) {
  Service service;
  const auto endorsements = Amd().VcekEndorsements();
  tests::SnpReportBuilder report;
  std::string chip;
  for (int i = 0; i < 64; ++i) chip += "c1";
  service.Put("https://kds/vcek/v1/Milan/" + chip, *endorsements.Find(name::kLeaf));
  service.Put("https://kds/vcek/v1/Milan/cert_chain", *endorsements.Find(name::kChain));
  service.Put("https://kds/vcek/v1/Milan/crl", tests::MakeTestCrl(Amd().ark(), {}).der());
  Endorser endorser =
      service.Make({.directory = "", .dcap_service = "", .dcap_root_crl = "", .snp_service = "https://kds"});
  evidence::EvidenceBundle bundle{evidence::TeeKind::kSnp, Amd().Sign(report), {}};
  const auto done = endorser.Complete(bundle, tests::kPkiNow, Soon());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_THAT(NamesOf(bundle), ElementsAre("leaf", "chain", "crl"));
  EXPECT_THAT(service.asked,
              Contains("https://kds/vcek/v1/Milan/" + chip + "?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115"));
}

// The TPM's own evidence is not looked at: what is under it is what AMD and Intel speak for.
TEST(Endorser, WhatIsUnderAnAzureTpmIsCompletedToo) {
  const tests::FakeTpm tpm;
  Service service;
  service.ServeIntel("tdx");
  service.Put("https://kds/vcek/v1/Milan/cert_chain", *Amd().VcekEndorsements().Find(name::kChain));
  service.Put("https://kds/vcek/v1/Milan/crl", tests::MakeTestCrl(Amd().ark(), {}).der());
  Endorser endorser = service.Make(
      {.directory = "", .dcap_service = "https://pccs", .dcap_root_crl = "", .snp_service = "https://kds"});
  const base::Bytes hcl = tests::MakeHclReport(Amd(), tpm.ak());
  evidence::EvidenceBundle snp{
      evidence::TeeKind::kTpm, {}, {{"hardware-report", hcl}, {"leaf", Amd().Vcek().der()}}};
  auto done = endorser.Complete(snp, tests::kPkiNow, Soon());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_THAT(NamesOf(snp), ElementsAre("hardware-report", "leaf", "chain", "crl"));

  evidence::EvidenceBundle tdx{
      evidence::TeeKind::kTpm, {}, {{"td-quote", Intel().Quote(tests::FakeIntel::Tdx())}}};
  done = endorser.Complete(tdx, tests::FakeIntel::Now(), Soon());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(tdx.endorsements.size(), 8u);
  EXPECT_THAT(service.asked, Contains("https://pccs/tdx/certification/v4/tcb?fmspc=00a06d080000"));

  evidence::EvidenceBundle bare{evidence::TeeKind::kTpm, {}, {{"ak", {1}}}};
  EXPECT_TRUE(endorser.Complete(bare, tests::kPkiNow, Soon()).ok());
  EXPECT_EQ(bare.endorsements.size(), 1u);
}

TEST(Endorser, TheChipsCertificateSaysTheProductThatAnOldReportDoesNot) {
  tests::SnpReportBuilder report;
  report.Version2();
  Service service;
  service.Put("https://kds/vcek/v1/Milan/cert_chain", *Amd().VcekEndorsements().Find(name::kChain));
  service.Put("https://kds/vcek/v1/Milan/crl", tests::MakeTestCrl(Amd().ark(), {}).der());
  Endorser endorser =
      service.Make({.directory = "", .dcap_service = "", .dcap_root_crl = "", .snp_service = "https://kds"});
  evidence::EvidenceBundle bundle{
      evidence::TeeKind::kSnp, Amd().Sign(report), {{"leaf", Amd().Vcek().der()}}};
  const auto done = endorser.Complete(bundle, tests::kPkiNow, Soon());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_THAT(NamesOf(bundle), ElementsAre("leaf", "chain", "crl"));
  bundle.endorsements.clear();
  EXPECT_EQ(endorser.Complete(bundle, tests::kPkiNow, Soon()).error().code, "endorsement-service");
}

TEST(Endorser, NothingIsContactedUnlessItIsConfigured) {
  Service service;
  Endorser endorser = service.Make({});
  evidence::EvidenceBundle tdx = TdxBundle();
  evidence::EvidenceBundle snp{evidence::TeeKind::kSnp, Amd().Sign(tests::SnpReportBuilder()), {}};
  EXPECT_TRUE(endorser.Complete(tdx, tests::FakeIntel::Now(), Soon()).ok());
  EXPECT_TRUE(endorser.Complete(snp, tests::kPkiNow, Soon()).ok());
  EXPECT_TRUE(service.asked.empty());
}

TEST(Endorser, FilesComeFirstAndWhatThePlatformGaveIsKept) {
  const auto folder = std::filesystem::temp_directory_path() / ("endorsements-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "leaf") << "from a file";
  std::ofstream(folder / "chain") << "from a file";
  Service service;
  Endorser endorser =
      service.Make({.directory = folder, .dcap_service = "", .dcap_root_crl = "", .snp_service = ""});
  evidence::EvidenceBundle bundle{
      evidence::TeeKind::kSnp, Amd().Sign(tests::SnpReportBuilder()), {{"leaf", {1, 2, 3}}}};
  ASSERT_TRUE(endorser.Complete(bundle, tests::kPkiNow, Soon()).ok());
  EXPECT_EQ(bundle.endorsements[0].bytes, (base::Bytes{1, 2, 3}));
  EXPECT_EQ(Text(bundle.endorsements[1].bytes), "from a file");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace blindai::fetch
