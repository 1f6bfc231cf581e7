#include "attestation/endorsements/certificate_list.h"

#include <algorithm>

#include "encoding/der.h"
#include "encoding/pem.h"

namespace blindai::endorsements {

base::Result<std::vector<crypto::Certificate>> ReadCertificates(base::ByteView bytes) {
  if (encoding::LooksLikePem(bytes)) return crypto::Certificate::AllFromPem(base::AsText(bytes));
  BLINDAI_TRY(const std::size_t size, encoding::DerElementSize(bytes));
  const base::ByteView padding = bytes.subspan(size);
  if (std::any_of(padding.begin(), padding.end(), [](std::uint8_t byte) { return byte != 0; })) {
    return base::Malformed("bytes after the certificate", "bad-certificate");
  }
  BLINDAI_TRY(crypto::Certificate certificate, crypto::Certificate::FromDer(bytes.first(size)));
  return std::vector<crypto::Certificate>{std::move(certificate)};
}

}  // namespace blindai::endorsements
