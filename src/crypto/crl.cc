#include "crypto/crl.h"

#include "crypto/openssl_handle.h"
#include "crypto/openssl_util.h"
#include "encoding/der.h"
#include "encoding/hex.h"
#include "encoding/pem.h"

namespace blindai::crypto {
namespace {

constexpr std::size_t kMaxCrlBytes = 4 * 1024 * 1024;
constexpr std::string_view kPadding("\0 \t\r\n", 5);

base::Error BadCrl(std::string message) { return OpenSslError("bad-crl", std::move(message)); }

}  // namespace

Crl::Crl(std::shared_ptr<X509_crl_st> crl, base::Bytes der, base::Time this_update, base::Time next_update)
    : crl_(std::move(crl)),
      der_(std::make_shared<const base::Bytes>(std::move(der))),
      this_update_(this_update),
      next_update_(next_update) {}

base::Result<Crl> Crl::FromDer(base::ByteView der) {
  if (der.size() > kMaxCrlBytes) return BadCrl("CRL: longer than 4 MiB");
  if (const auto strict = encoding::CheckDer(der, "CRL"); !strict.ok()) return BadCrl(strict.error().message);
  const unsigned char* position = der.data();
  X509_CRL* raw = d2i_X509_CRL(nullptr, &position, static_cast<long>(der.size()));
  if (raw == nullptr) return BadCrl("CRL: not an X.509 revocation list");
  const std::shared_ptr<X509_CRL> crl(raw, &X509_CRL_free);
  if (position != der.data() + der.size()) return BadCrl("CRL: bytes follow its end");
  if (X509_CRL_get0_nextUpdate(raw) == nullptr)
    return BadCrl("CRL: has no nextUpdate, so it would never expire");
  BLINDAI_TRY(const base::Time this_update, ToTime(X509_CRL_get0_lastUpdate(raw), "CRL: thisUpdate"));
  BLINDAI_TRY(const base::Time next_update, ToTime(X509_CRL_get0_nextUpdate(raw), "CRL: nextUpdate"));
  return Crl(crl, base::CopyBytes(der), this_update, next_update);
}

base::Result<Crl> Crl::FromPem(std::string_view pem) {
  encoding::PemLimits limits;
  limits.max_text_bytes = 2 * kMaxCrlBytes;
  BLINDAI_TRY(const std::vector<encoding::PemBlock> blocks, encoding::ParsePem(pem, limits));
  for (const encoding::PemBlock& block : blocks) {
    if (block.label == "X509 CRL") return FromDer(block.bytes);
  }
  return BadCrl("the PEM text holds no X509 CRL");
}

base::Result<Crl> Crl::FromAny(base::ByteView bytes) {
  if (encoding::LooksLikePem(bytes)) return FromPem(base::AsText(bytes));
  if (!bytes.empty() && bytes[0] == encoding::kDerSequence) {
    // The first byte of DER is 30, which is also the hex digit "0"; DER's second byte is never a hex digit
    // here.
    const auto size = encoding::DerElementSize(bytes);
    if (size.ok()) {
      const std::string_view padding = base::AsText(bytes.subspan(*size));
      if (padding.find_first_not_of(kPadding) != std::string_view::npos)
        return BadCrl("CRL: bytes follow its end");
      return FromDer(bytes.first(*size));
    }
  }
  std::string_view text = base::AsText(bytes);
  text = text.substr(0, text.find_last_not_of(kPadding) + 1);
  const auto der = encoding::HexDecode(text);
  if (!der.ok()) return BadCrl("CRL: neither DER nor PEM nor hex text");
  return FromDer(*der);
}

std::string Crl::issuer() const { return NameText(X509_CRL_get_issuer(crl_.get())); }

std::string Crl::issuer_common_name() const {
  X509_NAME* name = X509_CRL_get_issuer(crl_.get());
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (index < 0) return "";
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index));
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
}

std::size_t Crl::entry_count() const {
  const int count = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl_.get()));
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

bool Crl::IsRevoked(base::ByteView serial) const {
  const STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(crl_.get());
  const auto without_zeros = [](base::ByteView number) {
    while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
    return number;
  };
  const base::ByteView wanted = without_zeros(serial);
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    const ASN1_INTEGER* entry = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i));
    const base::ByteView seen =
        without_zeros({ASN1_STRING_get0_data(entry), static_cast<std::size_t>(ASN1_STRING_length(entry))});
    if (std::equal(seen.begin(), seen.end(), wanted.begin(), wanted.end())) return true;
  }
  return false;
}

bool Crl::HasIssuerName(const Certificate& issuer) const {
  return X509_NAME_cmp(X509_CRL_get_issuer(crl_.get()), X509_get_subject_name(OpenSslHandle::Of(issuer))) ==
         0;
}

bool Crl::IsSignedBy(const PublicKey& issuer) const {
  const X509_ALGOR* algorithm = nullptr;
  X509_CRL_get0_signature(crl_.get(), nullptr, &algorithm);
  if (!UsesStrongHash(algorithm)) return false;
  const bool good = X509_CRL_verify(crl_.get(), OpenSslHandle::Of(issuer)) == 1;
  if (!good) ERR_clear_error();
  return good;
}

X509_CRL* OpenSslHandle::Of(const Crl& crl) { return crl.crl_.get(); }

}  // namespace blindai::crypto
