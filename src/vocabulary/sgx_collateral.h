// The ten parts of DCAP collateral as BlindAI 0.5 and 0.6 put them on the wire (Intel's sgx_ql_qve_collateral_t and the
// PCK chain, as text): chains and revocation lists are PEM, signed statements are Intel's JSON. Nothing in them is
// trusted; the client's verifier follows the signatures.
#pragma once

#include <cstdint>
#include <string>

namespace blindai::vocabulary {

struct SgxCollateral {
  std::uint32_t version = 3;
  std::string pck_crl_issuer_chain;
  std::string root_ca_crl;
  std::string pck_crl;
  std::string tcb_info_issuer_chain;
  std::string tcb_info;
  std::string qe_identity_issuer_chain;
  std::string qe_identity;
  std::string pck_certificate;    // the leaf
  std::string pck_signing_chain;  // intermediate and root
};

}  // namespace blindai::vocabulary
