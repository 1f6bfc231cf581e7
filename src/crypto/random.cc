#include "crypto/random.h"

#include <openssl/rand.h>

#include <climits>

#include "base/check.h"

namespace blindai::crypto {

void FillRandom(std::span<std::uint8_t> out) {
  BLINDAI_CHECK(out.size() <= INT_MAX && RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

base::Bytes RandomBytes(std::size_t size) {
  base::Bytes bytes(size);
  FillRandom(bytes);
  return bytes;
}

base::SecretBytes RandomSecret(std::size_t size) {
  base::SecretBytes secret(size);
  FillRandom(secret.ExposeSecretForWriting());
  return secret;
}

}  // namespace blindai::crypto
