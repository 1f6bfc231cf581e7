// HKDF (RFC 5869): keys for different purposes from one secret. The label (info) keeps them apart.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/digest.h"

namespace blindai::crypto {

// Extract and expand. At most 255 times the hash's size.
base::SecretBytes Hkdf(HashAlgorithm hash, base::ByteView secret, base::ByteView salt, base::ByteView info,
                       std::size_t size);

// The two halves of RFC 5869 section 2, for protocols that run them apart.
base::SecretBytes HkdfExtract(HashAlgorithm hash, base::ByteView secret, base::ByteView salt);
base::SecretBytes HkdfExpand(HashAlgorithm hash, base::ByteView pseudo_random_key, base::ByteView info,
                             std::size_t size);

}  // namespace blindai::crypto
