// Azure's paravisor in miniature: an HCL report whose SNP report really names the test's attestation key.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "attestation/evidence/report_data.h"
#include "base/byte_writer.h"
#include "crypto/digest.h"
#include "encoding/base64.h"
#include "support/fake_snp.h"
#include "support/fake_tpm.h"

namespace blindai::tests {

struct HclSpec {
  SnpReportBuilder report;  // REPORT_DATA is filled in
  bool secure_boot = true;
  std::uint32_t hash = 1;         // 1 SHA-256, 2 SHA-384, 3 SHA-512
  std::uint32_t hashed_with = 0;  // another hash than the header says; 0: the same
  std::string runtime;            // empty: made from the key
};

inline std::string HclRuntime(const crypto::PublicKey& ak, bool secure_boot,
                              std::string_view user_data = "00") {
  return fmt::format(
      R"({{"keys":[{{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"{}","n":"{}"}}],)"
      R"("vm-configuration":{{"secure-boot":{},"tpm-enabled":true,"vmUniqueId":"TEST"}},"user-data":"{}"}})",
      encoding::Base64UrlEncode(ak.RsaExponent()), encoding::Base64UrlEncode(ak.RsaModulus()), secure_boot,
      user_data);
}

inline base::Bytes MakeHclReport(const FakeAmd& amd, const crypto::PublicKey& ak, const HclSpec& spec = {}) {
  const std::string runtime = spec.runtime.empty() ? HclRuntime(ak, spec.secure_boot) : spec.runtime;
  constexpr crypto::HashAlgorithm kHashes[] = {crypto::HashAlgorithm::kSha256, crypto::HashAlgorithm::kSha384,
                                               crypto::HashAlgorithm::kSha512};
  const std::uint32_t used = spec.hashed_with == 0 ? spec.hash : spec.hashed_with;
  SnpReportBuilder report = spec.report;
  report.Put(0x050, crypto::Hash(kHashes[used - 1], base::AsBytes(runtime)));
  base::ByteWriter writer;
  writer.Append("HCLA").U32(2).U32(0).U32(2).U32(0).Zeros(12).Append(amd.Sign(report));
  writer.U32(static_cast<std::uint32_t>(20 + runtime.size())).U32(1).U32(2).U32(spec.hash);
  writer.U32(static_cast<std::uint32_t>(runtime.size())).Append(runtime).Zeros(64);
  return std::move(writer).Take();
}

// The same over TDX. The TDREPORT's report data must be TdxReportData(runtime).
inline base::Bytes MakeHclReportOverTdx(base::ByteView td_report, std::string_view runtime) {
  base::ByteWriter writer;
  writer.Append("HCLA").U32(2).U32(0).U32(2).U32(0).Zeros(12);
  writer.Append(td_report).Zeros(0x4C0 - 32 - td_report.size());
  writer.U32(0).U32(1).U32(4).U32(1).U32(static_cast<std::uint32_t>(runtime.size())).Append(runtime);
  return std::move(writer).Take();
}
inline evidence::ReportData TdxReportData(std::string_view runtime) {
  evidence::ReportData data;
  const auto digest = crypto::Sha256(base::AsBytes(runtime));
  std::copy(digest.bytes.begin(), digest.bytes.end(), data.bytes.begin());
  return data;
}

}  // namespace blindai::tests
