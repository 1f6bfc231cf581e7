// SHA-2 digests (FIPS 180-4) whose size is part of the type, in one call or piece by piece.
#pragma once

#include <memory>

#include "base/bytes.h"

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace blindai::crypto {

enum class HashAlgorithm { kSha256, kSha384, kSha512 };

struct Sha1Tag {};
struct Sha256Tag {};
struct Sha384Tag {};
struct Sha512Tag {};
using Sha1Digest = base::FixedBytes<20, Sha1Tag>;
using Sha256Digest = base::FixedBytes<32, Sha256Tag>;
using Sha384Digest = base::FixedBytes<48, Sha384Tag>;
using Sha512Digest = base::FixedBytes<64, Sha512Tag>;

Sha256Digest Sha256(base::ByteView bytes);
Sha384Digest Sha384(base::ByteView bytes);
Sha512Digest Sha512(base::ByteView bytes);
// The same for an algorithm known at run time.
base::Bytes Hash(HashAlgorithm algorithm, base::ByteView bytes);
std::size_t HashSize(HashAlgorithm algorithm);

// Only for replaying TCG event logs whose old banks are SHA-1; nothing may be trusted because of it.
Sha1Digest Sha1ForEventLogs(base::ByteView bytes);

// Digest = Sha256Digest, Sha384Digest or Sha512Digest.
template <typename Digest>
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  Hasher& Update(base::ByteView bytes);
  // The digest of everything so far; the hasher starts anew.
  Digest Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

using Sha256Hasher = Hasher<Sha256Digest>;
using Sha384Hasher = Hasher<Sha384Digest>;
using Sha512Hasher = Hasher<Sha512Digest>;

}  // namespace blindai::crypto
