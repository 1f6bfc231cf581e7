#include "server/platform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <set>

#include "support/swtpm.h"

namespace blindai::server {
namespace {

using ::testing::HasSubstr;

// A machine that has these pseudo-files and these devices.
struct Machine {
  std::map<std::string, std::string> files;
  std::set<std::string> devices;
};

class MachineFiles final : public attester::DeviceFiles {
 public:
  explicit MachineFiles(const Machine& machine) : machine_(machine) {}
  int MakeDirectory(const std::string&) override { return machine_.files.contains("provider") ? 0 : ENOENT; }
  int RemoveDirectory(const std::string&) override { return 0; }
  int Write(const std::string&, base::ByteView) override { return EIO; }
  int Read(const std::string& path, std::size_t, base::Bytes& out) override {
    const auto found = machine_.files.find(path.substr(path.rfind('/') + 1));
    if (found == machine_.files.end()) return ENOENT;
    out = base::CopyBytes(base::AsBytes(found->second));
    return 0;
  }

 private:
  const Machine& machine_;
};

class NoControl final : public attester::DeviceControl {
  int Call(unsigned long, void*) override { return EIO; }
};

std::string Choose(const Machine& machine, const std::string& platform = "auto") {
  const Devices devices{[&machine] { return std::make_unique<MachineFiles>(machine); },
                        [&machine](const std::string& path) -> std::unique_ptr<attester::DeviceControl> {
                          return machine.devices.contains(path) ? std::make_unique<NoControl>() : nullptr;
                        }};
  ServerConfig config;
  config.platform = platform;
  const auto chosen = ChoosePlatform(config, devices);
  return chosen.ok() ? std::string(chosen->name) + " " + std::string(chosen->mode) : chosen.error().message;
}

TEST(Platform, HardwareIsFoundByItself) {
  EXPECT_EQ(Choose({{{"attestation_type", "dcap"}}, {}}), "sgx hardware");
  EXPECT_EQ(Choose({{{"provider", "tdx_guest\n"}}, {}}), "tdx hardware");
  EXPECT_EQ(Choose({{{"provider", "sev_guest\n"}}, {}}), "snp hardware");
  EXPECT_EQ(Choose({{}, {"/dev/tdx_guest"}}), "tdx hardware");
  EXPECT_EQ(Choose({{}, {"/dev/sev-guest"}}), "snp hardware");
  EXPECT_EQ(Choose({{}, {"/dev/nsm"}}), "nitro hardware");
}

TEST(Platform, TheNarrowestTrustComesFirst) {
  EXPECT_EQ(Choose({{{"attestation_type", "dcap"}, {"provider", "tdx_guest\n"}}, {"/dev/nsm"}}),
            "sgx hardware");
  EXPECT_EQ(Choose({{{"provider", "sev_guest\n"}}, {"/dev/sev-guest", "/dev/nsm"}}), "snp hardware");
  EXPECT_EQ(Choose({{}, {"/dev/tdx_guest", "/dev/sev-guest", "/dev/nsm"}}), "tdx hardware");
}

TEST(Platform, WithoutHardwareItSaysWhatItLookedForAndNeverSimulates) {
  const std::string message = Choose({});
  EXPECT_THAT(message, HasSubstr("no hardware can vouch"));
  EXPECT_THAT(message, HasSubstr("SGX inside Gramine: this process does not run inside Gramine"));
  EXPECT_THAT(message, HasSubstr("/dev/nsm is not there"));
  EXPECT_THAT(message, HasSubstr("--simulation"));
}

TEST(Platform, EvidenceFromFilesIsTakenByNameOnlyAndForTheOldProtocolsOnly) {
  EXPECT_THAT(Choose({{{"quote.bin", "no quote"}}, {}}), HasSubstr("no hardware can vouch"));
  EXPECT_THAT(Choose({{{"quote.bin", "no quote"}}, {}}, "files"), HasSubstr("for the old protocols only"));
}

TEST(Platform, ANameInsistsOnOnePlatform) {
  EXPECT_THAT(Choose({{}, {"/dev/nsm"}}, "snp"), HasSubstr("SEV-SNP by /dev/sev-guest"));
  EXPECT_THAT(Choose({{{"provider", "sev_guest\n"}}, {}}, "tdx"), HasSubstr("a tdx guest is not there"));
  EXPECT_THAT(Choose({{}, {"/dev/nsm"}}, "tdx"),
              HasSubstr("TDX by /dev/tdx_guest: /dev/tdx_guest is not there"));
  EXPECT_EQ(Choose({{{"provider", "sev_guest\n"}}, {}}, "simulation"), "simulation simulation");
}

std::string ChooseAzure(const std::string& tcti, const std::string& host_service = "http://169.254.169.254") {
  ServerConfig config;
  config.platform = "azure";
  config.tpm_tcti = tcti;
  config.azure_host_service = host_service;
  const auto chosen = ChoosePlatform(config, Devices{});
  return chosen.ok() ? std::string(chosen->name) : chosen.error().message;
}

TEST(Platform, AzureIsTakenByNameAndNeedsItsParavisor) {
  EXPECT_THAT(ChooseAzure("device:/nonexistent"),
              HasSubstr("platform \"azure\": TPM: opening the device failed"));
  EXPECT_THAT(ChooseAzure("device:/nonexistent", "http://example.org"),
              HasSubstr("azure.host_service: wanted"));
  const auto tpm = tests::Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  EXPECT_THAT(ChooseAzure(tpm->tcti()), HasSubstr("this is no confidential machine of Azure"));
}

}  // namespace
}  // namespace blindai::server
