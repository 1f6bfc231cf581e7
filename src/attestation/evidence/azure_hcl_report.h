// The report of Azure's host compatibility layer (the paravisor of a confidential VM), NV index 0x01400001 of
// its vTPM. It joins two things: a hardware report (SNP report or TDX TDREPORT), and runtime data that names
// the vTPM's attestation key. The hardware report carries the hash of the runtime data, so hardware vouches
// for the key, and the key's quotes speak for the PCRs.
//
//      0  "HCLA"   4 u32 version (1, 2)   8 u32 size   12 u32 request type   16 u32 status   20 reserved
//     32  hardware report: SNP 1184 bytes; TDX 1024 bytes and padding
//   4C0  u32 data size, u32 version, u32 report type (2 SNP, 4 TDX), u32 hash type, u32 runtime data size
//   4D4  runtime data: JSON, hashed byte for byte
//
// A report without the caller's user data dates from boot and can be replayed: freshness comes only from the
// nonce of the TPM quote. Errors: code "malformed", naming the field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "attestation/evidence/report_data.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

enum class HclHardware { kSnp, kTdx };
enum class HclHash { kSha256, kSha384, kSha512 };

// RSA public key, big-endian numbers.
struct HclRsaKey {
  base::Bytes modulus;
  base::Bytes exponent;
};

// What the runtime data says. A member that is absent stays empty: the policy decides what it needs.
struct HclRuntimeData {
  HclRsaKey attestation_key;  // "HCLAkPub", always there
  std::optional<bool> secure_boot;
  std::optional<bool> tpm_enabled;
  std::optional<bool> console_enabled;
  std::string vm_unique_id;
  base::Bytes user_data;
};

struct HclReport {
  std::uint32_t version = 0;
  HclHardware hardware = HclHardware::kSnp;
  base::Bytes hardware_report;  // SNP: 1184 bytes, TDX: 1024 bytes
  HclHash hash = HclHash::kSha256;
  base::Bytes runtime_bytes;  // the exact JSON
  HclRuntimeData runtime;
};
base::Result<HclReport> ParseHclReport(base::ByteView bytes);

// TDREPORT (Intel TDX module ABI): a local report whose MAC only that machine can check. It counts when a
// quote over the same report data and the same td_info comes with it.
struct TdReportLocal {
  using Sha384 = base::FixedBytes<48, struct TdReportHashTag>;
  ReportData report_data;
  Sha384 tee_tcb_info_hash;
  Sha384 td_info_hash;
  base::Bytes tee_tcb_info;  // the 239 bytes under tee_tcb_info_hash
  base::Bytes td_info;       // the 512 bytes under td_info_hash
};
base::Result<TdReportLocal> ParseTdReportLocal(base::ByteView bytes);

}  // namespace blindai::evidence
