// Azure's paravisor in miniature: an HCL report whose SNP report really names the test's attestation key.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>

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

inline std::string HclRuntime(const crypto::PublicKey& ak, bool secure_boot) {
  return fmt::format(
      R"({{"keys":[{{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"{}","n":"{}"}}],)"
      R"("vm-configuration":{{"secure-boot":{},"tpm-enabled":true,"vmUniqueId":"TEST"}},"user-data":"00"}})",
      encoding::Base64UrlEncode(ak.RsaExponent()), encoding::Base64UrlEncode(ak.RsaModulus()), secure_boot);
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

}  // namespace blindai::tests
