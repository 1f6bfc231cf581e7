// rooms: base attestation/evidence
// Law: what was read lies inside of the input, and cutting the input where the quote ends changes nothing.
#include "attestation/evidence/dcap_quote.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const auto quote = evidence::ParseDcapQuote({data, size});
  if (!quote.ok()) return 0;
  BLINDAI_CHECK(quote->quote_bytes + quote->trailing_bytes == size);
  const auto again = evidence::ParseDcapQuote({data, quote->quote_bytes});
  BLINDAI_CHECK(again.ok() && again->trailing_bytes == 0 && again->signed_bytes == quote->signed_bytes &&
                again->certification_data == quote->certification_data);
  BLINDAI_CHECK((quote->tee == evidence::TeeKind::kTdx) == (quote->td() != nullptr));
  return 0;
}
