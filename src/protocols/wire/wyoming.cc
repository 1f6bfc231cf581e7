#include "protocols/wire/wyoming.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/byte_writer.h"
#include "protocols/wire/json_fields.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::ByteView;
using base::Result;

constexpr std::string_view kCode = "wyoming-event";
constexpr std::size_t kMaxNameBytes = 512;

base::Error NoEvent(std::string message) { return base::Malformed(std::move(message), std::string(kCode)); }

Result<std::size_t> LengthField(const JsonFields& fields, std::string_view name, std::size_t most) {
  BLINDAI_TRY(const std::optional<std::uint64_t> length, fields.OptionalUnsigned(name));
  if (length.value_or(0) > most) return fields.Wrong(name, fmt::format("is more than {}", most));
  return static_cast<std::size_t>(length.value_or(0));
}

Result<std::uint32_t> SoundField(const JsonFields& fields, std::string_view name, std::uint32_t least,
                                 std::uint32_t most) {
  BLINDAI_TRY(const std::optional<std::uint64_t> value, fields.OptionalUnsigned(name));
  if (!value || *value < least || *value > most)
    return fields.Wrong(name, fmt::format("is not {} to {}", least, most));
  return static_cast<std::uint32_t>(*value);
}

Result<WyomingSound> SoundOf(const JsonFields& fields) {
  BLINDAI_TRY(const std::uint32_t rate_hz, SoundField(fields, "rate", 8'000, 192'000));
  BLINDAI_TRY(const std::uint32_t width, SoundField(fields, "width", 1, 4));
  BLINDAI_TRY(const std::uint32_t channels, SoundField(fields, "channels", 1, 8));
  WyomingSound sound;
  sound.rate_hz = rate_hz;
  sound.width = static_cast<std::uint16_t>(width);
  sound.channels = static_cast<std::uint16_t>(channels);
  return sound;
}

Result<std::string> NameField(const JsonFields& fields, std::string_view name) {
  BLINDAI_TRY(std::optional<std::string> text, fields.OptionalString(name));
  if (text && text->size() > kMaxNameBytes) return fields.Wrong(name, "is too long");
  return std::move(text).value_or("");
}

Result<WyomingEvent> EventOf(std::string_view type, const json::object& data, ByteView payload) {
  const JsonFields fields(data, kCode, type);
  if (type == "describe") return WyomingEvent(WyomingDescribe{});
  if (type == "audio-stop") return WyomingEvent(WyomingAudioStop{});
  if (type == "ping") {
    BLINDAI_TRY(std::optional<std::string> text, fields.OptionalString("text"));
    return WyomingEvent(WyomingPing{std::move(text)});
  }
  if (type == "transcribe") {
    BLINDAI_TRY(std::string model, NameField(fields, "name"));
    BLINDAI_TRY(std::string language, NameField(fields, "language"));
    return WyomingEvent(WyomingTranscribe{std::move(model), std::move(language)});
  }
  if (type == "audio-start") {
    BLINDAI_TRY(const WyomingSound sound, SoundOf(fields));
    return WyomingEvent(WyomingAudioStart{sound});
  }
  if (type == "audio-chunk") {
    BLINDAI_TRY(const WyomingSound sound, SoundOf(fields));
    if (payload.size() % (std::size_t{sound.width} * sound.channels) != 0)
      return NoEvent("audio-chunk: the samples are not whole");
    return WyomingEvent(WyomingAudioChunk{sound, base::SecretBytes::CopyOf(payload)});
  }
  return WyomingEvent(WyomingOther{});
}

// The data stands behind the line and not in it: some readers take lines of 64 KiB at most.
std::string Encode(std::string_view type, const json::object& data) {
  if (data.empty()) return fmt::format("{{\"type\":\"{}\"}}\n", type);
  const std::string text = json::serialize(data);
  return fmt::format("{{\"type\":\"{}\",\"data_length\":{}}}\n{}", type, text.size(), text);
}

// What info says of a program and of each of its models.
json::object Artifact(std::string_view name, std::string_view maker, std::string_view description) {
  return {{"name", name},
          {"attribution", {{"name", maker}, {"url", ""}}},
          {"installed", true},
          {"description", description},
          {"version", nullptr}};
}

}  // namespace

struct WyomingReader::Head {
  std::string type;
  json::object data;
  std::size_t data_bytes = 0;
  std::size_t payload_bytes = 0;
};

WyomingReader::WyomingReader() = default;
WyomingReader::~WyomingReader() { base::Wipe(pending_); }

// The bytes are sound: a place that became too small is wiped before it is given back.
void WyomingReader::Feed(ByteView bytes) {
  if (pending_.capacity() - pending_.size() < bytes.size()) {
    base::Bytes larger;
    larger.reserve(std::max(2 * pending_.capacity(), pending_.size() + bytes.size()));
    larger.assign(pending_.begin(), pending_.end());
    base::Wipe(pending_);
    pending_ = std::move(larger);
  }
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

void WyomingReader::Drop(std::size_t count) {
  const auto rest =
      std::copy(pending_.begin() + static_cast<std::ptrdiff_t>(count), pending_.end(), pending_.begin());
  const auto kept = static_cast<std::size_t>(rest - pending_.begin());
  base::Wipe(std::span(pending_).subspan(kept));
  pending_.resize(kept);
}

// Whether the line has come; then head_ is there.
Result<bool> WyomingReader::ReadHead() {
  const std::string_view text = base::AsText(pending_);
  const std::size_t end = text.find('\n', searched_);
  if (std::min(end, text.size()) > kMaxWyomingLine)
    return NoEvent(fmt::format("a line is longer than {} bytes", kMaxWyomingLine));
  searched_ = end == std::string_view::npos ? text.size() : 0;
  if (end == std::string_view::npos) return false;
  BLINDAI_TRY(const json::object line,
              ParseSmallJsonObject(ByteView(pending_).first(end), kCode, kMaxWyomingLine));
  const JsonFields fields(line, kCode);
  auto head = std::make_unique<Head>();
  BLINDAI_TRY(head->type, fields.String("type"));
  BLINDAI_TRY(head->data_bytes, LengthField(fields, "data_length", kMaxWyomingData));
  BLINDAI_TRY(head->payload_bytes, LengthField(fields, "payload_length", kMaxWyomingPayload));
  BLINDAI_TRY(const json::object* const data, fields.OptionalObject("data"));
  if (data != nullptr) head->data = *data;
  Drop(end + 1);
  head_ = std::move(head);
  return true;
}

Result<std::optional<WyomingEvent>> WyomingReader::Next() {
  if (head_ == nullptr) {
    BLINDAI_TRY(const bool has_come, ReadHead());
    if (!has_come) return std::optional<WyomingEvent>();
  }
  if (pending_.size() < head_->data_bytes + head_->payload_bytes) return std::optional<WyomingEvent>();
  const ByteView more = ByteView(pending_).first(head_->data_bytes);
  if (!more.empty()) {
    BLINDAI_TRY(const json::object data, ParseSmallJsonObject(more, kCode, kMaxWyomingData));
    for (const auto& [key, value] : data) head_->data[key] = value;
  }
  BLINDAI_TRY(
      WyomingEvent event,
      EventOf(head_->type, head_->data, ByteView(pending_).subspan(head_->data_bytes, head_->payload_bytes)));
  Drop(head_->data_bytes + head_->payload_bytes);
  head_.reset();
  return std::optional<WyomingEvent>(std::move(event));
}

std::string EncodeWyomingInfo(const WyomingInfo& info) {
  const json::array languages(info.languages.begin(), info.languages.end());
  json::array models;
  for (const ModelInfo& model : info.models) {
    if (!Transcribes(model.kind)) continue;
    json::object entry = Artifact(model.id, model.owned_by, ModelKindName(model.kind));
    entry["languages"] = languages;
    models.push_back(std::move(entry));
  }
  json::object program = Artifact("blindai", "BlindAI", info.description);
  program["models"] = std::move(models);
  program["supports_transcript_streaming"] = true;
  program["requires_external_vad"] = true;
  json::object data{{"asr", json::array{std::move(program)}}};
  for (const char* service : {"tts", "handle", "intent", "wake", "mic", "snd"}) data[service] = json::array();
  return Encode("info", data);
}

std::string EncodeWyomingPong(const WyomingPing& ping) {
  json::object data;
  if (ping.text) data["text"] = *ping.text;
  return Encode("pong", data);
}

std::string EncodeWyomingTranscriptStart() { return Encode("transcript-start", {}); }

std::string EncodeWyomingTranscriptChunk(std::string_view text) {
  return Encode("transcript-chunk", {{"text", text}});
}

std::string EncodeWyomingTranscript(std::string_view text, std::string_view verdict) {
  return Encode("transcript", {{"text", text}, {"verdict", verdict}});
}

std::string EncodeWyomingTranscriptStop() { return Encode("transcript-stop", {}); }

std::string EncodeWyomingError(const base::Error& error) {
  return Encode("error", {{"text", error.message}, {"code", error.code}});
}

// Sizes that say "not known" (0xffffffff), as programs write that cannot go back
// (https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html).
base::Bytes StreamedWavHead(const WyomingSound& sound) {
  constexpr std::uint32_t kNotKnown = 0xffff'ffff;
  constexpr std::uint16_t kPcm = 1;
  const std::uint32_t moment_bytes = std::uint32_t{sound.width} * sound.channels;
  base::ByteWriter wav;
  wav.Append("RIFF").U32(kNotKnown).Append("WAVE");
  wav.Append("fmt ")
      .U32(16)
      .U16(kPcm)
      .U16(sound.channels)
      .U32(sound.rate_hz)
      .U32(sound.rate_hz * moment_bytes);
  wav.U16(static_cast<std::uint16_t>(moment_bytes)).U16(static_cast<std::uint16_t>(sound.width * 8));
  wav.Append("data").U32(kNotKnown);
  return std::move(wav).Take();
}

}  // namespace blindai::wire
