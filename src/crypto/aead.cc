#include "crypto/aead.h"

#include <climits>

#include "crypto/openssl_util.h"

namespace blindai::crypto {
namespace {

using CipherContextPtr = OpenSslPtr<EVP_CIPHER_CTX, &EVP_CIPHER_CTX_free>;

// OpenSSL counts in int; larger inputs go through in pieces.
constexpr std::size_t kPieceBytes = std::size_t{1} << 30;

const EVP_CIPHER* Aes256Gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  BLINDAI_CHECK(cipher != nullptr);
  return cipher;
}

CipherContextPtr Start(const base::SecretBytes& key, const AeadNonce& nonce, bool encrypt) {
  BLINDAI_CHECK(key.size() == kAeadKeyBytes);
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  BLINDAI_CHECK(context != nullptr);
  BLINDAI_CHECK(EVP_CipherInit_ex2(context.get(), Aes256Gcm(), key.ExposeSecret().data(), nonce.bytes.data(),
                                   encrypt ? 1 : 0, nullptr) == 1);
  return context;
}

// With out == nullptr the input is associated data.
void Update(EVP_CIPHER_CTX* context, std::uint8_t* out, base::ByteView in) {
  while (!in.empty()) {
    const std::size_t piece = std::min(in.size(), kPieceBytes);
    int written = 0;
    BLINDAI_CHECK(EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(piece)) == 1);
    if (out != nullptr) out += written;
    in = in.subspan(piece);
  }
}

}  // namespace

base::Bytes AeadSeal(const base::SecretBytes& key, const AeadNonce& nonce, base::ByteView plaintext,
                     base::ByteView associated_data) {
  const CipherContextPtr context = Start(key, nonce, true);
  Update(context.get(), nullptr, associated_data);
  base::Bytes out(plaintext.size() + kAeadTagBytes);
  Update(context.get(), out.data(), plaintext);
  int written = 0;
  std::uint8_t* tag = out.data() + plaintext.size();
  BLINDAI_CHECK(EVP_CipherFinal_ex(context.get(), tag, &written) == 1 && written == 0);
  BLINDAI_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kAeadTagBytes, tag) == 1);
  return out;
}

base::Result<base::SecretBytes> AeadOpen(const base::SecretBytes& key, const AeadNonce& nonce,
                                         base::ByteView ciphertext, base::ByteView associated_data) {
  if (ciphertext.size() < kAeadTagBytes) {
    return base::Malformed("the ciphertext is shorter than its tag", "decryption-failed");
  }
  const base::ByteView body = ciphertext.first(ciphertext.size() - kAeadTagBytes);
  base::Bytes tag = base::CopyBytes(ciphertext.last(kAeadTagBytes));
  const CipherContextPtr context = Start(key, nonce, false);
  Update(context.get(), nullptr, associated_data);
  base::SecretBytes out(body.size());
  Update(context.get(), out.ExposeSecretForWriting().data(), body);
  BLINDAI_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kAeadTagBytes, tag.data()) == 1);
  std::uint8_t rest[16];
  int written = 0;
  if (EVP_CipherFinal_ex(context.get(), rest, &written) != 1) {
    return OpenSslError("decryption-failed", "the data is not what was sealed, or the key is another one");
  }
  return out;
}

void Gmac::Free::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

Gmac::Gmac(const base::SecretBytes& key) : context_(Start(key, AeadNonce{}, true).release()) {}
Gmac::~Gmac() = default;
Gmac::Gmac(Gmac&&) noexcept = default;
Gmac& Gmac::operator=(Gmac&&) noexcept = default;

Gmac& Gmac::Update(base::ByteView bytes) {
  crypto::Update(context_.get(), nullptr, bytes);
  return *this;
}

GmacTag Gmac::Finish() {
  GmacTag tag;
  int written = 0;
  BLINDAI_CHECK(EVP_CipherFinal_ex(context_.get(), tag.bytes.data(), &written) == 1 && written == 0);
  BLINDAI_CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kAeadTagBytes, tag.bytes.data()) ==
                1);
  return tag;
}

}  // namespace blindai::crypto
