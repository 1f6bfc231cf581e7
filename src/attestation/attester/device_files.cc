#include "attestation/attester/device_files.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace blindai::attester {
namespace {

constexpr std::size_t kPieceBytes = 16 * 1024;

// Closes at the end of a scope and keeps errno.
class OpenFile {
 public:
  OpenFile(const std::string& path, int flags) : fd_(open(path.c_str(), flags | O_CLOEXEC)) {}
  ~OpenFile() {
    if (fd_ >= 0) close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

int PosixDeviceFiles::MakeDirectory(const std::string& path) {
  return mkdir(path.c_str(), 0700) == 0 ? 0 : errno;
}

int PosixDeviceFiles::RemoveDirectory(const std::string& path) {
  return rmdir(path.c_str()) == 0 ? 0 : errno;
}

int PosixDeviceFiles::Write(const std::string& path, base::ByteView bytes) {
  const OpenFile file(path, O_WRONLY);
  if (file.fd() < 0) return errno;
  const ssize_t written = write(file.fd(), bytes.data(), bytes.size());
  if (written < 0) return errno;
  return static_cast<std::size_t>(written) == bytes.size() ? 0 : EIO;
}

int PosixDeviceFiles::Read(const std::string& path, std::size_t max_bytes, base::Bytes& out) {
  out.clear();
  const OpenFile file(path, O_RDONLY);
  if (file.fd() < 0) return errno;
  while (true) {
    const std::size_t before = out.size();
    if (before > max_bytes) return EFBIG;
    out.resize(before + std::min(kPieceBytes, max_bytes + 1 - before));
    const ssize_t got = read(file.fd(), out.data() + before, out.size() - before);
    if (got < 0) {
      out.clear();
      return errno;
    }
    out.resize(before + static_cast<std::size_t>(got));
    if (got == 0) return 0;
  }
}

PosixDeviceControl::~PosixDeviceControl() {
  if (fd_ >= 0) close(fd_);
}

int PosixDeviceControl::Open(const std::string& path) {
  fd_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
  return fd_ >= 0 ? 0 : errno;
}

int PosixDeviceControl::Call(unsigned long request, void* argument) {
  return ioctl(fd_, request, argument) >= 0 ? 0 : errno;
}

}  // namespace blindai::attester
