#include "service/job_token.h"

#include "crypto/aead.h"
#include "crypto/hkdf.h"
#include "crypto/random.h"
#include "encoding/hex.h"

namespace blindai::service {
namespace {

using base::SecretBytes;

constexpr std::size_t kCheckBytes = 32;

SecretBytes Derive(const SecretBytes& token, std::string_view id, std::string_view purpose,
                   std::size_t size) {
  return crypto::Hkdf(crypto::HashAlgorithm::kSha256, token.ExposeSecret(), base::AsBytes(id),
                      base::AsBytes(purpose), size);
}

}  // namespace

SecretBytes NewJobToken() { return crypto::RandomSecret(kJobTokenBytes); }

std::string JobTokenText(const SecretBytes& token) { return encoding::HexEncode(token.ExposeSecret()); }

SecretBytes ParseJobToken(std::string_view text) {
  base::Result<base::Bytes> bytes = encoding::HexDecode(text.substr(0, 2 * kJobTokenBytes + 1));
  if (!bytes.ok() || bytes->size() != kJobTokenBytes) return SecretBytes(kJobTokenBytes);
  return SecretBytes(*std::move(bytes));
}

JobKeys DeriveJobKeys(const SecretBytes& token, std::string_view id) {
  return {.check = Derive(token, id, "blindai job token check", kCheckBytes),
          .sealing = Derive(token, id, "blindai job result", crypto::kAeadKeyBytes)};
}

base::Bytes SealJobResult(const SecretBytes& sealing, std::string_view id, base::ByteView result) {
  return crypto::AeadSeal(sealing, crypto::AeadNonce{}, result, base::AsBytes(id));
}

base::Result<SecretBytes> OpenJobResult(const SecretBytes& sealing, std::string_view id,
                                        base::ByteView sealed) {
  return crypto::AeadOpen(sealing, crypto::AeadNonce{}, sealed, base::AsBytes(id));
}

}  // namespace blindai::service
