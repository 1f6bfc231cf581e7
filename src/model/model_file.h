// An uploaded model on its way to a worker: bytes in anonymous memory of the kernel (memfd) that this process
// writes and never maps, so no parser bug of ours and no core file can expose them. Sealed after the upload:
// nobody, not even a worker in the hands of its model, can change or shorten the bytes that the gate
// inspected and that the digest names. memfd_create(2), F_ADD_SEALS in fcntl(2).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::model {

class ModelFile {
 public:
  // Codes: out-of-memory (the kernel gives no descriptor).
  static base::Result<std::shared_ptr<ModelFile>> Create(std::uint64_t max_bytes);
  ~ModelFile();
  ModelFile(const ModelFile&) = delete;
  ModelFile& operator=(const ModelFile&) = delete;

  // The next bytes of the upload, in chunks of any size. Codes: model-too-large, out-of-memory.
  base::Status Append(base::ByteView chunk);
  // Ends the upload. After it nothing can change the bytes. Codes: model-empty, internal.
  base::Status Seal();

  bool sealed() const { return sealed_; }
  std::uint64_t size() const { return size_; }
  // SHA-256 of the bytes in lower-case hex; empty before Seal().
  const std::string& sha256_hex() const { return sha256_hex_; }

  // Copies bytes out, for the sealed store. Code: internal.
  base::Status ReadAt(std::uint64_t offset, std::span<std::uint8_t> out) const;

  // For the worker process, which gets a copy of the descriptor. Owned by this object.
  int fd() const { return fd_; }

 private:
  ModelFile(int fd, std::uint64_t max_bytes);

  int fd_;
  std::uint64_t max_bytes_;
  std::uint64_t size_ = 0;
  bool sealed_ = false;
  struct Hash;
  std::unique_ptr<Hash> hash_;
  std::string sha256_hex_;
};

}  // namespace blindai::model
