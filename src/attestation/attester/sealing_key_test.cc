#include "attestation/attester/sealing_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "attestation/attester/sev_guest.h"
#include "base/byte_writer.h"
#include "crypto/digest.h"

namespace blindai::attester {
namespace {

using base::Bytes;
using base::Result;

Bytes KeyOf(const Result<SealingKey>& key) {
  return key.ok() ? base::CopyBytes(key->key.ExposeSecret()) : Bytes();
}
std::string CodeOf(const Result<SealingKey>& key) { return key.ok() ? "ok" : key.error().code; }

// Gramine's key files.
class GramineModel final : public DeviceFiles {
 public:
  int MakeDirectory(const std::string&) override { return EPERM; }
  int RemoveDirectory(const std::string&) override { return EPERM; }
  int Write(const std::string&, base::ByteView) override { return EPERM; }
  int Read(const std::string& path, std::size_t max_bytes, Bytes& out) override {
    if (error != 0) return error;
    const auto found = files.find(path);
    if (found == files.end()) return ENOENT;
    if (found->second.size() > max_bytes) return EFBIG;
    out = found->second;
    return 0;
  }
  std::map<std::string, Bytes> files;
  int error = 0;
};

GramineModel Enclave(std::uint8_t measurement, std::uint8_t signer) {
  GramineModel model;
  model.files["/dev/attestation/keys/_sgx_mrenclave"] = Bytes(16, measurement);
  model.files["/dev/attestation/keys/_sgx_mrsigner"] = Bytes(16, signer);
  return model;
}

TEST(GramineSealingKey, IsTheSameAtEachStartAndAnotherForAnotherEnclave) {
  GramineModel ours = Enclave(1, 9), again = Enclave(1, 9), other = Enclave(2, 9);
  const auto key = GramineSealingKey(ours, SealTo::kMeasurement);
  ASSERT_EQ(CodeOf(key), "ok");
  EXPECT_EQ(key->key.size(), kSealingKeyBytes);
  EXPECT_EQ(key->source, "sgx-mrenclave");
  EXPECT_EQ(KeyOf(key), KeyOf(GramineSealingKey(again, SealTo::kMeasurement)));
  EXPECT_NE(KeyOf(key), KeyOf(GramineSealingKey(other, SealTo::kMeasurement)));
}

TEST(GramineSealingKey, OfTheSignerSurvivesANewVersionOfTheEnclave) {
  GramineModel old_version = Enclave(1, 9), new_version = Enclave(2, 9), other_signer = Enclave(2, 8);
  const auto key = GramineSealingKey(old_version, SealTo::kSigner);
  EXPECT_EQ(KeyOf(key), KeyOf(GramineSealingKey(new_version, SealTo::kSigner)));
  EXPECT_NE(KeyOf(key), KeyOf(GramineSealingKey(other_signer, SealTo::kSigner)));
}

TEST(GramineSealingKey, TheTwoKindsAreKeptApartEvenWhenThePlatformGivesOneValue) {
  GramineModel model = Enclave(5, 5);
  EXPECT_NE(KeyOf(GramineSealingKey(model, SealTo::kMeasurement)),
            KeyOf(GramineSealingKey(model, SealTo::kSigner)));
}

TEST(GramineSealingKey, WhatIsNoKeyIsRefused) {
  GramineModel none;
  EXPECT_EQ(CodeOf(GramineSealingKey(none, SealTo::kMeasurement)), "sealing-key-unavailable");
  for (const std::size_t size : {0u, 15u, 17u}) {
    GramineModel model;
    model.files["/dev/attestation/keys/_sgx_mrenclave"] = Bytes(size, 1);
    EXPECT_EQ(CodeOf(GramineSealingKey(model, SealTo::kMeasurement)), "sealing-key-unavailable") << size;
  }
  GramineModel broken = Enclave(1, 1);
  broken.error = EACCES;
  EXPECT_EQ(CodeOf(GramineSealingKey(broken, SealTo::kMeasurement)), "sealing-key-unavailable");
}

// A chip and the guest on it: the firmware mixes in what the guest asks for.
class SevModel final : public DeviceControl {
 public:
  int Call(unsigned long number, void* argument) override {
    if (number != sev_guest::kGetDerivedKey) return ENOTTY;
    auto& request = *static_cast<sev_guest::Request*>(argument);
    const auto& question = *reinterpret_cast<const sev_guest::DerivedKeyRequest*>(request.request_address);
    if (busy > 0) {
      --busy;
      request.vmm_error = sev_guest::kVmmBusy;
      return EIO;
    }
    if (request.msg_version != 1 || question.reserved != 0 || error != 0) {
      request.firmware_error = 0x16;
      return EIO;
    }
    base::ByteWriter mixed;
    mixed.U64(chip).U32(question.root_key_select).U64(question.guest_field_select).U32(question.vmpl);
    if ((question.guest_field_select & sev_guest::kMixGuestPolicy) != 0) mixed.U64(policy);
    if ((question.guest_field_select & sev_guest::kMixMeasurement) != 0) mixed.U64(measurement);
    const crypto::Sha256Digest key = crypto::Sha256(mixed.view());
    base::ByteWriter response;
    response.U32(status).Zeros(28);
    if (empty) {
      response.Zeros(32);
    } else {
      response.Append(key.view());
    }
    std::ranges::copy(response.view(), reinterpret_cast<std::uint8_t*>(request.response_address));
    return 0;
  }
  std::uint64_t chip = 1, policy = 0x30000, measurement = 7;
  std::uint32_t status = 0;
  int busy = 0;
  int error = 0;
  bool empty = false;
};

TEST(SevSealingKey, IsBoundToChipMeasurementAndGuestPolicy) {
  SevModel model;
  const auto key = SevSealingKey(model);
  ASSERT_EQ(CodeOf(key), "ok");
  EXPECT_EQ(key->source, "snp-measurement");
  EXPECT_EQ(KeyOf(key), KeyOf(SevSealingKey(model)));
  for (std::uint64_t SevModel::*fact : {&SevModel::chip, &SevModel::policy, &SevModel::measurement}) {
    SevModel other;
    other.*fact += 1;
    EXPECT_NE(KeyOf(key), KeyOf(SevSealingKey(other)));
  }
}

TEST(SevSealingKey, ABusyHostIsAskedAgain) {
  SevModel model;
  model.busy = 3;
  EXPECT_EQ(CodeOf(SevSealingKey(model)), "ok");
}

TEST(SevSealingKey, ARefusalIsAnErrorAndNeverAKey) {
  SevModel refused, failed, empty;
  refused.status = 0x16;
  failed.error = 1;
  empty.empty = true;
  for (SevModel* model : {&refused, &failed, &empty}) {
    EXPECT_EQ(CodeOf(SevSealingKey(*model)), "sealing-key-unavailable");
  }
}

class SoftwareSealingKeyTest : public ::testing::Test {
 protected:
  SoftwareSealingKeyTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blindai-key-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~SoftwareSealingKeyTest() override { std::filesystem::remove_all(folder_); }
  std::string Path() const { return (folder_ / "software.key").string(); }
  void Put(std::size_t size, mode_t mode) {
    std::ofstream(Path()) << std::string(size, 'x');
    chmod(Path().c_str(), mode);
  }
  std::filesystem::path folder_;
};

TEST_F(SoftwareSealingKeyTest, IsMadeOnceAndKept) {
  const auto key = SoftwareSealingKey(Path());
  ASSERT_EQ(CodeOf(key), "ok");
  EXPECT_EQ(key->source, "software-file");
  EXPECT_EQ(KeyOf(key), KeyOf(SoftwareSealingKey(Path())));
  struct stat about {};
  ASSERT_EQ(stat(Path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  std::filesystem::remove(Path());
  EXPECT_NE(KeyOf(key), KeyOf(SoftwareSealingKey(Path())));
}

TEST_F(SoftwareSealingKeyTest, AnUnfinishedFileOfAnEarlierStartIsNoHindrance) {
  std::ofstream(Path() + ".new") << "cut o";
  EXPECT_EQ(CodeOf(SoftwareSealingKey(Path())), "ok");
}

TEST_F(SoftwareSealingKeyTest, WhatIsNoKeyFileIsLeftAloneAndRefused) {
  for (const std::size_t size : {0u, 31u, 33u}) {
    Put(size, 0600);
    EXPECT_EQ(CodeOf(SoftwareSealingKey(Path())), "sealing-key-file") << size;
    EXPECT_EQ(std::filesystem::file_size(Path()), size);
  }
  Put(32, 0644);
  EXPECT_EQ(CodeOf(SoftwareSealingKey(Path())), "sealing-key-file");
  EXPECT_EQ(CodeOf(SoftwareSealingKey("/nonexistent/folder/key")), "sealing-key-file");
}

TEST(SealingKeyFrom, PlatformsAreKeptApart) {
  const Bytes secret(32, 7);
  EXPECT_NE(base::CopyBytes(SealingKeyFrom(secret, "snp-measurement").key.ExposeSecret()),
            base::CopyBytes(SealingKeyFrom(secret, "software-file").key.ExposeSecret()));
}

}  // namespace
}  // namespace blindai::attester
