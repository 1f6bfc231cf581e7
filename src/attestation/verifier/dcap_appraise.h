// "Is it what I accept?" for SGX enclaves and TDX virtual machines: what Intel's signature does not say, and
// Intel's own library does not look at. Every rule is one named check; all are made, so that every reason is
// reported.
//
// SGX   debug, attributes (INIT, MODE64, no key access, no unknown bit), xfam (XFRM), misc-select,
// measurement (by
//       MRENCLAVE, or by MRSIGNER with product and version), isv-svn, config-id
// TDX   debug (the whole TUD byte), td-attributes (SEPT_VE_DISABLE, no migration, no unknown bit), xfam,
// measurement
//       (MRTD, RTMRs, MRSEAM), config-id, owner, service-td
// both  tcb-status, tcb-out-of-date, revoked, advisories, tcb-date, evaluation-data-number, collateral-age,
// platform
//
// The checks of the patch level are skipped when collateral was missing; the verdict is undecided then
// anyway.
#pragma once

#include "attestation/policy/reference_values.h"
#include "attestation/verifier/dcap.h"
#include "attestation/verifier/finding_list.h"

namespace blindai::verifier {

// The facts must be of the kind (CHECK).
void AppraiseSgx(const DcapFacts& facts, const policy::SgxRules& rules, FindingList& findings);
void AppraiseTdx(const DcapFacts& facts, const policy::TdxRules& rules, FindingList& findings);

// What nobody should accept without having said so in a policy: debug, a TD that can migrate, a platform that
// Intel calls revoked or out of date.
void AppraiseDcapWithoutPolicy(const DcapFacts& facts, FindingList& findings);

}  // namespace blindai::verifier
