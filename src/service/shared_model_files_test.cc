#include "service/shared_model_files.h"

#include <gtest/gtest.h>

namespace blindai::service {
namespace {

std::shared_ptr<model::ModelFile> FileOf(std::string_view text) {
  auto file = model::ModelFile::Create(1 << 20);
  BLINDAI_CHECK(file.ok() && (*file)->Append(base::AsBytes(text)).ok() && (*file)->Seal().ok());
  return *file;
}

TEST(SharedModelFiles, TheSameBytesOfOneTenantAreOneFile) {
  SharedModelFiles files;
  const auto first = files.Share("anna", FileOf("weights"));
  std::weak_ptr<model::ModelFile> second;
  {
    auto uploaded = FileOf("weights");
    second = uploaded;
    EXPECT_EQ(files.Share("anna", std::move(uploaded)), first);
  }
  EXPECT_TRUE(second.expired());
  EXPECT_EQ(files.Find("anna", first->sha256_hex()), first);
  EXPECT_NE(files.Share("anna", FileOf("others")), first);
}

TEST(SharedModelFiles, TenantsShareNothing) {
  SharedModelFiles files;
  const auto hers = files.Share("anna", FileOf("weights"));
  EXPECT_EQ(files.Find("", hers->sha256_hex()), nullptr);
  EXPECT_NE(files.Share("", FileOf("weights")), hers);
  EXPECT_NE(files.Share("berta", FileOf("weights")), hers);
}

TEST(SharedModelFiles, KeepNoFileAlive) {
  SharedModelFiles files;
  auto held = files.Share("anna", FileOf("weights"));
  const std::string sha256 = held->sha256_hex();
  const std::weak_ptr<model::ModelFile> known = held;
  held.reset();
  EXPECT_TRUE(known.expired());
  EXPECT_EQ(files.Find("anna", sha256), nullptr);
  const auto again = FileOf("weights");
  EXPECT_EQ(files.Share("anna", again), again);
}

}  // namespace
}  // namespace blindai::service
