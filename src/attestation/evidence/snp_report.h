// The AMD SEV-SNP attestation report, 1184 bytes: what the secure processor says about a guest. Versions 2 to
// 5 of "SEV Secure Nested Paging Firmware ABI Specification" (AMD 56860), table ATTESTATION_REPORT.
//
// Parsing trusts nothing and decides nothing: it checks the length, the version, the reserved bytes and the
// form of the signature fields, so that every later step reads typed values. Who signed it is
// verifier/snp.h's question. Bytes 0x000 to 0x29F are signed; the rest is the signature and padding that must
// be zero.
//
// Errors: code "malformed", naming the field.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attestation/evidence/measurement.h"
#include "attestation/evidence/report_data.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

inline constexpr std::size_t kSnpReportSize = 0x4A0;
inline constexpr std::size_t kSnpSignedSize = 0x2A0;

// The product lines whose keys AMD certifies separately. Bergamo and Siena belong to the Genoa line.
enum class SnpProduct { kMilan, kGenoa, kTurin };
std::string_view SnpProductName(SnpProduct product);  // "Milan"
// "Milan-B0" and "Milan" alike; nothing for a name that is not known.
std::optional<SnpProduct> SnpProductFromName(std::string_view name);
// From CPUID family and model. Unknown ones give nothing: assuming a byte layout would misread the TCB.
std::optional<SnpProduct> SnpProductFromCpuid(std::uint8_t family, std::uint8_t model);

// Security patch levels. They are compared one by one: as one integer, a high level of one part would hide a
// low level of another.
struct SnpTcb {
  std::uint8_t fmc = 0;  // Turin and later
  std::uint8_t boot_loader = 0;
  std::uint8_t tee = 0;
  std::uint8_t snp = 0;
  std::uint8_t microcode = 0;

  // True when every part is at least the minimum's.
  bool Covers(const SnpTcb& minimum) const;
  friend bool operator==(const SnpTcb&, const SnpTcb&) = default;
};
// "boot_loader=3 tee=0 snp=8 microcode=115".
std::string FormatSnpTcb(const SnpTcb& tcb);

// TCB_VERSION as it stands in the report. Its layout depends on the product.
struct SnpRawTcb {
  std::array<std::uint8_t, 8> bytes{};
  // Error when a byte that the product reserves is not zero.
  base::Result<SnpTcb> Decode(SnpProduct product) const;
  friend bool operator==(const SnpRawTcb&, const SnpRawTcb&) = default;
};

// GUEST_POLICY, fixed at launch. Bits that this version does not know are in unknown_bits.
struct SnpPolicy {
  std::uint64_t raw = 0;
  std::uint8_t abi_minor = 0;
  std::uint8_t abi_major = 0;
  bool smt_allowed = false;              // 16
  bool reserved_one = false;             // 17, must be 1
  bool migration_agent_allowed = false;  // 18
  bool debug = false;                    // 19
  bool single_socket = false;            // 20
  bool cxl_allowed = false;              // 21
  bool aes_256_xts = false;              // 22
  bool rapl_disabled = false;            // 23
  bool ciphertext_hiding = false;        // 24
  bool page_swap_disabled = false;       // 25
  std::uint64_t unknown_bits = 0;        // 26 to 63
};

// PLATFORM_INFO. New firmware sets new bits, so unknown ones are kept and not judged.
struct SnpPlatformInfo {
  std::uint64_t raw = 0;
  bool smt_enabled = false;           // 0
  bool tsme_enabled = false;          // 1
  bool ecc_enabled = false;           // 2
  bool rapl_disabled = false;         // 3
  bool ciphertext_hiding = false;     // 4
  bool alias_check_complete = false;  // 5, the answer to BadRAM
};

enum class SnpSigningKey { kVcek, kVlek, kNone, kUnknown };

struct SnpFirmwareVersion {
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
  std::uint8_t build = 0;
  friend auto operator<=>(const SnpFirmwareVersion&, const SnpFirmwareVersion&) = default;
};

using SnpReportId = base::FixedBytes<32, struct SnpReportIdTag>;
using SnpScalar = base::FixedBytes<48, struct SnpScalarTag>;

// VMPL of a report that the host asked for: it says nothing about who runs in the guest.
inline constexpr std::uint32_t kSnpVmplHost = 0xFFFFFFFF;

struct SnpReport {
  base::Bytes raw;  // all 1184 bytes
  base::ByteView signed_bytes() const { return base::ByteView(raw).first(kSnpSignedSize); }

  std::uint32_t version = 0;
  std::uint32_t guest_svn = 0;
  SnpPolicy policy;
  SnpFamilyId family_id;
  SnpImageId image_id;
  std::uint32_t vmpl = 0;
  SnpRawTcb current_tcb;
  SnpPlatformInfo platform_info;
  bool author_key_enabled = false;
  bool chip_key_masked = false;
  SnpSigningKey signing_key = SnpSigningKey::kUnknown;
  ReportData report_data;
  LaunchMeasurement measurement;
  HostData host_data;
  IdKeyDigest id_key_digest;
  IdKeyDigest author_key_digest;
  SnpReportId report_id;
  SnpReportId report_id_migration_agent;  // all ff: no agent is bound
  SnpRawTcb reported_tcb;
  // Version 3 and later; version 2 leaves the product to the certificate.
  std::optional<std::uint8_t> cpuid_family;
  std::optional<std::uint8_t> cpuid_model;
  std::optional<std::uint8_t> cpuid_stepping;
  ChipId chip_id;
  SnpRawTcb committed_tcb;
  SnpFirmwareVersion current_version;
  SnpFirmwareVersion committed_version;
  SnpRawTcb launch_tcb;
  // Version 5 and later.
  std::optional<std::uint64_t> launch_mitigations;
  std::optional<std::uint64_t> current_mitigations;
  // ECDSA P-384 with SHA-384, big-endian here (the report has them little-endian).
  SnpScalar signature_r;
  SnpScalar signature_s;

  bool has_migration_agent() const;
};

base::Result<SnpReport> ParseSnpReport(base::ByteView bytes);

}  // namespace blindai::evidence
