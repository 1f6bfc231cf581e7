// Replays boot logs. The log comes from the host, so it proves nothing until its digests, extended one after
// the other, give the register values that a quote signs. Even then only the digests are proved: the type and
// the data of an event are the sender's words, unless the digest is the hash of the data (DataMatchesDigest).
// Claims such as "secure boot was on" are taken from such events alone.
//
//   TPM    PCR' = H(PCR || digest), from zero; PCR 17 to 22 from all ones; PCR 0 from the startup locality
//   CCEL   index 1 to 4 are RTMR0 to RTMR3, from zero; index 0 is MRTD, which a log cannot extend
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/tdx_report.h"
#include "attestation/evidence/tpm_event_log.h"
#include "attestation/verifier/finding_list.h"
#include "base/bytes.h"

namespace blindai::verifier {

enum class LogRegisters { kPcr, kRtmr };

// By register index of the log: PCR number, or 1 to 4 for RTMR0 to RTMR3. Only registers that the log
// extends.
using RegisterValues = std::map<std::uint32_t, base::Bytes>;

// Nothing when the log has no digests of this hash. SHA-1 is replayed too; whether it counts is the caller's
// question.
std::optional<RegisterValues> ReplayLog(const evidence::TpmEventLog& log, evidence::TpmAlgorithm hash,
                                        LogRegisters registers);

// One finding: the replay of every register that was signed equals the signed value (code replay-mismatch);
// registers that the log does not extend are not judged. Without signed values the log proves nothing (code
// no-quote).
bool CheckReplay(FindingList& findings, std::string_view check, const RegisterValues& replayed,
                 const std::optional<RegisterValues>& signed_values);

// One finding, code event-log: separators are 0 or FFFFFFFF, their digest is that of the data, and no PCR has
// two. The last does not hold for RTMRs, which several PCRs share.
bool CheckSeparators(FindingList& findings, std::string_view check, const evidence::TpmEventLog& log,
                     evidence::TpmAlgorithm hash, LogRegisters registers);

// The log of a TD, if it came along (CCEL, SHA-384): it is well formed and replays to the report's RTMRs. Codes:
// event-log, replay-mismatch.
void CheckTdEventLog(const evidence::TdReport& td, const endorsements::Endorsements& endorsements,
                     FindingList& findings);

// Whether the event's digest is the hash of its data, so that the data is as true as the digest.
bool DataMatchesDigest(const evidence::TpmLogEvent& event, evidence::TpmAlgorithm hash);

// What the UEFI variable SecureBoot was measured as in PCR 7 (RTMR0); nothing when no event with true data
// says it.
std::optional<bool> SecureBootOf(const evidence::TpmEventLog& log, evidence::TpmAlgorithm hash,
                                 LogRegisters registers);

}  // namespace blindai::verifier
