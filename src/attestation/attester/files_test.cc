#include "attestation/attester/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "attestation/endorsements/dcap_collateral.h"
#include "attestation/evidence/evidence.h"
#include "attestation/verifier/appraise.h"
#include "support/fake_intel.h"

namespace blindai::attester {
namespace {

namespace name = endorsements::name;
using evidence::TeeKind;
using ::testing::HasSubstr;
using tests::FakeIntel;

class MemoryFiles final : public DeviceFiles {
 public:
  explicit MemoryFiles(const std::map<std::string, base::Bytes>& files) : files_(files) {}
  int MakeDirectory(const std::string&) override { return EPERM; }
  int RemoveDirectory(const std::string&) override { return EPERM; }
  int Write(const std::string&, base::ByteView) override { return EPERM; }
  int Read(const std::string& path, std::size_t, base::Bytes& out) override {
    const auto found = files_.find(path);
    if (found == files_.end()) return ENOENT;
    out = found->second;
    return 0;
  }

 private:
  const std::map<std::string, base::Bytes>& files_;
};

// A directory "e" with the evidence of a private Intel over report data 0x33….
class FilesAttesterTest : public ::testing::Test {
 protected:
  FilesAttesterTest() {
    const auto collateral = intel_.Collateral(TeeKind::kSgx);
    const auto file = [&](const char* path, std::string_view role) {
      files_[std::string("e/") + path] = base::CopyBytes(*collateral.Find(role));
    };
    files_["e/quote.bin"] = intel_.Quote(FakeIntel::Sgx());
    file("tcb_info", name::kTcbInfo);
    file("tcb_info_issuer_chain", name::kTcbChain);
    file("qe_identity", name::kQeIdentity);
    file("qe_identity_issuer_chain", name::kQeChain);
    file("pck_crl", name::kPckCrl);
    file("root_ca_crl", name::kRootCrl);
    files_["e/pck_crl_issuer_chain"] = intel_.Chain({intel_.pck_ca.certificate, intel_.root.certificate});
    files_["e/pck_certificate"] = intel_.Chain({intel_.pck.certificate});
    files_["e/pck_signing_chain"] = intel_.Chain({intel_.pck_ca.certificate, intel_.root.certificate});
    report_data_.bytes.fill(0x33);
  }

  auto Open() { return FilesAttester::Open(std::make_unique<MemoryFiles>(files_), "e"); }
  base::Result<evidence::EvidenceBundle> Attest(const evidence::ReportData& report_data) {
    return (*Open())->Attest(report_data, std::chrono::steady_clock::now() + std::chrono::seconds(5));
  }

  FakeIntel intel_;
  std::map<std::string, base::Bytes> files_;
  evidence::ReportData report_data_;
};

TEST_F(FilesAttesterTest, OurOwnVerifierAcceptsTheEvidenceUnderItsRoot) {
  const auto bundle = Attest(report_data_);
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  const auto evidence = evidence::ParseEvidence(bundle->tee, bundle->evidence);
  ASSERT_TRUE(evidence.ok());
  endorsements::Endorsements endorsements;
  for (const auto& entry : bundle->endorsements) ASSERT_TRUE(endorsements.Add(entry.name, entry.bytes).ok());

  policy::SgxRules rules;
  rules.mrenclave.emplace_back().bytes.fill(0x11);
  policy::AcceptBlock block;
  block.rules = rules;
  const policy::Policy policy{{block}};
  verifier::Question question;
  question.policy = &policy;
  question.report_data = report_data_;
  question.now = FakeIntel::Now();
  verifier::TrustAnchors anchors = verifier::TrustAnchors::Production();
  EXPECT_NE(verifier::Judge(*evidence, endorsements, anchors, question).outcome, verifier::Outcome::kTrusted);
  anchors.AddExtra("fake Intel", intel_.root.certificate.public_key().SpkiSha256(),
                   intel_.root.certificate.der());
  const verifier::Verdict verdict = verifier::Judge(*evidence, endorsements, anchors, question);
  EXPECT_EQ(verdict.outcome, verifier::Outcome::kTrusted) << verifier::RenderText(verdict);
}

TEST_F(FilesAttesterTest, ItVouchesForNothingButItsOneCertificate) {
  evidence::ReportData other = report_data_;
  other.bytes[63] = 0;
  const auto bundle = Attest(other);
  ASSERT_FALSE(bundle.ok());
  EXPECT_EQ(bundle.error().code, "attester-unavailable");
  EXPECT_THAT(bundle.error().message, HasSubstr("evidence from files"));
}

TEST_F(FilesAttesterTest, AMissingFileFailsThatAnswerOnly) {
  const base::Bytes crl = files_["e/pck_crl"];
  const auto attester = Open();
  ASSERT_TRUE(attester.ok());
  files_.erase("e/pck_crl");
  const auto failed = (*attester)->Attest(report_data_, {});
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, HasSubstr("pck_crl"));
  files_["e/pck_crl"] = crl;
  EXPECT_TRUE((*attester)->Attest(report_data_, {}).ok());
}

TEST_F(FilesAttesterTest, ADirectoryWithoutAnSgxQuoteIsNoPlatform) {
  files_["e/quote.bin"] = intel_.Quote(FakeIntel::Tdx());
  EXPECT_EQ(Open().error().code, "malformed");
  files_["e/quote.bin"] = base::Bytes(100, 1);
  EXPECT_FALSE(Open().ok());
  files_.erase("e/quote.bin");
  EXPECT_EQ(Open().error().code, "no-device");
}

}  // namespace
}  // namespace blindai::attester
