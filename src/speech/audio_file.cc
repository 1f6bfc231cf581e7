#include "speech/audio_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "model/supervisor.h"

namespace blindai::speech {

using base::ErrorKind;
using base::MakeError;

namespace {

// What is overwritten while the caller waits: some milliseconds' worth.
constexpr std::uint64_t kOverwrittenAtOnce = std::uint64_t{4} << 20;

void OverwriteAndClose(int fd, std::uint64_t size) {
  static constexpr std::array<std::uint8_t, 64 << 10> kZeros{};
  for (std::uint64_t at = 0; at < size;) {
    const ssize_t written =
        pwrite(fd, kZeros.data(), std::min<std::uint64_t>(kZeros.size(), size - at), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    // These pages are there already: writing them needs nothing that could be missing.
    BLINDAI_CHECK(written > 0);
    at += static_cast<std::uint64_t>(written);
  }
  close(fd);
}

}  // namespace

base::Result<std::unique_ptr<AudioFile>> AudioFile::Create(std::uint64_t max_bytes) {
  const int fd = memfd_create("blindai-audio", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) {
    return MakeError(ErrorKind::kExhausted, "out-of-memory",
                     "the server has no room for another recording now");
  }
  return std::unique_ptr<AudioFile>(new AudioFile(fd, max_bytes));
}

AudioFile::~AudioFile() {
  if (reading_fd_ >= 0) close(reading_fd_);
  if (size_ <= kOverwrittenAtOnce) {
    OverwriteAndClose(fd_, size_);
  } else {
    // Whoever lets go of it last may be the thread that everybody waits for.
    model::Supervisor::Instance().Offload([fd = fd_, size = size_] { OverwriteAndClose(fd, size); }, [] {});
  }
}

base::Status AudioFile::Append(base::ByteView piece) {
  if (piece.size() > max_bytes_ - size_) {
    return MakeError(
        ErrorKind::kTooLarge, "audio-too-large",
        fmt::format("the file is larger than {} bytes, the limit of this server; compress or cut it",
                    max_bytes_),
        "file");
  }
  while (!piece.empty()) {
    const ssize_t written = write(fd_, piece.data(), piece.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return MakeError(ErrorKind::kExhausted, "out-of-memory",
                       "the server has no memory left for this recording");
    }
    piece = piece.subspan(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
  return base::Ok();
}

base::Status AudioFile::Seal() {
  if (size_ == 0) return MakeError(ErrorKind::kInvalid, "audio-empty", "the file is empty", "file");
  // Another open file description of the same memory: F_SEAL_WRITE would keep this object from overwriting it.
  reading_fd_ = open(fmt::format("/proc/self/fd/{}", fd_).c_str(), O_RDONLY | O_CLOEXEC);
  if (reading_fd_ < 0 || fcntl(fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return MakeError(ErrorKind::kInternal, "internal", "the recording could not be sealed");
  }
  return base::Ok();
}

}  // namespace blindai::speech
