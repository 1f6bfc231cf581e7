#include "attestation/attester/gramine.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <thread>

namespace blindai::attester {
namespace {

// Gramine's pseudo-files; the quote holds the report data that was written last.
struct GramineModel {
  std::string type = "dcap\n";
  bool exists = true;
  int write_error = 0;
  int read_error = 0;
  bool empty_quote = false;
  base::Bytes report_data;
};

class GramineFiles final : public DeviceFiles {
 public:
  explicit GramineFiles(GramineModel& model) : model_(model) {}
  int MakeDirectory(const std::string&) override { return EPERM; }
  int RemoveDirectory(const std::string&) override { return EPERM; }
  int Write(const std::string& path, base::ByteView bytes) override {
    if (path != "/g/user_report_data" || bytes.size() != 64) return EINVAL;
    model_.report_data = base::CopyBytes(bytes);
    return model_.write_error;
  }
  int Read(const std::string& path, std::size_t, base::Bytes& out) override {
    if (!model_.exists) return ENOENT;
    if (path == "/g/attestation_type") out = base::CopyBytes(base::AsBytes(model_.type));
    if (path == "/g/quote" && !model_.empty_quote) out = model_.report_data;
    return path == "/g/quote" ? model_.read_error : 0;
  }

 private:
  GramineModel& model_;
};

class GramineTest : public ::testing::Test {
 protected:
  auto Open() { return GramineAttester::Open(std::make_unique<GramineFiles>(model_), "/g"); }
  base::Result<evidence::EvidenceBundle> Attest() {
    evidence::ReportData data;
    data.bytes.fill(7);
    return (*Open())->Attest(data, std::chrono::steady_clock::now() + std::chrono::seconds(5));
  }
  GramineModel model_;
};

TEST_F(GramineTest, TheQuoteAnswersTheReportData) {
  const auto bundle = Attest();
  ASSERT_TRUE(bundle.ok());
  EXPECT_EQ(bundle->tee, evidence::TeeKind::kSgx);
  EXPECT_EQ(bundle->evidence, base::Bytes(64, 7));
}

// The files are the process's: were the lock an attester's, one would read a quote over the other's report data.
TEST_F(GramineTest, TwoAttestersOfOneProcessDoNotMixTheirQuotes) {
  const auto attest_often = [this](std::uint8_t value) {
    const auto attester = *Open();
    evidence::ReportData data;
    data.bytes.fill(value);
    for (int i = 0; i < 500; ++i) {
      const auto bundle = attester->Attest(data, Attester::Deadline::max());
      ASSERT_TRUE(bundle.ok());
      ASSERT_EQ(bundle->evidence, base::Bytes(64, value));
    }
  };
  std::thread other([&] { attest_often(1); });
  attest_often(2);
  other.join();
}

TEST_F(GramineTest, OutsideGramineThereIsNoDevice) {
  model_.exists = false;
  EXPECT_EQ(Open().error().code, "no-device");
}

TEST_F(GramineTest, OtherTypesOfAttestationAreRefusedWithTheRemedy) {
  for (const char* type : {"none", "epid\n", ""}) {
    model_.type = type;
    EXPECT_EQ(Open().error().code, "attester-unavailable");
    EXPECT_NE(Open().error().message.find("sgx.remote_attestation"), std::string::npos);
  }
}

TEST_F(GramineTest, FailingFilesAndEmptyQuotesAreErrors) {
  model_.write_error = EIO;
  EXPECT_EQ(Attest().error().code, "attester-unavailable");
  model_.write_error = 0;
  model_.read_error = EIO;
  EXPECT_EQ(Attest().error().code, "attester-unavailable");
  model_.read_error = 0;
  model_.empty_quote = true;
  EXPECT_EQ(Attest().error().code, "attester-unavailable");
}

}  // namespace
}  // namespace blindai::attester
