#include "model/store_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace blindai::model {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;

class PosixOutput final : public StoreFiles::Output {
 public:
  explicit PosixOutput(int fd) : fd_(fd) {}
  ~PosixOutput() override { close(fd_); }
  PosixOutput(const PosixOutput&) = delete;
  PosixOutput& operator=(const PosixOutput&) = delete;

  Status Append(base::ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return StoreError(written < 0 ? errno : ENOSPC);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return base::Ok();
  }
  Status Sync() override { return fsync(fd_) == 0 ? base::Ok() : Status(StoreError(errno)); }

 private:
  const int fd_;
};

class PosixInput final : public StoreFiles::Input {
 public:
  explicit PosixInput(int fd) : fd_(fd) {}
  ~PosixInput() override { close(fd_); }
  PosixInput(const PosixInput&) = delete;
  PosixInput& operator=(const PosixInput&) = delete;

  Result<std::size_t> Read(std::span<std::uint8_t> out) override {
    std::size_t filled = 0;
    while (filled < out.size()) {
      const ssize_t got = read(fd_, out.data() + filled, out.size() - filled);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return StoreError(errno);
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return filled;
  }

 private:
  const int fd_;
};

}  // namespace

base::Error StoreError(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return MakeError(ErrorKind::kUnavailable, "store-full",
                       "the disk of the model store is full; the server's operator must make room");
    case EROFS:
    case EACCES:
    case EPERM:
      return MakeError(ErrorKind::kUnavailable, "store-read-only",
                       "the model store cannot be written; the server's operator must look at it");
    case ENOENT:
      return MakeError(ErrorKind::kNotFound, "store-file-missing", "a file of the model store is missing");
    default:
      return MakeError(
          ErrorKind::kUnavailable, "store-failed",
          fmt::format("the disk of the model store failed (errno {}); the server's operator must look at it",
                      error_number));
  }
}

Result<std::unique_ptr<PosixStoreFiles>> PosixStoreFiles::Open(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return MakeError(ErrorKind::kUnavailable, "store-folder",
                     fmt::format("the folder of the model store cannot be opened (errno {})", errno));
  }
  auto files = std::unique_ptr<PosixStoreFiles>(new PosixStoreFiles(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return MakeError(ErrorKind::kConflict, "store-in-use",
                     "another server uses this model store; give each server a folder of its own");
  }
  return files;
}

PosixStoreFiles::~PosixStoreFiles() { close(folder_); }

Result<std::unique_ptr<StoreFiles::Output>> PosixStoreFiles::Create(const std::string& name) {
  const int fd = openat(folder_, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return StoreError(errno);
  return std::unique_ptr<Output>(std::make_unique<PosixOutput>(fd));
}

Result<std::unique_ptr<StoreFiles::Input>> PosixStoreFiles::OpenFile(const std::string& name) {
  // O_NONBLOCK: a pipe in the place of a file must not hold the server.
  const int fd = openat(folder_, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return StoreError(errno);
  return std::unique_ptr<Input>(std::make_unique<PosixInput>(fd));
}

Status PosixStoreFiles::Rename(const std::string& from, const std::string& to) {
  if (renameat(folder_, from.c_str(), folder_, to.c_str()) != 0) return StoreError(errno);
  return base::Ok();
}

Status PosixStoreFiles::Remove(const std::string& name) {
  if (unlinkat(folder_, name.c_str(), 0) != 0 && errno != ENOENT) return StoreError(errno);
  return base::Ok();
}

Status PosixStoreFiles::SyncFolder() {
  if (fsync(folder_) != 0) return StoreError(errno);
  return base::Ok();
}

Result<std::vector<StoreFiles::Entry>> PosixStoreFiles::List() {
  const int copy = openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return StoreError(errno);
  DIR* const stream = fdopendir(copy);
  if (stream == nullptr) {
    close(copy);
    return StoreError(errno);
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> owner(stream, closedir);
  std::vector<Entry> entries;
  errno = 0;
  while (const dirent* const entry = readdir(stream)) {
    struct stat about {};
    if (fstatat(folder_, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(about.st_mode)) {
      entries.push_back({entry->d_name, static_cast<std::uint64_t>(about.st_size)});
    }
    errno = 0;
  }
  if (errno != 0) return StoreError(errno);
  return entries;
}

}  // namespace blindai::model
