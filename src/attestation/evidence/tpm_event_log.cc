#include "attestation/evidence/tpm_event_log.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/byte_reader.h"

namespace blindai::evidence {
namespace {

using base::ByteReader;
using base::ByteView;
using base::Malformed;

constexpr std::size_t kMaxLog = 1 << 20;
constexpr std::size_t kMaxEvents = 8192;
constexpr std::uint32_t kMaxHashes = 8;
constexpr std::uint32_t kMaxIndex = 24;
constexpr std::size_t kSha1Size = 20;
constexpr std::string_view kSpecId03("Spec ID Event03\0", 16);
constexpr std::string_view kStartupLocality("StartupLocality\0", 16);

bool AllEqual(ByteView bytes, std::uint8_t value) {
  return std::all_of(bytes.begin(), bytes.end(), [value](std::uint8_t byte) { return byte == value; });
}

// True at the fill of a buffer: nothing is left, or only FF, or only 00.
bool AtEnd(const ByteReader& reader) {
  const ByteView rest = reader.rest();
  if (rest.empty()) return true;
  if (rest[0] == 0xFF) return rest.size() >= 4 ? AllEqual(rest.first(4), 0xFF) : AllEqual(rest, 0xFF);
  return AllEqual(rest, 0x00);
}

base::Result<base::Bytes> ReadData(ByteReader& reader) {
  BLINDAI_TRY(const std::uint32_t size, reader.U32("event size"));
  BLINDAI_TRY(const ByteView data, reader.Take("event data", size));
  return base::CopyBytes(data);
}

base::Status ReadPlace(ByteReader& reader, TpmLogEvent& event) {
  BLINDAI_TRY(event.index, reader.U32("register index"));
  BLINDAI_TRY(event.type, reader.U32("event type"));
  // SP800-155 events carry index FFFFFFFF and are EV_NO_ACTION.
  if (event.index >= kMaxIndex && event.type != kEvNoAction) {
    return Malformed(fmt::format("register index: {} seen, below {} wanted", event.index, kMaxIndex));
  }
  return base::Ok();
}

base::Result<TpmLogEvent> ReadSha1Event(ByteReader& reader) {
  TpmLogEvent event;
  BLINDAI_RETURN_IF_ERROR(ReadPlace(reader, event));
  BLINDAI_TRY(const ByteView digest, reader.Take("digest", kSha1Size));
  event.digests.push_back({TpmAlgorithm::kSha1, base::CopyBytes(digest)});
  BLINDAI_TRY(event.data, ReadData(reader));
  return event;
}

base::Result<TpmLogEvent> ReadEvent(ByteReader& reader, const TpmEventLog& log) {
  TpmLogEvent event;
  BLINDAI_RETURN_IF_ERROR(ReadPlace(reader, event));
  BLINDAI_TRY(const std::uint32_t count, reader.U32("digest count"));
  if (count != log.hashes.size()) {
    return Malformed(fmt::format("digest count: {} seen, {} wanted", count, log.hashes.size()));
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    BLINDAI_TRY(const std::uint16_t id, reader.U16("digest algorithm"));
    const auto hash = static_cast<TpmAlgorithm>(id);
    if (!log.has(hash))
      return Malformed(fmt::format("digest algorithm: {:#06x} is not in the log's header", id));
    if (event.digest(hash) != nullptr)
      return Malformed(fmt::format("digest algorithm: {:#06x} is there twice", id));
    BLINDAI_TRY(const ByteView digest, reader.Take("digest", *TpmDigestSize(hash)));
    event.digests.push_back({hash, base::CopyBytes(digest)});
  }
  BLINDAI_TRY(event.data, ReadData(reader));
  return event;
}

// TCG_EfiSpecIdEvent: which algorithms the log uses.
base::Status ReadHeader(ByteView data, TpmEventLog& log) {
  ByteReader reader(data);
  BLINDAI_RETURN_IF_ERROR(reader.Skip("signature", kSpecId03.size()));
  BLINDAI_RETURN_IF_ERROR(reader.Skip("platform class and version", 8));
  BLINDAI_TRY(const std::uint32_t count, reader.U32("number of algorithms"));
  if (count == 0 || count > kMaxHashes) {
    return Malformed(fmt::format("number of algorithms: {} seen, 1 to {} wanted", count, kMaxHashes));
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    BLINDAI_TRY(const std::uint16_t id, reader.U16("algorithm"));
    BLINDAI_TRY(const std::uint16_t size, reader.U16("digest size"));
    const auto hash = static_cast<TpmAlgorithm>(id);
    const auto wanted = TpmDigestSize(hash);
    if (!wanted) return Malformed(fmt::format("algorithm: {:#06x} is not known", id));
    if (size != *wanted) return Malformed(fmt::format("digest size: {} seen, {} wanted", size, *wanted));
    if (log.has(hash)) return Malformed(fmt::format("algorithm: {:#06x} is there twice", id));
    log.hashes.push_back(hash);
  }
  BLINDAI_TRY(const std::uint8_t vendor_size, reader.U8("vendor data size"));
  BLINDAI_RETURN_IF_ERROR(reader.Skip("vendor data", vendor_size));
  return reader.End("header");
}

base::Status NoteLocality(const TpmLogEvent& event, TpmEventLog& log) {
  if (event.type != kEvNoAction || event.index != 0) return base::Ok();
  const std::string_view text = base::AsText(event.data);
  if (!text.starts_with(kStartupLocality)) return base::Ok();
  if (text.size() != kStartupLocality.size() + 1) return Malformed("StartupLocality: 17 bytes wanted");
  const std::uint8_t locality = event.data.back();
  if (locality != 0 && locality != 3 && locality != 4) {
    return Malformed(fmt::format("StartupLocality: {} seen, 0, 3 or 4 wanted", locality));
  }
  log.startup_locality = locality;
  return base::Ok();
}

base::Status Append(TpmEventLog& log, TpmLogEvent event) {
  if (log.events.size() == kMaxEvents) return Malformed(fmt::format("more than {} events", kMaxEvents));
  BLINDAI_RETURN_IF_ERROR(NoteLocality(event, log));
  log.events.push_back(std::move(event));
  return base::Ok();
}

}  // namespace

const base::Bytes* TpmLogEvent::digest(TpmAlgorithm hash) const {
  for (const TpmLogDigest& entry : digests) {
    if (entry.hash == hash) return &entry.digest;
  }
  return nullptr;
}

bool TpmEventLog::has(TpmAlgorithm hash) const {
  return std::find(hashes.begin(), hashes.end(), hash) != hashes.end();
}

base::Result<TpmEventLog> ParseTpmEventLog(ByteView bytes) {
  if (bytes.size() > kMaxLog) {
    return Malformed(fmt::format("event log: {} bytes seen, at most {} wanted", bytes.size(), kMaxLog));
  }
  TpmEventLog log;
  ByteReader reader(bytes);
  auto first = ReadSha1Event(reader);
  if (!first.ok()) return std::move(first).error().Within("event log: header");
  const bool agile = first->type == kEvNoAction && base::AsText(first->data).starts_with(kSpecId03);
  if (agile) {
    auto header = ReadHeader(first->data, log);
    if (!header.ok()) return std::move(header).error().Within("event log: header");
  } else {
    log.hashes.push_back(TpmAlgorithm::kSha1);
    BLINDAI_RETURN_IF_ERROR(Append(log, *std::move(first)));
  }
  while (!AtEnd(reader)) {
    const std::string place =
        fmt::format("event log: event {} at offset {}", log.events.size(), reader.offset());
    auto event = agile ? ReadEvent(reader, log) : ReadSha1Event(reader);
    if (!event.ok()) return std::move(event).error().Within(place);
    auto appended = Append(log, *std::move(event));
    if (!appended.ok()) return std::move(appended).error().Within(place);
  }
  log.bytes_used = reader.offset();
  return log;
}

}  // namespace blindai::evidence
