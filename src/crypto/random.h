// Random bytes from OpenSSL's generator, which the kernel seeds. A failing generator stops the program:
// nothing may go on with a key or a nonce that somebody can guess.
#pragma once

#include <span>

#include "base/bytes.h"
#include "base/secret.h"

namespace blindai::crypto {

void FillRandom(std::span<std::uint8_t> out);
base::Bytes RandomBytes(std::size_t size);
base::SecretBytes RandomSecret(std::size_t size);

// A random value of a fixed size: RandomFixed<Nonce>().
template <typename Fixed>
Fixed RandomFixed() {
  Fixed value;
  FillRandom(value.bytes);
  return value;
}

}  // namespace blindai::crypto
