#include "model/model_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "crypto/digest.h"
#include "encoding/hex.h"

namespace blindai::model {

using base::ErrorKind;
using base::MakeError;

struct ModelFile::Hash {
  crypto::Sha256Hasher hasher;
};

base::Result<std::shared_ptr<ModelFile>> ModelFile::Create(std::uint64_t max_bytes) {
  const int fd = memfd_create("blindai-model", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) {
    return MakeError(ErrorKind::kExhausted, "out-of-memory", "the server has no room for another model now");
  }
  return std::shared_ptr<ModelFile>(new ModelFile(fd, max_bytes));
}

ModelFile::ModelFile(int fd, std::uint64_t max_bytes)
    : fd_(fd), max_bytes_(max_bytes), hash_(std::make_unique<Hash>()) {}

ModelFile::~ModelFile() { close(fd_); }

base::Status ModelFile::Append(base::ByteView chunk) {
  BLINDAI_CHECK(!sealed_);
  if (chunk.size() > max_bytes_ - size_) {
    return MakeError(
        ErrorKind::kTooLarge, "model-too-large",
        "the model is larger than " + std::to_string(max_bytes_) + " bytes, the limit of this server");
  }
  hash_->hasher.Update(chunk);
  while (!chunk.empty()) {
    const ssize_t written = write(fd_, chunk.data(), chunk.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return MakeError(ErrorKind::kExhausted, "out-of-memory",
                       "the server has no memory left for this model");
    }
    chunk = chunk.subspan(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
  return base::Ok();
}

base::Status ModelFile::Seal() {
  BLINDAI_CHECK(!sealed_);
  if (size_ == 0) return base::Malformed("the model is empty", "model-empty");
  if (fcntl(fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    return MakeError(ErrorKind::kInternal, "internal", "the model could not be sealed");
  }
  sealed_ = true;
  sha256_hex_ = encoding::HexEncode(hash_->hasher.Finish().view());
  return base::Ok();
}

base::Status ModelFile::ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) const {
  while (!out.empty()) {
    const ssize_t got = pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return MakeError(ErrorKind::kInternal, "internal", "the model could not be read back");
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return base::Ok();
}

}  // namespace blindai::model
