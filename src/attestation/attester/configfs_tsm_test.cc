#include "attestation/attester/configfs_tsm.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <thread>

#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/snp_report.h"
#include "support/fake_snp.h"

namespace blindai::attester {
namespace {

using base::Result;
using evidence::ReportData;

constexpr const char* kRoot = "/tsm";

// Made once: RSA keys of 4096 bits take a second.
const tests::FakeAmd& Amd() {
  static const tests::FakeAmd amd;
  return amd;
}

// What the kernel does, with AMD's keys in miniature behind it: entries, a generation that counts writes,
// evidence that is computed when it is read.
struct TsmModel {
  std::string provider = "sev_guest\n";
  base::Bytes certificate_table;
  // What goes wrong, once each time it is counted down to nothing.
  int busy_reads = 0;
  int interrupted_writes = 0;
  int foreign_writes = 0;
  int read_error = EBUSY;
  bool short_generation = false;
  // What was seen.
  std::map<std::string, std::uint64_t> entries;  // path, generation
  int entries_made = 0;
  base::Bytes in_blob;
};

class TsmFiles final : public DeviceFiles {
 public:
  explicit TsmFiles(TsmModel& model) : model_(model) {}

  int MakeDirectory(const std::string& path) override {
    if (!path.starts_with(std::string(kRoot) + "/")) return ENOENT;
    ++model_.entries_made;
    return model_.entries.emplace(path, 0).second ? 0 : EEXIST;
  }
  int RemoveDirectory(const std::string& path) override {
    return model_.entries.erase(path) == 1 ? 0 : ENOENT;
  }
  int Write(const std::string& path, base::ByteView bytes) override {
    if (Name(path) != "inblob" || bytes.size() != ReportData::kSize) return EINVAL;
    if (model_.interrupted_writes > 0) {
      --model_.interrupted_writes;
      return EINTR;
    }
    model_.in_blob = base::CopyBytes(bytes);
    ++model_.entries.at(Entry(path));
    return 0;
  }
  int Read(const std::string& path, std::size_t max_bytes, base::Bytes& out) override {
    const std::string name = Name(path);
    out.clear();
    if (name == "provider") out = base::CopyBytes(base::AsBytes(model_.provider));
    if (name == "generation") {
      out = base::CopyBytes(base::AsBytes(
          model_.short_generation ? "x" : std::to_string(model_.entries.at(Entry(path))) + "\n"));
    }
    if (name == "auxblob") out = model_.certificate_table;
    if (name == "outblob") {
      if (model_.busy_reads > 0) {
        --model_.busy_reads;
        return model_.read_error;
      }
      tests::SnpReportBuilder report;
      report.Put(0x050, model_.in_blob);
      out = Amd().Sign(report);
      if (model_.foreign_writes > 0) {
        --model_.foreign_writes;
        ++model_.entries.at(Entry(path));
      }
    }
    return out.size() > max_bytes ? EFBIG : 0;
  }

 private:
  static std::string Entry(const std::string& path) { return path.substr(0, path.rfind('/')); }
  static std::string Name(const std::string& path) { return path.substr(path.rfind('/') + 1); }
  TsmModel& model_;
};

class ConfigfsTsmTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<ConfigfsTsmAttester>> Open(const std::string& root = kRoot) {
    return ConfigfsTsmAttester::Open(std::make_unique<TsmFiles>(model_), root);
  }
  Result<evidence::EvidenceBundle> Attest(std::chrono::milliseconds wait = std::chrono::seconds(20)) {
    const auto attester = Open();
    BLINDAI_CHECK(attester.ok());
    ReportData data;
    data.bytes.fill(0x5A);
    return (*attester)->Attest(data, std::chrono::steady_clock::now() + wait);
  }
  TsmModel model_;
};

TEST_F(ConfigfsTsmTest, TheReportAnswersTheReportDataAndNothingIsLeftBehind) {
  const auto bundle = Attest();
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(bundle->tee, evidence::TeeKind::kSnp);
  const auto report = evidence::ParseSnpReport(bundle->evidence);
  EXPECT_EQ(report->report_data.bytes[63], 0x5A);
  EXPECT_TRUE(bundle->endorsements.empty());
  EXPECT_TRUE(model_.entries.empty());
}

TEST_F(ConfigfsTsmTest, TheKindIsWhatTheKernelSays) {
  model_.provider = "tdx_guest\n";
  EXPECT_EQ((*Open())->kind(), evidence::TeeKind::kTdx);
  model_.provider = "arm_cca_guest\n";
  EXPECT_EQ(Open().error().code, "attester-unavailable");
  EXPECT_EQ(Open("/elsewhere").error().code, "no-device");
}

TEST_F(ConfigfsTsmTest, AWriteOfSomebodyElseMakesItAskAgain) {
  model_.foreign_writes = 2;
  EXPECT_TRUE(Attest().ok());
  EXPECT_EQ(model_.entries_made, 1 + 3) << "one to learn the kind, then one a try";
}

TEST_F(ConfigfsTsmTest, BusyAndInterruptedAreTriedAgain) {
  for (const int error : {EBUSY, EINTR, ETIMEDOUT, EAGAIN}) {
    model_.busy_reads = 3;
    model_.interrupted_writes = 2;
    model_.read_error = error;
    EXPECT_TRUE(Attest().ok()) << error;
  }
  EXPECT_TRUE(model_.entries.empty());
}

TEST_F(ConfigfsTsmTest, APlatformThatStaysBusyEndsAtTheDeadline) {
  model_.busy_reads = 1'000'000'000;
  EXPECT_EQ(Attest(std::chrono::milliseconds(10)).error().code, "attester-deadline");
  EXPECT_TRUE(model_.entries.empty());
}

TEST_F(ConfigfsTsmTest, AnythingElseIsAnErrorAtOnce) {
  model_.busy_reads = 1;
  model_.read_error = EIO;
  EXPECT_EQ(Attest().error().code, "attester-unavailable");
  model_.short_generation = true;
  EXPECT_EQ(Attest().error().code, "attester-unavailable");
  EXPECT_TRUE(model_.entries.empty());
}

TEST_F(ConfigfsTsmTest, AnUnreadableCertificateTableIsLeftOut) {
  model_.certificate_table = base::Bytes(100, 0xEE);
  const auto bundle = Attest();
  ASSERT_TRUE(bundle.ok());
  EXPECT_TRUE(bundle->endorsements.empty());
}

}  // namespace
}  // namespace blindai::attester
