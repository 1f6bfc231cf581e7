// The TD report body of a quote (584 bytes for TDX 1.0, 648 for 1.5; Intel "TDX DCAP Quoting Library API",
// appendix A.3): what a trust domain is, and which TDX module runs it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "attestation/evidence/measurement.h"
#include "attestation/evidence/report_data.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

inline constexpr std::size_t kTdReport10Size = 584;
inline constexpr std::size_t kTdReport15Size = 648;

// Bits of td_attributes.
inline constexpr std::uint64_t kTdTudMask =
    0xff;  // "TD under debug": any of them set, the host can look inside
inline constexpr std::uint64_t kTdSeptVeDisable = std::uint64_t{1} << 28;
inline constexpr std::uint64_t kTdMigratable = std::uint64_t{1} << 29;
inline constexpr std::uint64_t kTdPerfmon = std::uint64_t{1} << 63;

// What XFAM must have (x87, SSE) and may have.
inline constexpr std::uint64_t kXfamFixed1 = 0x3;
inline constexpr std::uint64_t kXfamAllowed = 0x6dbe7;

using TeeTcbSvn = std::array<std::uint8_t, 16>;

struct TdReport {
  TeeTcbSvn tee_tcb_svn{};  // [0] module SVN, [1] module major version (0: both are old-style components)
  MrSeam mrseam;
  MrSignerSeam mrsignerseam;
  std::uint64_t seam_attributes = 0;
  std::uint64_t td_attributes = 0;
  std::uint64_t xfam = 0;
  Mrtd mrtd;
  TdConfigId mr_config_id;
  TdOwner mr_owner;
  TdOwnerConfig mr_owner_config;
  std::array<Rtmr, 4> rtmr;
  ReportData report_data;
  // TDX 1.5: the TCB of the module that runs now, after an update without relaunch of the TD.
  std::optional<TeeTcbSvn> tee_tcb_svn2;
  std::optional<MrServiceTd> mr_service_td;

  bool debug() const { return (td_attributes & kTdTudMask) != 0; }
};

// Exactly kTdReport10Size or kTdReport15Size bytes. Error: malformed.
base::Result<TdReport> ParseTdReport(base::ByteView bytes);

}  // namespace blindai::evidence
