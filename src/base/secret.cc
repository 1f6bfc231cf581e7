#include "base/secret.h"

#include <cstring>

namespace blindai::base {

void Wipe(void* memory, std::size_t size) {
  if (memory == nullptr || size == 0) return;
  explicit_bzero(memory, size);
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    Wipe(bytes_);
    bytes_ = std::move(other.bytes_);
    other.bytes_.clear();
  }
  return *this;
}

}  // namespace blindai::base
