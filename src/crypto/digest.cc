#include "crypto/digest.h"

#include <openssl/evp.h>

#include "crypto/openssl_util.h"

namespace blindai::crypto {
namespace {

template <typename Digest>
constexpr HashAlgorithm AlgorithmOf() {
  if constexpr (Digest::kSize == 32) return HashAlgorithm::kSha256;
  if constexpr (Digest::kSize == 48) return HashAlgorithm::kSha384;
  return HashAlgorithm::kSha512;
}

void HashInto(const EVP_MD* algorithm, base::ByteView bytes, std::uint8_t* digest) {
  BLINDAI_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest, nullptr, algorithm, nullptr) == 1);
}

template <typename Digest>
Digest HashFixed(base::ByteView bytes) {
  Digest digest;
  HashInto(DigestOf(AlgorithmOf<Digest>()), bytes, digest.bytes.data());
  return digest;
}

}  // namespace

Sha256Digest Sha256(base::ByteView bytes) { return HashFixed<Sha256Digest>(bytes); }
Sha384Digest Sha384(base::ByteView bytes) { return HashFixed<Sha384Digest>(bytes); }
Sha512Digest Sha512(base::ByteView bytes) { return HashFixed<Sha512Digest>(bytes); }

Sha1Digest Sha1ForEventLogs(base::ByteView bytes) {
  Sha1Digest digest;
  HashInto(EVP_sha1(), bytes, digest.bytes.data());
  return digest;
}

std::size_t HashSize(HashAlgorithm algorithm) {
  return static_cast<std::size_t>(EVP_MD_get_size(DigestOf(algorithm)));
}

base::Bytes Hash(HashAlgorithm algorithm, base::ByteView bytes) {
  base::Bytes digest(HashSize(algorithm));
  HashInto(DigestOf(algorithm), bytes, digest.data());
  return digest;
}

template <typename Digest>
void Hasher<Digest>::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

template <typename Digest>
Hasher<Digest>::Hasher() : context_(EVP_MD_CTX_new()) {
  BLINDAI_CHECK(context_ != nullptr &&
                EVP_DigestInit_ex(context_.get(), DigestOf(AlgorithmOf<Digest>()), nullptr) == 1);
}
template <typename Digest>
Hasher<Digest>::~Hasher() = default;
template <typename Digest>
Hasher<Digest>::Hasher(Hasher&&) noexcept = default;
template <typename Digest>
Hasher<Digest>& Hasher<Digest>::operator=(Hasher&&) noexcept = default;

template <typename Digest>
Hasher<Digest>& Hasher<Digest>::Update(base::ByteView bytes) {
  BLINDAI_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

template <typename Digest>
Digest Hasher<Digest>::Finish() {
  Digest digest;
  BLINDAI_CHECK(EVP_DigestFinal_ex(context_.get(), digest.bytes.data(), nullptr) == 1 &&
                EVP_DigestInit_ex(context_.get(), DigestOf(AlgorithmOf<Digest>()), nullptr) == 1);
  return digest;
}

template class Hasher<Sha256Digest>;
template class Hasher<Sha384Digest>;
template class Hasher<Sha512Digest>;

}  // namespace blindai::crypto
