#include "attestation/verifier/event_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "attestation/verifier/tpm_hash.h"
#include "base/byte_reader.h"
#include "crypto/digest.h"
#include "encoding/hex.h"

namespace blindai::verifier {
namespace {

using base::Bytes;
using base::ByteView;
using evidence::TpmAlgorithm;
using evidence::TpmEventLog;
using evidence::TpmLogEvent;

constexpr std::uint32_t kFirstOnes = 17;
constexpr std::uint32_t kLastOnes = 22;
constexpr std::uint32_t kFirstRtmr = 1;
constexpr std::uint32_t kLastRtmr = 4;
constexpr std::uint32_t kSecureBootPcr = 7;

std::optional<Bytes> HashOf(TpmAlgorithm hash, ByteView bytes) {
  if (hash == TpmAlgorithm::kSha1) return base::CopyBytes(crypto::Sha1ForEventLogs(bytes).view());
  const auto strong = StrongHash(hash);
  if (!strong) return std::nullopt;
  return crypto::Hash(*strong, bytes);
}

Bytes StartValue(std::uint32_t index, std::size_t size, const TpmEventLog& log, LogRegisters registers) {
  const bool ones = registers == LogRegisters::kPcr && index >= kFirstOnes && index <= kLastOnes;
  Bytes value(size, ones ? std::uint8_t{0xFF} : std::uint8_t{0});
  if (registers == LogRegisters::kPcr && index == 0) value.back() = log.startup_locality;
  return value;
}

bool IsMeasured(const TpmLogEvent& event, LogRegisters registers) {
  if (event.type == evidence::kEvNoAction) return false;
  return registers == LogRegisters::kPcr || (event.index >= kFirstRtmr && event.index <= kLastRtmr);
}

bool IsSeparatorValue(ByteView data) {
  if (data.size() != 4) return false;
  return std::all_of(data.begin(), data.end(), [](std::uint8_t byte) { return byte == 0; }) ||
         std::all_of(data.begin(), data.end(), [](std::uint8_t byte) { return byte == 0xFF; });
}

// UEFI_VARIABLE_DATA: GUID, u64 characters of the name, u64 bytes of the data, the name in UTF-16, the data.
struct UefiVariable {
  std::string name;
  ByteView data;
};
std::optional<UefiVariable> ReadVariable(ByteView bytes) {
  base::ByteReader reader(bytes);
  if (!reader.Skip("GUID", 16).ok()) return std::nullopt;
  const auto characters = reader.U64("name length");
  if (!characters.ok() || *characters > bytes.size()) return std::nullopt;
  const auto size = reader.U64("data length");
  if (!size.ok() || *size > bytes.size()) return std::nullopt;
  const auto name = reader.Take("name", *characters * 2);
  if (!name.ok()) return std::nullopt;
  const auto data = reader.Take("data", *size);
  if (!data.ok() || !reader.empty()) return std::nullopt;
  UefiVariable variable;
  variable.data = *data;
  for (std::size_t i = 0; i + 1 < name->size(); i += 2) {
    variable.name += (*name)[i + 1] == 0 ? static_cast<char>((*name)[i]) : '?';
  }
  return variable;
}

}  // namespace

std::optional<RegisterValues> ReplayLog(const TpmEventLog& log, TpmAlgorithm hash, LogRegisters registers) {
  const auto size = evidence::TpmDigestSize(hash);
  if (!log.has(hash) || !size) return std::nullopt;
  RegisterValues values;
  // A locality alone changes PCR 0, also when nothing was measured after it.
  if (registers == LogRegisters::kPcr && log.startup_locality != 0) {
    values.emplace(0, StartValue(0, *size, log, registers));
  }
  for (const TpmLogEvent& event : log.events) {
    if (!IsMeasured(event, registers)) continue;
    const Bytes* digest = event.digest(hash);
    if (digest == nullptr) return std::nullopt;
    Bytes& value =
        values.try_emplace(event.index, StartValue(event.index, *size, log, registers)).first->second;
    Bytes extended = value;
    extended.insert(extended.end(), digest->begin(), digest->end());
    auto next = HashOf(hash, extended);
    if (!next) return std::nullopt;
    value = std::move(*next);
  }
  return values;
}

bool CheckReplay(FindingList& findings, std::string_view check, const RegisterValues& replayed,
                 const std::optional<RegisterValues>& signed_values) {
  if (!signed_values) {
    findings.CannotTell("no-quote", check, "a log that nothing signs",
                        "a quote over the registers of the log",
                        "a log alone proves nothing: anybody can write one");
    return false;
  }
  std::string compared;
  for (const auto& [index, value] : *signed_values) {
    const auto replay = replayed.find(index);
    if (replay == replayed.end()) continue;
    if (replay->second != value) {
      findings.Fail("replay-mismatch", check,
                    fmt::format("register {}: log gives {}", index, encoding::HexEncode(replay->second)),
                    encoding::HexEncode(value), "the log is another boot's, or was altered");
      return false;
    }
    compared += fmt::format("{}{}", compared.empty() ? "" : " ", index);
  }
  return findings.Check("replay-mismatch", check, !compared.empty(),
                        compared.empty() ? "no register of the log is signed" : "registers " + compared,
                        "at least one register in common");
}

bool CheckSeparators(FindingList& findings, std::string_view check, const TpmEventLog& log, TpmAlgorithm hash,
                     LogRegisters registers) {
  std::map<std::uint32_t, int> separators;
  for (const TpmLogEvent& event : log.events) {
    if (event.type != evidence::kEvSeparator || !IsMeasured(event, registers)) continue;
    const int count = ++separators[event.index];
    if (!IsSeparatorValue(event.data) || !DataMatchesDigest(event, hash)) {
      findings.Fail("event-log", check,
                    fmt::format("a separator of another value in register {}", event.index),
                    "0 or FFFFFFFF, and its hash");
      return false;
    }
    if (count > 1 && registers == LogRegisters::kPcr) {
      findings.Fail("event-log", check, fmt::format("a second separator in PCR {}", event.index), "one",
                    "what comes after it may be software that claims to be firmware");
      return false;
    }
  }
  findings.Pass(check, fmt::format("{} registers", separators.size()));
  return true;
}

void CheckTdEventLog(const evidence::TdReport& td, const endorsements::Endorsements& endorsements,
                     FindingList& findings) {
  constexpr std::string_view kCheck = "TD event log";
  const auto bytes = endorsements.Find(endorsements::name::kEventLog);
  if (!bytes) return;
  const auto log = evidence::ParseTpmEventLog(*bytes);
  const auto replayed = log.ok() ? ReplayLog(*log, TpmAlgorithm::kSha384, LogRegisters::kRtmr) : std::nullopt;
  if (!replayed) {
    findings.Fail("event-log", kCheck, log.ok() ? std::string("no digests of sha384") : log.error().message,
                  "a CCEL event log with SHA-384 digests");
    return;
  }
  RegisterValues signed_values;
  for (std::uint32_t i = 0; i < td.rtmr.size(); ++i) {
    signed_values[kFirstRtmr + i] = base::CopyBytes(td.rtmr[i].view());
  }
  CheckReplay(findings, kCheck, *replayed, signed_values);
  CheckSeparators(findings, "TD log separators", *log, TpmAlgorithm::kSha384, LogRegisters::kRtmr);
}

bool DataMatchesDigest(const TpmLogEvent& event, TpmAlgorithm hash) {
  const Bytes* digest = event.digest(hash);
  const auto of_data = HashOf(hash, event.data);
  return digest != nullptr && of_data && *digest == *of_data;
}

std::optional<bool> SecureBootOf(const TpmEventLog& log, TpmAlgorithm hash, LogRegisters registers) {
  const std::uint32_t wanted = registers == LogRegisters::kPcr ? kSecureBootPcr : kFirstRtmr;
  std::optional<bool> secure_boot;
  for (const TpmLogEvent& event : log.events) {
    if (event.index != wanted || event.type != evidence::kEvEfiVariableDriverConfig) continue;
    if (!DataMatchesDigest(event, hash)) continue;
    const auto variable = ReadVariable(event.data);
    if (!variable || variable->name != "SecureBoot") continue;
    // Measured twice with two values, nobody can say which one counts.
    if (secure_boot) return std::nullopt;
    secure_boot = variable->data.size() == 1 && variable->data[0] == 1;
  }
  return secure_boot;
}

}  // namespace blindai::verifier
