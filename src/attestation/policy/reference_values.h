// Reference values (RFC 9334): what a relying party accepts, one struct per kind of hardware. Every field
// says what it compares and what its default is; the defaults are strict, and a list of measurements that is
// empty accepts nothing. docs/formats/policy.md is the same list as keys of a policy file, with the checks in
// verifier/{dcap,snp, tpm,nitro}.h that use them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attestation/evidence/measurement.h"
#include "attestation/evidence/snp_report.h"
#include "attestation/evidence/tcb_status.h"
#include "attestation/evidence/tee_kind.h"
#include "base/clock.h"

namespace blindai::policy {

// (seen & mask) == value; a bit outside `value` that the mask does not free is refused.
struct MaskedBits {
  std::uint64_t value = 0;
  std::uint64_t mask = ~std::uint64_t{0};
  bool Accepts(std::uint64_t seen) const { return (seen & mask) == value; }
};

// SGX and TDX: what may be said about the patch level.
struct DcapTcbRules {
  std::vector<evidence::TcbStatus> statuses = {evidence::TcbStatus::kUpToDate};
  std::vector<std::string>
      advisories;             // tolerated ids; every id that applies to the platform must stand here
  bool any_advisory = false;  // only for BlindAI's own files, which cannot name any
  std::optional<base::Time> minimum_tcb_date;
  std::optional<std::uint32_t> minimum_evaluation_data_number;  // stops the replay of older collateral
  std::optional<std::uint32_t> maximum_collateral_age_days;     // since issueDate, beside nextUpdate
};

// SGX and TDX: which machines. Both empty: any machine.
struct DcapPlatformRules {
  std::vector<evidence::Ppid> ppid;
  std::vector<evidence::PlatformInstanceId> platform_instance_id;
};

struct SgxRules {
  // An enclave is accepted by its measurement, or by signer, product and minimum version together.
  std::vector<evidence::MrEnclave> mrenclave;
  std::vector<evidence::MrSigner> mrsigner;
  std::optional<std::uint16_t> isv_prod_id;      // required with mrsigner
  std::optional<std::uint16_t> isv_svn_minimum;  // required with mrsigner
  bool allow_debug = false;
  MaskedBits attributes_flags{0x5,
                              ~std::uint64_t{2}};  // INIT and MODE64; bit 1, DEBUG, belongs to allow_debug
  MaskedBits attributes_xfrm{0x3, 0xffffffffffffff1b};  // x87 and SSE; AVX and AVX-512 are free
  MaskedBits misc_select{0, 0xffffffff};
  // Key separation and sharing; zero where not used.
  evidence::SgxConfigId config_id;
  std::uint16_t config_svn_minimum = 0;
  evidence::SgxExtendedProductId extended_product_id;
  evidence::SgxFamilyId family_id;
  DcapTcbRules tcb;
  DcapPlatformRules platform;
};

struct TdxRules {
  std::vector<evidence::Mrtd> mrtd;
  // By register; a register that is not in the map is not compared. MRTD alone names firmware, not the
  // workload.
  std::map<int, std::vector<evidence::Rtmr>> rtmr;
  std::vector<evidence::MrSeam> mrseam;  // empty: any module that Intel signed and the TCB rules accept
  MaskedBits td_attributes{0x10000000};  // SEPT_VE_DISABLE alone: no debug, no migration, no unknown bit
  MaskedBits xfam{0x3, 0xfffffffffff9241b};
  evidence::TdConfigId mr_config_id;
  evidence::TdOwner mr_owner;
  evidence::TdOwnerConfig mr_owner_config;
  evidence::MrServiceTd mr_service_td;
  DcapTcbRules tcb;
  DcapPlatformRules platform;
};

struct SnpRules {
  std::vector<evidence::LaunchMeasurement> measurement;
  // The products that are accepted, each with the least REPORTED, COMMITTED and LAUNCH patch levels. A
  // product that is not in the map is refused (Milan's root secrets are in doubt: name it only on purpose).
  std::map<evidence::SnpProduct, evidence::SnpTcb> minimum_tcb;
  std::uint32_t guest_svn_minimum = 0;
  std::uint32_t vmpl_maximum = 0;
  std::uint8_t abi_major_minimum = 0;
  std::uint8_t abi_minor_minimum = 0;
  bool allow_debug = false;
  bool allow_smt = true;
  bool allow_migration = false;
  bool require_single_socket = false;
  bool require_alias_check = false;           // BadRAM
  bool require_ciphertext_hiding = false;     // Zen 5
  bool allow_provisional_firmware = true;     // CURRENT above COMMITTED, as real clouds have it
  bool allow_vlek = false;                    // a key of the cloud, not of the chip
  bool allow_masked_chip_id = false;          // then the leaf cannot be compared with the chip
  bool require_revocation_list = false;       // AMD's; a server that hides it hides a revoked ASK
  std::vector<evidence::HostData> host_data;  // empty: zero is wanted
  std::optional<evidence::SnpFamilyId> family_id;
  std::optional<evidence::SnpImageId> image_id;
  std::vector<evidence::IdKeyDigest> id_key_digest;      // empty: not compared
  std::vector<evidence::IdKeyDigest> author_key_digest;  // empty: not compared
  std::uint64_t mitigations_required = 0;                // bits of the current mitigation vector (v5)
  std::vector<evidence::ChipId> chip_id;                 // platform allow-list; empty: any chip
  std::vector<std::string> csp_id;                       // the same for VLEK
};

struct TpmRules {
  // By register and bank. Every bank named here must be in the quote; together they must not be empty.
  std::map<int, std::vector<evidence::PcrSha256>> pcr_sha256;
  std::map<int, std::vector<evidence::PcrSha384>> pcr_sha384;
  // Attestation keys pinned by hand; empty: a chain, or a hardware report, must vouch for the key.
  std::vector<evidence::SpkiSha256> ak;
  // Platform allow-list by endorsement key; empty: any machine.
  std::vector<evidence::SpkiSha256> ek;
  bool require_event_log = false;
  bool require_secure_boot = false;
  // A TPM alone says how a machine booted, not that its memory is confidential. With one of these the key
  // must be named by a hardware report that these rules accept (Azure confidential machines, SVSM).
  std::optional<SnpRules> over_snp;
  std::optional<TdxRules> over_tdx;
};

struct NitroRules {
  // By register; at least one of 0, 1 and 2. A value of zero (debug mode) is never accepted.
  std::map<int, std::vector<evidence::PcrSha384>> pcr;
  // Now minus the timestamp of the document.
  std::uint32_t maximum_age_s = 300;
};

}  // namespace blindai::policy
