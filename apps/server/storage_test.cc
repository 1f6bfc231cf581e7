#include "server/storage.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <map>

#include "attestation/attester/sealing_key.h"
#include "attestation/attester/sev_guest.h"
#include "attestation/attester/simulated.h"

namespace blindai::server {
namespace {

// Gramine's key files.
class KeyFiles final : public attester::DeviceFiles {
 public:
  int MakeDirectory(const std::string&) override { return EPERM; }
  int RemoveDirectory(const std::string&) override { return EPERM; }
  int Write(const std::string&, base::ByteView) override { return EPERM; }
  int Read(const std::string& path, std::size_t, base::Bytes& out) override {
    if (!path.starts_with("/dev/attestation/keys/")) return ENOENT;
    out.assign(16, path.ends_with("mrsigner") ? 1 : 2);
    return 0;
  }
};

class KeyDevice final : public attester::DeviceControl {
 public:
  int Call(unsigned long number, void* argument) override {
    if (number != attester::sev_guest::kGetDerivedKey) return ENOTTY;
    const auto& request = *static_cast<attester::sev_guest::Request*>(argument);
    auto* response = reinterpret_cast<std::uint8_t*>(request.response_address);
    for (std::size_t i = 0; i < 32; ++i) response[32 + i] = 9;
    return 0;
  }
};

class StorageTest : public ::testing::Test {
 protected:
  StorageTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blindai-store-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    config_.storage_directory = folder_;
    devices_.files = [] { return std::make_unique<KeyFiles>(); };
    devices_.control = [this](const std::string& path) -> std::unique_ptr<attester::DeviceControl> {
      if (path != attester::kSevGuestDevice || !has_device_) return nullptr;
      return std::make_unique<KeyDevice>();
    };
  }
  ~StorageTest() override { std::filesystem::remove_all(folder_); }

  // By whom the store is sealed, or the error's code.
  std::string Open(std::string_view platform) {
    const Platform chosen{std::make_unique<attester::SimulatedAttester>(), platform, "hardware"};
    const auto store = OpenStore(config_, chosen, devices_);
    if (!store.ok()) return store.error().code;
    if (store->models != nullptr && store->models->refusal()) return store->models->refusal()->code;
    return std::string(store->sealed_by);
  }

  std::filesystem::path folder_;
  ServerConfig config_;
  Devices devices_;
  bool has_device_ = true;
};

TEST_F(StorageTest, NothingIsStoredUnlessAFolderIsNamed) {
  config_.storage_directory.clear();
  EXPECT_EQ(Open("simulation"), "none");
  EXPECT_EQ(Open("tdx"), "none");
}

TEST_F(StorageTest, EachPlatformSealsUnderItsOwnKey) {
  EXPECT_EQ(Open("simulation"), "software-file");
  // The same folder under another key is another machine's.
  EXPECT_EQ(Open("snp"), "store-index");
  std::filesystem::remove(folder_ / "index.sealed");
  EXPECT_EQ(Open("snp"), "snp-measurement");
  EXPECT_EQ(Open("snp"), "snp-measurement");
  std::filesystem::remove(folder_ / "index.sealed");
  EXPECT_EQ(Open("sgx"), "sgx-mrenclave");
  config_.storage_seal_to = "signer";
  EXPECT_EQ(Open("sgx"), "store-index");
  std::filesystem::remove(folder_ / "index.sealed");
  EXPECT_EQ(Open("sgx"), "sgx-mrsigner");
}

TEST_F(StorageTest, APlatformWithoutAKeyDoesNotStore) {
  for (const char* platform : {"tdx", "nitro", "azure", "tpm", "files"}) {
    EXPECT_EQ(Open(platform), "no-sealing-key") << platform;
  }
  has_device_ = false;
  EXPECT_EQ(Open("snp"), "no-sealing-key");
  config_.storage_seal_to = "signer";
  EXPECT_EQ(Open("simulation"), "no-sealing-key");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "simulation.key"));
}

TEST_F(StorageTest, AFolderThatIsMissingOrInUseStopsTheStart) {
  const Platform chosen{std::make_unique<attester::SimulatedAttester>(), "simulation", "simulation"};
  const auto first = OpenStore(config_, chosen, devices_);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(Open("simulation"), "store-in-use");
  config_.storage_directory = folder_ / "none";
  EXPECT_EQ(Open("simulation"), "store-folder");
}

}  // namespace
}  // namespace blindai::server
