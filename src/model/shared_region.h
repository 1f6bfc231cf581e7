// Memory that the server and one worker share: one region for the inputs of a run, one for its outputs. Its
// size is sealed, so a worker cannot make the server fault by cutting it short; the inputs' region can be
// mapped for reading only by the worker. The server copies what it needs and never trusts that bytes stay as
// they were. Pages are reserved when they are touched, so a region may be as large as the limit and cost
// nothing.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::model {

// A shared mapping of a descriptor, unmapped when it dies.
class Mapping {
 public:
  Mapping() = default;
  // Code: out-of-memory.
  static base::Result<Mapping> Map(int fd, std::uint64_t bytes, bool writable);
  ~Mapping();
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  base::ByteView view() const { return bytes_; }
  std::span<std::uint8_t> writable() { return bytes_; }
  std::size_t size() const { return bytes_.size(); }

  // The pages leave this process until they are read again; the file keeps them.
  void LetGo() const;

 private:
  std::span<std::uint8_t> bytes_;
};

class SharedRegion {
 public:
  SharedRegion() = default;
  // `worker_writes` false: once this returns, nobody can get another writable mapping. Code: out-of-memory.
  static base::Result<SharedRegion> Create(std::uint64_t bytes, bool worker_writes);
  ~SharedRegion();
  SharedRegion(SharedRegion&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), mapping_(std::move(other.mapping_)) {}
  SharedRegion& operator=(SharedRegion&& other) noexcept {
    std::swap(fd_, other.fd_);
    mapping_ = std::move(other.mapping_);
    return *this;
  }

  int fd() const { return fd_; }
  std::size_t size() const { return mapping_.size(); }
  base::ByteView view() const { return mapping_.view(); }
  std::span<std::uint8_t> writable() { return mapping_.writable(); }

  // Makes the first `used` bytes zero.
  void Wipe(std::uint64_t used);
  // Gives every page back to the kernel; the region reads as zeros afterwards.
  void Release();

 private:
  int fd_ = -1;
  Mapping mapping_;
};

}  // namespace blindai::model
