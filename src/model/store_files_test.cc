#include "model/store_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace blindai::model {
namespace {

class PosixStoreFilesTest : public ::testing::Test {
 protected:
  PosixStoreFilesTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blindai-store-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    auto files = PosixStoreFiles::Open(folder_);
    BLINDAI_CHECK(files.ok());
    files_ = std::move(*files);
  }
  ~PosixStoreFilesTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, std::string_view text) {
    const auto output = files_->Create(name);
    BLINDAI_CHECK(output.ok() && (*output)->Append(base::AsBytes(text)).ok() && (*output)->Sync().ok());
  }
  std::string Read(const std::string& name) {
    const auto input = files_->OpenFile(name);
    if (!input.ok()) return input.error().code;
    base::Bytes bytes(100);
    const auto got = (*input)->Read(bytes);
    return got.ok() ? std::string(base::AsText(bytes).substr(0, *got)) : got.error().code;
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    const auto entries = files_->List();
    BLINDAI_CHECK(entries.ok());
    for (const auto& entry : *entries) names.push_back(entry.name);
    return names;
  }

  std::filesystem::path folder_;
  std::unique_ptr<PosixStoreFiles> files_;
};

TEST_F(PosixStoreFilesTest, WritesReadsRenamesListsAndRemoves) {
  Write("a", "one");
  Write("b", "two");
  EXPECT_EQ(Read("a"), "one");
  EXPECT_THAT(Names(), testing::UnorderedElementsAre("a", "b"));
  ASSERT_TRUE(files_->Rename("a", "b").ok());
  EXPECT_EQ(Read("b"), "one");
  EXPECT_EQ(Read("a"), "store-file-missing");
  ASSERT_TRUE(files_->SyncFolder().ok());
  ASSERT_TRUE(files_->Remove("b").ok());
  EXPECT_TRUE(files_->Remove("b").ok());
  EXPECT_TRUE(Names().empty());
}

TEST_F(PosixStoreFilesTest, AFileThatIsThereIsNeverOverwritten) {
  Write("a", "one");
  EXPECT_EQ(files_->Create("a").error().code, "store-failed");
  std::filesystem::create_symlink(folder_ / "elsewhere", folder_ / "link");
  EXPECT_FALSE(files_->Create("link").ok());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "elsewhere"));
}

TEST_F(PosixStoreFilesTest, NobodyElseMayReadTheFiles) {
  Write("a", "one");
  struct stat about {};
  ASSERT_EQ(stat((folder_ / "a").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(PosixStoreFilesTest, IsForOneServerAtATime) {
  EXPECT_EQ(PosixStoreFiles::Open(folder_).error().code, "store-in-use");
  files_.reset();
  EXPECT_TRUE(PosixStoreFiles::Open(folder_).ok());
}

TEST_F(PosixStoreFilesTest, AFolderThatIsNotThereIsSaidToBeSo) {
  EXPECT_EQ(PosixStoreFiles::Open(folder_ / "none").error().code, "store-folder");
  Write("file", "x");
  EXPECT_EQ(PosixStoreFiles::Open(folder_ / "file").error().code, "store-folder");
}

TEST_F(PosixStoreFilesTest, ListsPlainFilesOnly) {
  Write("a", "one");
  std::filesystem::create_directory(folder_ / "folder");
  std::filesystem::create_symlink(folder_ / "a", folder_ / "link");
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  const auto entries = files_->List();
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->front().bytes, 3u);
}

TEST(StoreError, TellsAFullDiskFromAReadOnlyAndABrokenOne) {
  EXPECT_EQ(StoreError(ENOSPC).code, "store-full");
  EXPECT_EQ(StoreError(EDQUOT).code, "store-full");
  EXPECT_EQ(StoreError(EROFS).code, "store-read-only");
  EXPECT_EQ(StoreError(EACCES).code, "store-read-only");
  EXPECT_EQ(StoreError(EIO).code, "store-failed");
}

}  // namespace
}  // namespace blindai::model
