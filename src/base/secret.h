// Secrets are a type. Their bytes are read through one accessor that a review can search for (ExposeSecret),
// they are wiped when the object dies or is moved from, and they cannot be copied or printed by accident.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace blindai::base {

// Overwrites memory in a way that the compiler may not remove.
void Wipe(void* memory, std::size_t size);
inline void Wipe(std::span<std::uint8_t> bytes) { Wipe(bytes.data(), bytes.size()); }
inline void Wipe(Bytes& bytes) {
  Wipe(bytes.data(), bytes.size());
  bytes.clear();
}

// Sound and scores.
inline void Wipe(std::span<float> values) { Wipe(values.data(), values.size_bytes()); }
inline void Wipe(std::vector<float>& values) {
  Wipe(std::span<float>(values));
  values.clear();
}

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size) : bytes_(size) {}
  // Takes the bytes over: the caller's vector is left empty, nothing is copied.
  explicit SecretBytes(Bytes&& bytes) : bytes_(std::move(bytes)) { bytes.clear(); }
  static SecretBytes CopyOf(ByteView bytes) { return SecretBytes(CopyBytes(bytes)); }
  ~SecretBytes() { Wipe(bytes_); }

  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  ByteView ExposeSecret() const { return bytes_; }
  std::span<std::uint8_t> ExposeSecretForWriting() { return bytes_; }

 private:
  Bytes bytes_;
};

}  // namespace blindai::base
