// A recording on its way to a decoder: bytes in anonymous memory of the kernel (memfd) that this process writes and
// never maps, so that no parser bug of ours and no core file can expose them. They never have a name in a file system,
// and they are overwritten before the kernel takes the memory back. memfd_create(2).
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::speech {

class AudioFile {
 public:
  // Code: out-of-memory (the kernel gives no descriptor).
  static base::Result<std::unique_ptr<AudioFile>> Create(std::uint64_t max_bytes);
  ~AudioFile();
  AudioFile(const AudioFile&) = delete;
  AudioFile& operator=(const AudioFile&) = delete;

  // The next bytes of the upload, in pieces of any size. Codes: audio-too-large (param file), out-of-memory.
  base::Status Append(base::ByteView piece);
  // Ends the upload: nobody can shorten the file any more, and nobody but this object can change its bytes. Codes:
  // audio-empty (param file), internal.
  base::Status Seal();

  std::uint64_t size() const { return size_; }
  // For the decoder process, which gets a copy of the descriptor: it can read and nothing else, and what it has mapped
  // becomes zeros when this object dies. Owned by this object; only after Seal.
  int reading_fd() const { return reading_fd_; }

 private:
  AudioFile(int fd, std::uint64_t max_bytes) : fd_(fd), max_bytes_(max_bytes) {}

  const int fd_;
  int reading_fd_ = -1;
  const std::uint64_t max_bytes_;
  std::uint64_t size_ = 0;
};

}  // namespace blindai::speech
