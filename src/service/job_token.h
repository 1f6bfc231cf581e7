// What only the requester of a job holds: a token of 32 random bytes. From it come the key that the job's result is
// sealed under (AES-256-GCM) and a check that recognises the token; the server keeps the check, and the key only until
// the result is sealed, so that afterwards nobody reads the result without the token, the server included. HKDF (RFC
// 5869) with the job's id as salt keeps the two and all jobs apart.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace blindai::service {

inline constexpr std::size_t kJobTokenBytes = 32;

// What a token is good for, for one job.
struct JobKeys {
  base::SecretBytes check;    // 32 bytes; compared in constant time
  base::SecretBytes sealing;  // 32 bytes; it seals one result only, so that its nonce is a constant
};

base::SecretBytes NewJobToken();
// 64 hex digits, as it travels. The caller wipes it.
std::string JobTokenText(const base::SecretBytes& token);
// A token that is none gives 32 zero bytes, which are nobody's: it fails where a wrong one does.
base::SecretBytes ParseJobToken(std::string_view text);

JobKeys DeriveJobKeys(const base::SecretBytes& token, std::string_view id);

base::Bytes SealJobResult(const base::SecretBytes& sealing, std::string_view id, base::ByteView result);
// Code: decryption-failed.
base::Result<base::SecretBytes> OpenJobResult(const base::SecretBytes& sealing, std::string_view id,
                                              base::ByteView sealed);

}  // namespace blindai::service
