#include "server/legacy_quote.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attestation/endorsements/dcap_collateral.h"
#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/dcap_quote.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "encoding/pem.h"

namespace blindai::server {
namespace {

namespace name = endorsements::name;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using crypto::Certificate;

Result<base::ByteView> Find(const evidence::EvidenceBundle& bundle, std::string_view wanted) {
  for (const evidence::NamedBytes& entry : bundle.endorsements) {
    if (entry.name == wanted) return base::ByteView(entry.bytes);
  }
  return MakeError(ErrorKind::kUnavailable, "collateral-missing",
                   std::string("the server has no ") + std::string(wanted) +
                       " to go with its quote; the operator configures [endorsements]");
}

std::string PemOf(const std::vector<Certificate>& chain) {
  std::string pem;
  for (const Certificate& certificate : chain) pem += certificate.ToPem();
  return pem;
}

Result<std::string> TextOf(const evidence::EvidenceBundle& bundle, std::string_view role) {
  BLINDAI_TRY(const base::ByteView bytes, Find(bundle, role));
  return std::string(base::AsText(bytes));
}

Result<std::string> ListOf(const evidence::EvidenceBundle& bundle, std::string_view role) {
  BLINDAI_TRY(const base::ByteView bytes, Find(bundle, role));
  BLINDAI_TRY(const crypto::Crl list, endorsements::ReadCrl(bytes).Within(role));
  return encoding::PemEncode("X509 CRL", list.der());
}

Result<std::string> ChainOf(const evidence::EvidenceBundle& bundle, std::string_view role) {
  BLINDAI_TRY(const base::ByteView bytes, Find(bundle, role));
  BLINDAI_TRY(const auto chain, endorsements::ReadIssuerChain(bytes).Within(role));
  return PemOf(chain);
}

// Leaf first, then who signed it, up to the root: the order that the clients' verifiers insist on.
Result<std::vector<Certificate>> OrderedPckChain(const evidence::DcapQuote& quote) {
  BLINDAI_TRY(auto chain,
              endorsements::ReadIssuerChain(quote.certification_data).Within("the quote's PCK chain"));
  for (std::size_t next = 0; next < chain.size(); ++next) {
    const auto belongs = std::find_if(
        chain.begin() + static_cast<std::ptrdiff_t>(next), chain.end(), [&](const Certificate& certificate) {
          return next == 0 ? !certificate.is_ca() : chain[next - 1].IsSignedBy(certificate);
        });
    if (belongs == chain.end())
      return base::Malformed("the quote's PCK chain: is not one chain from leaf to root");
    std::iter_swap(chain.begin() + static_cast<std::ptrdiff_t>(next), belongs);
  }
  return chain;
}

}  // namespace

Result<service::LegacyQuote> ToLegacyQuote(const evidence::EvidenceBundle& bundle) {
  BLINDAI_TRY(const evidence::DcapQuote quote, evidence::ParseDcapQuote(bundle.evidence));
  BLINDAI_TRY(std::vector<Certificate> pck, OrderedPckChain(quote));
  service::LegacyQuote out;
  out.quote.assign(bundle.evidence.begin(),
                   bundle.evidence.begin() + static_cast<std::ptrdiff_t>(quote.quote_bytes));
  vocabulary::SgxCollateral& collateral = out.collateral;
  BLINDAI_TRY(collateral.tcb_info, TextOf(bundle, name::kTcbInfo));
  BLINDAI_TRY(collateral.tcb_info_issuer_chain, ChainOf(bundle, name::kTcbChain));
  BLINDAI_TRY(collateral.qe_identity, TextOf(bundle, name::kQeIdentity));
  BLINDAI_TRY(collateral.qe_identity_issuer_chain, ChainOf(bundle, name::kQeChain));
  BLINDAI_TRY(collateral.pck_crl, ListOf(bundle, name::kPckCrl));
  BLINDAI_TRY(collateral.root_ca_crl, ListOf(bundle, name::kRootCrl));
  collateral.pck_certificate = pck.front().ToPem();
  pck.erase(pck.begin());
  collateral.pck_signing_chain = PemOf(pck);
  // Who signed the leaf signs its revocation list, so a service that gives no chain for the list loses nothing.
  Result<std::string> list_chain = ChainOf(bundle, name::kCrlChain);
  collateral.pck_crl_issuer_chain =
      list_chain.ok() ? std::move(list_chain).value() : collateral.pck_signing_chain;
  return out;
}

}  // namespace blindai::server
