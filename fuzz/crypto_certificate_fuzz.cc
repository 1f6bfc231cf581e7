// rooms: base encoding crypto
// Every question can be asked of whatever was accepted as a certificate; reading its own bytes gives it
// again.
#include "base/check.h"
#include "crypto/certificate.h"
#include "crypto/certificate_chain.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const auto certificate = crypto::Certificate::FromDer({data, size});
  if (!certificate.ok()) return 0;
  const auto again = crypto::Certificate::FromDer(certificate->der());
  BLINDAI_CHECK(again.ok() && *again == *certificate);
  certificate->subject();
  certificate->issuer_common_name();
  certificate->serial();
  certificate->extension("1.2.840.113741.1.13.1");
  certificate->MatchesHost("localhost");
  const std::vector<crypto::Certificate> pool = {*certificate};
  const crypto::TrustAnchor nobody{};
  const crypto::ChainOptions options{certificate->not_before(), crypto::CrlUse::kRequired, {}};
  BLINDAI_CHECK(!crypto::VerifyChain(*certificate, pool, std::span(&nobody, 1), options).ok());
  return 0;
}
