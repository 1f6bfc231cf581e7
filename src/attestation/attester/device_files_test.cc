#include "attestation/attester/device_files.h"

#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace blindai::attester {
namespace {

class DeviceFilesTest : public ::testing::Test {
 protected:
  DeviceFilesTest() { std::filesystem::create_directory(root_); }
  ~DeviceFilesTest() override { std::filesystem::remove_all(root_); }

  const std::string root_ =
      std::filesystem::temp_directory_path() / ("device-files-" + std::to_string(getpid()));
  PosixDeviceFiles files_;
  base::Bytes bytes_;
};

TEST_F(DeviceFilesTest, DirectoriesComeAndGo) {
  EXPECT_EQ(files_.MakeDirectory(root_ + "/a"), 0);
  EXPECT_EQ(files_.MakeDirectory(root_ + "/a"), EEXIST);
  EXPECT_EQ(files_.RemoveDirectory(root_ + "/a"), 0);
  EXPECT_EQ(files_.RemoveDirectory(root_ + "/a"), ENOENT);
}

TEST_F(DeviceFilesTest, ReadingGoesToTheEndAndStopsAtTheLimit) {
  std::filesystem::path path = root_ + "/file";
  EXPECT_EQ(files_.Write(path, base::Bytes(3)), ENOENT) << "a pseudo-file is never created";
  const base::Bytes content(40'000, 0xAB);
  FILE* file = fopen(path.c_str(), "wb");
  fwrite(content.data(), 1, content.size(), file);
  fclose(file);
  EXPECT_EQ(files_.Read(path, 40'000, bytes_), 0);
  EXPECT_EQ(bytes_, content);
  EXPECT_EQ(files_.Read(path, 39'999, bytes_), EFBIG);
  EXPECT_EQ(files_.Read(root_ + "/none", 10, bytes_), ENOENT);
  EXPECT_EQ(files_.Read(root_, 10, bytes_), EISDIR);
}

// procfs says size 0 for a file that has content, as configfs does.
TEST_F(DeviceFilesTest, TheSizeInStatMeansNothing) {
  EXPECT_EQ(files_.Read("/proc/self/status", 1 << 20, bytes_), 0);
  EXPECT_FALSE(bytes_.empty());
}

TEST_F(DeviceFilesTest, ADeviceGivesItsErrors) {
  PosixDeviceControl none;
  EXPECT_EQ(none.Open(root_ + "/none"), ENOENT);
  PosixDeviceControl device;
  ASSERT_EQ(device.Open("/dev/null"), 0);
  int argument = 0;
  EXPECT_EQ(device.Call(FIONREAD, &argument), ENOTTY);
}

}  // namespace
}  // namespace blindai::attester
