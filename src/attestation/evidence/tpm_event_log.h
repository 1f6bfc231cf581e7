// The boot log that stands behind PCRs (TCG PC Client Platform Firmware Profile, section 10, both the
// crypto-agile and the old SHA-1 format) and behind TDX's RTMRs (the CCEL table, same records with SHA-384
// digests).
//
// A log proves nothing by itself: the host may have written it. When its digests extend to the values that a
// quote signs (verifier/event_log.h replays it), the list of DIGESTS is true; type and data of an event are
// still the sender's words until a digest is recomputed from them.
//
// Bounds: 1 MiB, 8192 events, 8 digest algorithms. Errors: "malformed", naming event and field.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "attestation/evidence/tpm_quote.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

// TCG event types that the verifier looks at.
inline constexpr std::uint32_t kEvNoAction = 0x00000003;
inline constexpr std::uint32_t kEvSeparator = 0x00000004;
inline constexpr std::uint32_t kEvAction = 0x00000005;
inline constexpr std::uint32_t kEvEventTag = 0x00000006;
inline constexpr std::uint32_t kEvSCrtmVersion = 0x00000008;
inline constexpr std::uint32_t kEvIpl = 0x0000000D;
inline constexpr std::uint32_t kEvEfiVariableDriverConfig = 0x80000001;
inline constexpr std::uint32_t kEvEfiVariableBoot = 0x80000002;
inline constexpr std::uint32_t kEvEfiBootServicesApplication = 0x80000003;
inline constexpr std::uint32_t kEvEfiGptEvent = 0x80000006;
inline constexpr std::uint32_t kEvEfiAction = 0x80000007;
inline constexpr std::uint32_t kEvEfiVariableAuthority = 0x800000E0;

struct TpmLogDigest {
  TpmAlgorithm hash = TpmAlgorithm::kNull;
  base::Bytes digest;
};

struct TpmLogEvent {
  std::uint32_t index = 0;  // PCR; in a CCEL log the measurement register: 0 MRTD, 1 to 4 RTMR0 to RTMR3
  std::uint32_t type = 0;
  std::vector<TpmLogDigest> digests;
  base::Bytes data;
  // The digest of one bank, nothing when the event has none.
  const base::Bytes* digest(TpmAlgorithm hash) const;
};

struct TpmEventLog {
  std::vector<TpmAlgorithm> hashes;  // the banks that every event has a digest for
  std::vector<TpmLogEvent> events;   // without the header record
  // The locality from which the first measurement was made; it is the last byte of PCR 0's start value.
  std::uint8_t startup_locality = 0;
  std::size_t bytes_used = 0;
  bool has(TpmAlgorithm hash) const;
};

// The first record tells the format. The log ends with its bytes, or at a tail of which every byte is FF or
// every byte is 00 (buffers of fixed size).
base::Result<TpmEventLog> ParseTpmEventLog(base::ByteView bytes);

}  // namespace blindai::evidence
