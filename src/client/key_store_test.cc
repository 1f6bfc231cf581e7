#include "client/key_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "client/settings.h"

namespace blindai::client {
namespace {

class KeyStoreTest : public ::testing::Test {
 protected:
  KeyStoreTest() {
    std::string name = (std::filesystem::temp_directory_path() / "key-store-XXXXXX").string();
    BLINDAI_CHECK(mkdtemp(name.data()) != nullptr);
    folder_ = name;
  }
  ~KeyStoreTest() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/blindai/config.toml"; }

  static unsigned ModeOf(const std::string& path) {
    struct stat facts {};
    BLINDAI_CHECK(stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 0777;
  }
  std::string folder_;
};

TEST_F(KeyStoreTest, TheFileIsReadableByItsOwnerOnlyAlsoWhenItReplacesAnother) {
  ASSERT_TRUE(WriteStoredSettings(path(), {.directory = "https://cloud.example", .api_key = "bai_1"}).ok());
  EXPECT_EQ(ModeOf(path()), 0600u);
  EXPECT_EQ(ModeOf(folder_ + "/blindai"), 0700u);
  ASSERT_EQ(chmod(path().c_str(), 0644), 0);
  ASSERT_TRUE(WriteStoredSettings(path(), {.directory = "https://cloud.example", .api_key = "bai_2"}).ok());
  EXPECT_EQ(ModeOf(path()), 0600u);
  EXPECT_EQ((*ReadStoredSettings(path()))->api_key, "bai_2");
}

TEST_F(KeyStoreTest, WhatIsWrittenIsWhatAClientFinds) {
  const StoredSettings settings{
      .directory = "https://cloud.example:444", .policy = "a \"quoted\" name.toml", .api_key = "bai_1"};
  ASSERT_TRUE(WriteStoredSettings(path(), settings).ok());
  Surroundings surroundings = Surroundings::OfProcess();
  surroundings.variable = [](const std::string&) { return std::nullopt; };
  surroundings.settings_file = path();
  const auto read_file = surroundings.read_file;
  std::string policy;
  surroundings.read_file = [&](const std::string& name) {
    if (name == path()) return read_file(name);
    policy = name;
    return std::optional<std::string>();
  };
  EXPECT_EQ(ResolveOptions({}, surroundings).error().code, "policy-file");
  EXPECT_EQ(policy, "a \"quoted\" name.toml");
}

TEST_F(KeyStoreTest, AFileThatIsNotThereIsNothingAndOneThatIsBrokenIsAnError) {
  EXPECT_FALSE((*ReadStoredSettings(path())).has_value());
  std::filesystem::create_directories(folder_ + "/blindai");
  std::ofstream(path()) << "addr = ";
  EXPECT_EQ(ReadStoredSettings(path()).error().code, "settings-file");
  EXPECT_EQ(WriteStoredSettings("/proc/nowhere/config.toml", {}).error().code, "settings-file");
}

TEST_F(KeyStoreTest, WithoutAKeyringNothingIsStoredAndNothingFound) {
  const Keyring none("no-such-program");
  EXPECT_FALSE(none.Store("https://cloud.example", base::SecretBytes::CopyOf(base::AsBytes("bai_1"))));
  EXPECT_FALSE(none.Find("https://cloud.example").has_value());
  none.Forget("https://cloud.example");
}

}  // namespace
}  // namespace blindai::client
