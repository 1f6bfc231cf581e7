// rooms: base encoding crypto
// Whatever was accepted as a revocation list, in whichever form, reads again from its own DER.
#include "base/check.h"
#include "crypto/crl.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const auto crl = crypto::Crl::FromAny({data, size});
  if (!crl.ok()) return 0;
  const auto again = crypto::Crl::FromDer(crl->der());
  BLINDAI_CHECK(again.ok() && again->entry_count() == crl->entry_count());
  crl->issuer();
  BLINDAI_CHECK(again->IsRevoked(base::Bytes{1}) == crl->IsRevoked(base::Bytes{1}));
  return 0;
}
