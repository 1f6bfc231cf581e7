#include "attestation/evidence/azure_hcl_report.h"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "attestation/evidence/snp_report.h"
#include "base/byte_reader.h"
#include "encoding/base64.h"
#include "encoding/hex.h"

namespace blindai::evidence {
namespace {

namespace json = boost::json;
using base::ByteReader;
using base::ByteView;
using base::Malformed;

constexpr std::size_t kMaxReport = 16 * 1024;
constexpr std::string_view kMagic = "HCLA";
constexpr std::size_t kHardwareOffset = 32;
constexpr std::size_t kRuntimeOffset = 0x4C0;
constexpr std::size_t kTdReportSize = 1024;
constexpr std::uint32_t kReportTypeSnp = 2;
constexpr std::uint32_t kReportTypeTdx = 4;
constexpr std::size_t kMaxJsonDepth = 8;
constexpr std::string_view kAttestationKeyName = "HCLAkPub";

base::Result<const json::string*> TextOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return Malformed(fmt::format("{}: a string is wanted", key));
  return &value->get_string();
}

base::Result<base::Bytes> NumberOf(const json::object& jwk, std::string_view key) {
  BLINDAI_TRY(const json::string* text, TextOf(jwk, key));
  return encoding::Base64UrlDecode(*text).Within(key);
}

base::Result<HclRsaKey> ReadRsaKey(const json::object& jwk) {
  BLINDAI_TRY(const json::string* type, TextOf(jwk, "kty"));
  if (*type != "RSA") return Malformed("kty: \"RSA\" is wanted");
  HclRsaKey key;
  BLINDAI_TRY(key.modulus, NumberOf(jwk, "n"));
  BLINDAI_TRY(key.exponent, NumberOf(jwk, "e"));
  return key;
}

// Exactly one key may have the name, else two readers could choose differently.
base::Result<HclRsaKey> FindAttestationKey(const json::object& root) {
  const json::value* keys = root.if_contains("keys");
  if (keys == nullptr || !keys->is_array()) return Malformed("keys: an array is wanted");
  const json::object* found = nullptr;
  for (const json::value& entry : keys->get_array()) {
    const json::object* jwk = entry.if_object();
    if (jwk == nullptr) return Malformed("keys: an object is wanted in the array");
    BLINDAI_TRY(const json::string* name, TextOf(*jwk, "kid"));
    if (*name != kAttestationKeyName) continue;
    if (found != nullptr) return Malformed(fmt::format("keys: {} is there twice", kAttestationKeyName));
    found = jwk;
  }
  if (found == nullptr) return Malformed(fmt::format("keys: {} is missing", kAttestationKeyName));
  return ReadRsaKey(*found).Within(kAttestationKeyName);
}

base::Result<std::optional<bool>> FlagOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_bool()) return Malformed(fmt::format("{}: true or false is wanted", key));
  return std::optional<bool>(value->get_bool());
}

base::Status ReadConfiguration(const json::object& root, HclRuntimeData& data) {
  const json::value* value = root.if_contains("vm-configuration");
  if (value == nullptr) return base::Ok();
  if (!value->is_object()) return Malformed("vm-configuration: an object is wanted");
  const json::object& configuration = value->get_object();
  BLINDAI_TRY(data.secure_boot, FlagOf(configuration, "secure-boot"));
  BLINDAI_TRY(data.tpm_enabled, FlagOf(configuration, "tpm-enabled"));
  BLINDAI_TRY(data.console_enabled, FlagOf(configuration, "console-enabled"));
  if (configuration.contains("vmUniqueId")) {
    BLINDAI_TRY(const json::string* id, TextOf(configuration, "vmUniqueId"));
    data.vm_unique_id.assign(id->data(), id->size());
  }
  return base::Ok();
}

base::Result<HclRuntimeData> ReadRuntimeData(ByteView text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  const json::value parsed = json::parse(base::AsText(text), error, {}, options);
  if (error) return Malformed("not JSON");
  const json::object* root = parsed.if_object();
  if (root == nullptr) return Malformed("an object is wanted");
  HclRuntimeData data;
  BLINDAI_TRY(data.attestation_key, FindAttestationKey(*root));
  BLINDAI_RETURN_IF_ERROR(ReadConfiguration(*root, data));
  if (root->contains("user-data")) {
    BLINDAI_TRY(const json::string* user_data, TextOf(*root, "user-data"));
    BLINDAI_TRY(data.user_data, encoding::HexDecode(*user_data).Within("user-data"));
  }
  return data;
}

base::Status ReadHeader(ByteReader& reader, HclReport& report) {
  BLINDAI_TRY(const ByteView magic, reader.Take("magic", kMagic.size()));
  if (base::AsText(magic) != kMagic) return Malformed("magic: \"HCLA\" wanted");
  BLINDAI_TRY(report.version, reader.U32("version"));
  if (report.version != 1 && report.version != 2) {
    return Malformed(fmt::format("version: {} seen, 1 or 2 wanted", report.version));
  }
  BLINDAI_RETURN_IF_ERROR(reader.Skip("size and request type", 8));
  BLINDAI_TRY(const std::uint32_t status, reader.U32("status"));
  if (status != 0) return Malformed(fmt::format("status: {} seen, 0 wanted", status));
  return reader.Skip("reserved", kHardwareOffset - reader.offset());
}

base::Status ReadRuntimeHeader(ByteReader& reader, HclReport& report, std::uint32_t& runtime_size) {
  BLINDAI_RETURN_IF_ERROR(reader.Skip("runtime data size and version", 8));
  BLINDAI_TRY(const std::uint32_t type, reader.U32("report type"));
  if (type != kReportTypeSnp && type != kReportTypeTdx) {
    return Malformed(fmt::format("report type: {} seen, 2 (SNP) or 4 (TDX) wanted", type));
  }
  report.hardware = type == kReportTypeSnp ? HclHardware::kSnp : HclHardware::kTdx;
  BLINDAI_TRY(const std::uint32_t hash, reader.U32("hash type"));
  if (hash < 1 || hash > 3) return Malformed(fmt::format("hash type: {} seen, 1 to 3 wanted", hash));
  report.hash = static_cast<HclHash>(hash - 1);
  BLINDAI_TRY(runtime_size, reader.U32("runtime data size"));
  return base::Ok();
}

base::Result<HclReport> ReadReport(ByteView bytes) {
  if (bytes.size() > kMaxReport) {
    return Malformed(fmt::format("{} bytes seen, at most {} wanted", bytes.size(), kMaxReport));
  }
  HclReport report;
  ByteReader reader(bytes);
  BLINDAI_RETURN_IF_ERROR(ReadHeader(reader, report));
  BLINDAI_TRY(const ByteView hardware, reader.Take("hardware report", kRuntimeOffset - kHardwareOffset));
  std::uint32_t runtime_size = 0;
  BLINDAI_RETURN_IF_ERROR(ReadRuntimeHeader(reader, report, runtime_size));
  BLINDAI_TRY(const ByteView runtime, reader.Take("runtime data", runtime_size));
  const std::size_t size = report.hardware == HclHardware::kSnp ? kSnpReportSize : kTdReportSize;
  report.hardware_report = base::CopyBytes(hardware.first(size));
  report.runtime_bytes = base::CopyBytes(runtime);
  BLINDAI_TRY(report.runtime, ReadRuntimeData(runtime).Within("runtime data"));
  return report;
}

base::Result<TdReportLocal> ReadTdReport(ByteView bytes) {
  if (bytes.size() != kTdReportSize) {
    return Malformed(fmt::format("{} bytes seen, {} wanted", bytes.size(), kTdReportSize));
  }
  TdReportLocal report;
  ByteReader reader(bytes);
  BLINDAI_TRY(const std::uint8_t type, reader.U8("type"));
  if (type != 0x81) return Malformed(fmt::format("type: {:#x} seen, 0x81 (TDX) wanted", type));
  BLINDAI_RETURN_IF_ERROR(reader.Skip("subtype, version, cpusvn", 31));
  BLINDAI_TRY(report.tee_tcb_info_hash, reader.Fill<TdReportLocal::Sha384>("tee_tcb_info hash"));
  BLINDAI_TRY(report.td_info_hash, reader.Fill<TdReportLocal::Sha384>("td_info hash"));
  BLINDAI_TRY(report.report_data, reader.Fill<ReportData>("report data"));
  BLINDAI_RETURN_IF_ERROR(reader.Skip("reserved and MAC", 64));
  BLINDAI_TRY(const ByteView tcb_info, reader.Take("tee_tcb_info", 239));
  BLINDAI_RETURN_IF_ERROR(reader.Skip("reserved", 17));
  BLINDAI_TRY(const ByteView td_info, reader.Take("td_info", 512));
  report.tee_tcb_info = base::CopyBytes(tcb_info);
  report.td_info = base::CopyBytes(td_info);
  return report;
}

}  // namespace

base::Result<HclReport> ParseHclReport(ByteView bytes) { return ReadReport(bytes).Within("HCL report"); }

base::Result<TdReportLocal> ParseTdReportLocal(ByteView bytes) {
  return ReadTdReport(bytes).Within("TDREPORT");
}

}  // namespace blindai::evidence
