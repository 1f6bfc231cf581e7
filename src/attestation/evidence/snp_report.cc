#include "attestation/evidence/snp_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/byte_reader.h"

namespace blindai::evidence {
namespace {

using base::ByteReader;
using base::ByteView;
using base::Malformed;

constexpr std::uint32_t kOldestVersion = 2;
constexpr std::uint32_t kNewestVersion = 5;
constexpr std::uint32_t kEcdsaP384Sha384 = 1;
constexpr std::size_t kScalarField = 72;

bool Bit(std::uint64_t word, unsigned index) { return ((word >> index) & 1) != 0; }

bool AllZero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

base::Status ReservedZero(ByteReader& reader, std::string_view field, std::size_t size) {
  BLINDAI_TRY(const ByteView bytes, reader.Take(field, size));
  if (!AllZero(bytes)) return Malformed(fmt::format("{}: reserved bytes are not zero", field));
  return base::Ok();
}

SnpPolicy DecodePolicy(std::uint64_t raw) {
  SnpPolicy policy;
  policy.raw = raw;
  policy.abi_minor = static_cast<std::uint8_t>(raw & 0xFF);
  policy.abi_major = static_cast<std::uint8_t>((raw >> 8) & 0xFF);
  policy.smt_allowed = Bit(raw, 16);
  policy.reserved_one = Bit(raw, 17);
  policy.migration_agent_allowed = Bit(raw, 18);
  policy.debug = Bit(raw, 19);
  policy.single_socket = Bit(raw, 20);
  policy.cxl_allowed = Bit(raw, 21);
  policy.aes_256_xts = Bit(raw, 22);
  policy.rapl_disabled = Bit(raw, 23);
  policy.ciphertext_hiding = Bit(raw, 24);
  policy.page_swap_disabled = Bit(raw, 25);
  policy.unknown_bits = raw & ~((std::uint64_t{1} << 26) - 1);
  return policy;
}

SnpPlatformInfo DecodePlatformInfo(std::uint64_t raw) {
  SnpPlatformInfo info;
  info.raw = raw;
  info.smt_enabled = Bit(raw, 0);
  info.tsme_enabled = Bit(raw, 1);
  info.ecc_enabled = Bit(raw, 2);
  info.rapl_disabled = Bit(raw, 3);
  info.ciphertext_hiding = Bit(raw, 4);
  info.alias_check_complete = Bit(raw, 5);
  return info;
}

SnpSigningKey DecodeSigningKey(std::uint32_t flags) {
  switch ((flags >> 2) & 7) {
    case 0:
      return SnpSigningKey::kVcek;
    case 1:
      return SnpSigningKey::kVlek;
    case 7:
      return SnpSigningKey::kNone;
    default:
      return SnpSigningKey::kUnknown;
  }
}

base::Result<SnpRawTcb> ReadTcb(ByteReader& reader, std::string_view field) {
  BLINDAI_TRY(const ByteView bytes, reader.Take(field, 8));
  SnpRawTcb tcb;
  std::copy(bytes.begin(), bytes.end(), tcb.bytes.begin());
  return tcb;
}

// "build, minor, major, reserved", in this order.
base::Result<SnpFirmwareVersion> ReadFirmwareVersion(ByteReader& reader, std::string_view field) {
  SnpFirmwareVersion version;
  BLINDAI_TRY(version.build, reader.U8(field));
  BLINDAI_TRY(version.minor, reader.U8(field));
  BLINDAI_TRY(version.major, reader.U8(field));
  BLINDAI_RETURN_IF_ERROR(ReservedZero(reader, field, 1));
  return version;
}

// A little-endian number in 72 bytes, of which a P-384 scalar uses 48.
base::Result<SnpScalar> ReadScalar(ByteReader& reader, std::string_view field) {
  BLINDAI_TRY(const ByteView bytes, reader.Take(field, kScalarField));
  if (!AllZero(bytes.subspan(SnpScalar::kSize))) {
    return Malformed(fmt::format("{}: number is longer than 48 bytes", field));
  }
  SnpScalar scalar;
  std::reverse_copy(bytes.begin(), bytes.begin() + SnpScalar::kSize, scalar.bytes.begin());
  return scalar;
}

// 188 to 19F: CPUID since version 3, reserved before.
base::Status ReadCpuid(ByteReader& reader, SnpReport& report) {
  if (report.version < 3) return ReservedZero(reader, "reserved (0x188)", 0x18);
  BLINDAI_TRY(report.cpuid_family, reader.U8("CPUID_FAM_ID"));
  BLINDAI_TRY(report.cpuid_model, reader.U8("CPUID_MOD_ID"));
  BLINDAI_TRY(report.cpuid_stepping, reader.U8("CPUID_STEP"));
  return ReservedZero(reader, "reserved (0x18B)", 0x15);
}

// 1F8 to 29F: mitigation vectors since version 5, reserved before.
base::Status ReadMitigations(ByteReader& reader, SnpReport& report) {
  if (report.version < 5) return ReservedZero(reader, "reserved (0x1F8)", 0xA8);
  BLINDAI_TRY(report.launch_mitigations, reader.U64("LAUNCH_MIT_VECTOR"));
  BLINDAI_TRY(report.current_mitigations, reader.U64("CURRENT_MIT_VECTOR"));
  return ReservedZero(reader, "reserved (0x208)", 0x98);
}

base::Status ReadHead(ByteReader& reader, SnpReport& report) {
  BLINDAI_TRY(report.version, reader.U32("VERSION"));
  if (report.version < kOldestVersion || report.version > kNewestVersion) {
    return Malformed(
        fmt::format("VERSION: {} seen, {} to {} wanted", report.version, kOldestVersion, kNewestVersion));
  }
  BLINDAI_TRY(report.guest_svn, reader.U32("GUEST_SVN"));
  BLINDAI_TRY(const std::uint64_t policy, reader.U64("POLICY"));
  report.policy = DecodePolicy(policy);
  BLINDAI_TRY(report.family_id, reader.Fill<SnpFamilyId>("FAMILY_ID"));
  BLINDAI_TRY(report.image_id, reader.Fill<SnpImageId>("IMAGE_ID"));
  BLINDAI_TRY(report.vmpl, reader.U32("VMPL"));
  BLINDAI_TRY(const std::uint32_t algorithm, reader.U32("SIGNATURE_ALGO"));
  if (algorithm != kEcdsaP384Sha384) {
    return Malformed(fmt::format("SIGNATURE_ALGO: {} seen, 1 (ECDSA P-384 with SHA-384) wanted", algorithm));
  }
  BLINDAI_TRY(report.current_tcb, ReadTcb(reader, "CURRENT_TCB"));
  BLINDAI_TRY(const std::uint64_t platform_info, reader.U64("PLATFORM_INFO"));
  report.platform_info = DecodePlatformInfo(platform_info);
  BLINDAI_TRY(const std::uint32_t flags, reader.U32("flags (0x48)"));
  if ((flags >> 5) != 0) return Malformed(fmt::format("flags (0x48): reserved bits are set in {:#x}", flags));
  report.author_key_enabled = Bit(flags, 0);
  report.chip_key_masked = Bit(flags, 1);
  report.signing_key = DecodeSigningKey(flags);
  return ReservedZero(reader, "reserved (0x4C)", 4);
}

base::Status ReadIdentity(ByteReader& reader, SnpReport& report) {
  BLINDAI_TRY(report.report_data, reader.Fill<ReportData>("REPORT_DATA"));
  BLINDAI_TRY(report.measurement, reader.Fill<LaunchMeasurement>("MEASUREMENT"));
  BLINDAI_TRY(report.host_data, reader.Fill<HostData>("HOST_DATA"));
  BLINDAI_TRY(report.id_key_digest, reader.Fill<IdKeyDigest>("ID_KEY_DIGEST"));
  BLINDAI_TRY(report.author_key_digest, reader.Fill<IdKeyDigest>("AUTHOR_KEY_DIGEST"));
  BLINDAI_TRY(report.report_id, reader.Fill<SnpReportId>("REPORT_ID"));
  BLINDAI_TRY(report.report_id_migration_agent, reader.Fill<SnpReportId>("REPORT_ID_MA"));
  return base::Ok();
}

base::Status ReadPlatform(ByteReader& reader, SnpReport& report) {
  BLINDAI_TRY(report.reported_tcb, ReadTcb(reader, "REPORTED_TCB"));
  BLINDAI_RETURN_IF_ERROR(ReadCpuid(reader, report));
  BLINDAI_TRY(report.chip_id, reader.Fill<ChipId>("CHIP_ID"));
  BLINDAI_TRY(report.committed_tcb, ReadTcb(reader, "COMMITTED_TCB"));
  BLINDAI_TRY(report.current_version, ReadFirmwareVersion(reader, "CURRENT_VERSION"));
  BLINDAI_TRY(report.committed_version, ReadFirmwareVersion(reader, "COMMITTED_VERSION"));
  BLINDAI_TRY(report.launch_tcb, ReadTcb(reader, "LAUNCH_TCB"));
  return ReadMitigations(reader, report);
}

base::Status ReadSignature(ByteReader& reader, SnpReport& report) {
  BLINDAI_TRY(report.signature_r, ReadScalar(reader, "SIGNATURE R"));
  BLINDAI_TRY(report.signature_s, ReadScalar(reader, "SIGNATURE S"));
  return ReservedZero(reader, "reserved (0x330)", kSnpReportSize - 0x330);
}

}  // namespace

std::string_view SnpProductName(SnpProduct product) {
  switch (product) {
    case SnpProduct::kMilan:
      return "Milan";
    case SnpProduct::kGenoa:
      return "Genoa";
    case SnpProduct::kTurin:
      return "Turin";
  }
  return "";
}

std::optional<SnpProduct> SnpProductFromName(std::string_view name) {
  const std::string_view line = name.substr(0, name.find('-'));
  if (line == "Milan") return SnpProduct::kMilan;
  if (line == "Genoa" || line == "Bergamo" || line == "Siena") return SnpProduct::kGenoa;
  if (line == "Turin") return SnpProduct::kTurin;
  return std::nullopt;
}

std::optional<SnpProduct> SnpProductFromCpuid(std::uint8_t family, std::uint8_t model) {
  if (family == 0x19 && model <= 0x0F) return SnpProduct::kMilan;
  if (family == 0x19 && model >= 0x10 && model <= 0x1F) return SnpProduct::kGenoa;
  if (family == 0x19 && model >= 0xA0 && model <= 0xAF) return SnpProduct::kGenoa;
  if (family == 0x1A && model <= 0x1F) return SnpProduct::kTurin;
  return std::nullopt;
}

bool SnpTcb::Covers(const SnpTcb& minimum) const {
  return fmc >= minimum.fmc && boot_loader >= minimum.boot_loader && tee >= minimum.tee &&
         snp >= minimum.snp && microcode >= minimum.microcode;
}

std::string FormatSnpTcb(const SnpTcb& tcb) {
  return fmt::format("fmc={} boot_loader={} tee={} snp={} microcode={}", tcb.fmc, tcb.boot_loader, tcb.tee,
                     tcb.snp, tcb.microcode);
}

base::Result<SnpTcb> SnpRawTcb::Decode(SnpProduct product) const {
  SnpTcb tcb;
  const bool turin = product == SnpProduct::kTurin;
  const ByteView reserved = turin ? ByteView(bytes).subspan(4, 3) : ByteView(bytes).subspan(2, 4);
  if (!AllZero(reserved)) {
    return Malformed(
        fmt::format("TCB_VERSION: bytes that {} reserves are not zero", SnpProductName(product)));
  }
  tcb.fmc = turin ? bytes[0] : std::uint8_t{0};
  tcb.boot_loader = turin ? bytes[1] : bytes[0];
  tcb.tee = turin ? bytes[2] : bytes[1];
  tcb.snp = turin ? bytes[3] : bytes[6];
  tcb.microcode = bytes[7];
  return tcb;
}

bool SnpReport::has_migration_agent() const {
  const auto& id = report_id_migration_agent.bytes;
  return !std::all_of(id.begin(), id.end(), [](std::uint8_t byte) { return byte == 0xFF; });
}

base::Result<SnpReport> ParseSnpReport(ByteView bytes) {
  if (bytes.size() != kSnpReportSize) {
    return Malformed(fmt::format("SNP report: {} bytes seen, {} wanted", bytes.size(), kSnpReportSize));
  }
  SnpReport report;
  report.raw = base::CopyBytes(bytes);
  ByteReader reader(bytes);
  for (const auto read : {ReadHead, ReadIdentity, ReadPlatform, ReadSignature}) {
    auto status = read(reader, report);
    if (!status.ok()) return std::move(status).error().Within("SNP report");
  }
  BLINDAI_RETURN_IF_ERROR(reader.End("SNP report"));
  return report;
}

}  // namespace blindai::evidence
