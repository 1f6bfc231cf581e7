// AMD SEV-SNP. Who says what:
//
//   AMD's root key of the product (ARK, pinned)
//    └ signs ASK (chips) or ASVK (clouds)
//       └ signs VCEK or VLEK: "this key was derived for this product, these patch levels, this chip / this
//       cloud"
//          └ signs the report: "this guest was launched with this measurement and policy, and asks for this
//          data"
//
// AuthenticateSnp takes these steps (reference: AMD 56860 and 57230):
//   1. the leaf certificate is there and readable                                  no-vcek, snp-certificate
//   2. the product: CPUID (version 3 and later), productName and issuer agree; it is held from here on
//   snp-product
//   3. the leaf is of the kind that the report names, VCEK or VLEK                 unsigned, wrong-leaf
//   4. the chain ends at that product's ARK, nothing revoked                       bad-chain, wrong-root,
//   expired, crl-missing (a list of another root came along), …
//   5. the report was not made for the host                                        vmpl
//   6. every patch level of the leaf equals the report's REPORTED_TCB              leaf-tcb
//   7. hwID equals CHIP_ID (VCEK; with a masked chip id only the policy can allow not knowing)  leaf-chip
//   8. ECDSA P-384 over bytes 000 to 29F                                           bad-signature
// All steps are taken even when one fails, so that every reason is named.
//
// What it does not say: where the machine stands, and that nobody sits on its memory bus.
#pragma once

#include <optional>

#include "attestation/endorsements/endorsements.h"
#include "attestation/endorsements/snp_certificates.h"
#include "attestation/evidence/snp_report.h"
#include "attestation/policy/reference_values.h"
#include "attestation/verifier/finding_list.h"
#include "attestation/verifier/trust_anchors.h"
#include "attestation/verifier/verdict.h"
#include "base/clock.h"

namespace blindai::verifier {

struct SnpFacts {
  evidence::SnpReport report;
  evidence::SnpProduct product = evidence::SnpProduct::kMilan;
  endorsements::SnpLeaf leaf;
  evidence::SnpTcb current_tcb;
  evidence::SnpTcb reported_tcb;
  evidence::SnpTcb committed_tcb;
  evidence::SnpTcb launch_tcb;
  bool revocation_checked = false;  // by a list of the product's root
};

std::optional<SnpFacts> AuthenticateSnp(const evidence::SnpReport& report,
                                        const endorsements::Endorsements& endorsements,
                                        const TrustAnchors& anchors, base::Time now, FindingList& findings);

Claims DescribeFacts(const SnpFacts& facts);
base::ByteView BoundData(const SnpFacts& facts);

// Is it what the rules accept? One named check per line of the body. Codes: measurement, debug, vmpl,
// policy-bits, migration, smt, single-socket, abi-version, product, tcb-out-of-date, provisional-firmware,
// guest-svn, host-data, family-id, image-id, id-key, author-key, alias-check, ciphertext-hiding, mitigations,
// vlek, masked-chip-id, platform, crl-missing.
void AppraiseSnp(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings);

// Without a policy: what no policy accepts unless it says so on purpose. Code: debug.
void AppraiseWithoutPolicy(const SnpFacts& facts, FindingList& findings);

}  // namespace blindai::verifier
