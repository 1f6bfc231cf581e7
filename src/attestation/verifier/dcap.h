// Intel SGX and TDX by DCAP quotes. The trust story, from what is pinned down to what is believed:
//
//   Intel SGX Root CA (pinned key)
//     |-- PCK Platform/Processor CA -- PCK certificate: one platform, its patch level     [pck-crl, root-crl]
//     |        |-- signs the QE report: Intel's quoting enclave on that platform
//     |                 |-- holds SHA-256 of the attestation key
//     |                          |-- signs header and body: the report of the enclave or TD
//     |-- TCB Signing certificate                                                         [root-crl]
//              |-- signs TCB info: what each patch level is worth, which TDX modules exist
//              |-- signs QE identity: what Intel's quoting enclave looks like
//
// Without the QE identity any enclave on any certified platform could sign what it likes; without TCB info a
// broken platform looks like a good one; without the CRLs a withdrawn one does. All three are therefore
// required, and what is missing leaves the verdict undecided. Nothing is taken from the message's own claim
// about itself: chains are built by issuer and signature, lengths come from the structure, patch levels from
// the certificate.
//
// AuthenticateDcap, in order (body and comment carry the same numbers):
//   1  header: Intel's QE vendor id, ECDSA P-256 key                      qe-identity
//   2  the PCK certificate is there                                       no-pck
//   3  its chain ends at Intel's root, is in date and not revoked         bad-chain, wrong-root, expired,
//   revoked, … 4  its extension names platform and patch level                       bad-certificate 5  PCK
//   signs the QE report                                            bad-signature 6  the QE report binds the
//   attestation key                            qe-binding 7  the attestation key signs header and body
//   bad-signature 8  TCB info: chain, signature, dates, FMSPC and PCEID                 fmspc, unsigned,
//   no-collateral, … 9  QE identity: chain, signature, dates, and the QE report fits it    qe-identity 10 the
//   TDX module is one of Intel's                                   tdx-module 11 the TCB level, merged with
//   module and QE (dcap_tcb.h)              tcb-not-supported
//
// Whether the resulting status is good enough, and what runs inside, is policy: dcap_appraise.h.
#pragma once

#include <optional>

#include "attestation/endorsements/endorsements.h"
#include "attestation/endorsements/pck_certificate.h"
#include "attestation/evidence/dcap_quote.h"
#include "attestation/verifier/dcap_tcb.h"
#include "attestation/verifier/finding_list.h"
#include "attestation/verifier/trust_anchors.h"
#include "attestation/verifier/verdict.h"
#include "base/clock.h"

namespace blindai::verifier {

struct DcapFacts {
  evidence::DcapQuote quote;
  endorsements::PckExtension pck;
  // Nothing when collateral is missing: then the verdict is undecided already, and the rules can only refuse
  // more.
  std::optional<TcbEvaluation> tcb;
  base::Time judged_at;
};

// Facts when nothing failed and the quote's own signatures reach Intel's root; missing collateral is a
// finding that leaves the verdict undecided.
std::optional<DcapFacts> AuthenticateDcap(const evidence::DcapQuote& quote,
                                          const endorsements::Endorsements& endorsements,
                                          const TrustAnchors& anchors, base::Time now, FindingList& findings);
Claims DescribeFacts(const DcapFacts& facts);
base::ByteView BoundData(const DcapFacts& facts);

}  // namespace blindai::verifier
