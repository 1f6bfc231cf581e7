#include "speech/audio_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace blindai::speech {

using base::ErrorKind;
using base::MakeError;

base::Result<std::unique_ptr<AudioFile>> AudioFile::Create(std::uint64_t max_bytes) {
  const int fd = memfd_create("blindai-audio", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) {
    return MakeError(ErrorKind::kExhausted, "out-of-memory",
                     "the server has no room for another recording now");
  }
  return std::unique_ptr<AudioFile>(new AudioFile(fd, max_bytes));
}

AudioFile::~AudioFile() { close(fd_); }

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
  if (fcntl(fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    return MakeError(ErrorKind::kInternal, "internal", "the recording could not be sealed");
  }
  return base::Ok();
}

}  // namespace blindai::speech
