#include "protocols/wire/realtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "encoding/base64.h"
#include "protocols/wire/json_fields.h"
#include "protocols/wire/language_code.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::ErrorKind;
using base::Result;
using base::Status;

constexpr std::string_view kCode = "realtime-event";
constexpr std::size_t kMaxNameBytes = 512;
constexpr std::size_t kMaxKeywords = 1'000;
constexpr std::size_t kMaxPromptBytes = 16'384;
constexpr std::array<std::string_view, 5> kDelays = {"minimal", "low", "medium", "high", "xhigh"};

base::Error Unsupported(std::string param, std::string_view what) {
  std::string message = "'" + param + "' " + std::string(what);
  return base::MakeError(ErrorKind::kUnsupported, "realtime-unsupported", std::move(message),
                         std::move(param));
}

// One object of an update and where it stands.
class Part {
 public:
  Part(const json::object& object, std::string place)
      : object_(object), fields_(object, kCode, place), place_(std::move(place)) {}

  const JsonFields& fields() const { return fields_; }
  std::string Param(std::string_view name) const {
    return place_.empty() ? std::string(name) : place_ + "." + std::string(name);
  }
  // Whether the field stands there, also as null.
  bool Says(std::string_view name) const { return object_.contains(name); }

  Result<std::optional<Part>> Child(std::string_view name) const {
    BLINDAI_TRY(const json::object* const child, fields_.OptionalObject(name));
    if (child == nullptr) return std::optional<Part>();
    return std::optional<Part>(Part(*child, Param(name)));
  }
  Result<std::optional<std::string>> Name(std::string_view name) const {
    BLINDAI_TRY(std::optional<std::string> text, fields_.OptionalString(name));
    if (text && text->size() > kMaxNameBytes) return fields_.Wrong(name, "is too long");
    return text;
  }
  Result<std::optional<int>> Milliseconds(std::string_view name, int least, int most) const {
    BLINDAI_TRY(const std::optional<std::int64_t> number, fields_.OptionalInteger(name));
    if (!number) return std::optional<int>();
    if (*number < least || *number > most) {
      return fields_.Wrong(name, fmt::format("is not {} to {} milliseconds", least, most));
    }
    return std::optional<int>(static_cast<int>(*number));
  }
  Result<std::optional<double>> Number(std::string_view name) const {
    const json::value* const value = object_.if_contains(name);
    if (value == nullptr || value->is_null()) return std::optional<double>();
    if (!value->is_number()) return fields_.Wrong(name, "is not a number");
    return std::optional<double>(value->to_number<double>());
  }
  Result<std::optional<std::vector<std::string>>> Texts(std::string_view name) const {
    BLINDAI_TRY(const json::array* const array, fields_.OptionalArray(name));
    if (array == nullptr) return std::optional<std::vector<std::string>>();
    if (array->size() > kMaxKeywords) return fields_.Wrong(name, "has too many elements");
    std::vector<std::string> texts;
    for (const json::value& value : *array) {
      if (!value.is_string()) return fields_.Wrong(name, "has an element that is not a string");
      texts.emplace_back(value.get_string());
    }
    return std::optional(std::move(texts));
  }
  // A field that is known and means something that is not done here.
  Status Refuse(std::string_view name, std::string_view why) const {
    const json::value* const value = object_.if_contains(name);
    if (value == nullptr || value->is_null()) return base::Ok();
    return Unsupported(Param(name), why);
  }

 private:
  const json::object& object_;
  JsonFields fields_;
  std::string place_;
};

Status TakeFormat(const Part& input, RealtimeSettings& settings) {
  BLINDAI_TRY(const std::optional<Part> format, input.Child("format"));
  if (!format) return base::Ok();
  BLINDAI_TRY(const std::string type, format->fields().String("type"));
  BLINDAI_TRY(const std::optional<std::int64_t> rate, format->fields().OptionalInteger("rate"));
  if (type == "audio/pcm") {
    if (rate && (*rate < 8'000 || *rate > 48'000)) {
      return format->fields().Wrong("rate", "is not 8000 to 48000 Hz");
    }
    settings.format = {RealtimeEncoding::kPcm16, static_cast<int>(rate.value_or(24'000))};
  } else if (type == "audio/pcmu" || type == "audio/pcma") {
    if (rate && *rate != 8'000) return format->fields().Wrong("rate", "of G.711 is 8000 Hz");
    settings.format = {type == "audio/pcmu" ? RealtimeEncoding::kMulaw : RealtimeEncoding::kAlaw, 8'000};
  } else {
    return Unsupported(format->Param("type"), "is none of audio/pcm, audio/pcmu, audio/pcma");
  }
  return base::Ok();
}

Status TakeTranscription(const Part& parent, std::string_view name, RealtimeSettings& settings) {
  BLINDAI_TRY(const std::optional<Part> part, parent.Child(name));
  if (!part) return base::Ok();
  BLINDAI_TRY(std::optional<std::string> model, part->Name("model"));
  if (model) settings.model = *std::move(model);
  BLINDAI_TRY(std::optional<std::string> language, part->Name("language"));
  BLINDAI_TRY(const std::optional<std::vector<std::string>> languages, part->Texts("languages"));
  if (languages && languages->size() > 1) {
    return Unsupported(part->Param("languages"), "names a second language; name one, or none");
  }
  if (languages && !languages->empty()) {
    if (language && *language != languages->front())
      return Unsupported(part->Param("languages"), "names another language than 'language'");
    language = languages->front();
  }
  if (language && !IsLanguageCode(*language))
    return part->fields().Wrong("language", "is not a language of ISO 639-1, such as en");
  if (language) settings.language = *std::move(language);
  BLINDAI_TRY(std::optional<std::vector<std::string>> keywords, part->Texts("keywords"));
  if (keywords) settings.keywords = *std::move(keywords);
  BLINDAI_TRY(std::optional<std::string> prompt, part->fields().OptionalString("prompt"));
  if (prompt && prompt->size() > kMaxPromptBytes) return part->fields().Wrong("prompt", "is too long");
  if (prompt) settings.prompt = *std::move(prompt);
  BLINDAI_TRY(const std::optional<std::string> delay, part->fields().OptionalString("delay"));
  if (!delay) return base::Ok();
  settings.delay = RealtimeDelayFromName(*delay);
  if (!settings.delay)
    return Unsupported(part->Param("delay"), "is none of minimal, low, medium, high, xhigh");
  return base::Ok();
}

Status TakeTurnDetection(const Part& parent, RealtimeSettings& settings) {
  if (!parent.Says("turn_detection")) return base::Ok();
  BLINDAI_TRY(const std::optional<Part> part, parent.Child("turn_detection"));
  if (!part) {
    settings.turn_detection.reset();
    return base::Ok();
  }
  BLINDAI_TRY(const std::optional<std::string> type, part->fields().OptionalString("type"));
  if (type && *type != "server_vad") {
    return Unsupported(part->Param("type"), "is not server_vad, the only one that is done here, or null");
  }
  BLINDAI_RETURN_IF_ERROR(part->Refuse("idle_timeout_ms", "cannot be honoured; leave it out"));
  TurnDetection turns = settings.turn_detection.value_or(TurnDetection{});
  BLINDAI_TRY(const std::optional<double> threshold, part->Number("threshold"));
  if (threshold && !(*threshold >= 0 && *threshold <= 1)) {
    return part->fields().Wrong("threshold", "is not 0 to 1");
  }
  turns.threshold = threshold.value_or(turns.threshold);
  BLINDAI_TRY(const std::optional<int> prefix, part->Milliseconds("prefix_padding_ms", 0, 5'000));
  turns.prefix_padding_ms = prefix.value_or(turns.prefix_padding_ms);
  BLINDAI_TRY(const std::optional<int> silence, part->Milliseconds("silence_duration_ms", 100, 10'000));
  turns.silence_duration_ms = silence.value_or(turns.silence_duration_ms);
  settings.turn_detection = turns;
  return base::Ok();
}

Status TakeNoiseReduction(const Part& parent, std::string_view name) {
  return parent.Refuse(name, "cannot be honoured: sound is heard as it is; leave it out or null");
}

Status TakeInclude(const Part& session, RealtimeSettings& settings) {
  BLINDAI_TRY(const std::optional<std::vector<std::string>> include, session.Texts("include"));
  if (!include) return base::Ok();
  settings.logprobs = false;
  settings.partials = false;
  for (const std::string& wanted : *include) {
    if (wanted == kIncludeLogprobs) {
      settings.logprobs = true;
    } else if (wanted == kIncludePartials) {
      settings.partials = true;
    } else {
      return Unsupported(session.Param("include"),
                         "names something that a transcription session does not have");
    }
  }
  return base::Ok();
}

Result<ClientEvent> TakeSession(const json::object& object, const RealtimeSettings& now) {
  SessionUpdate update{now};
  update.settings.beta = false;
  const JsonFields fields(object, kCode);
  BLINDAI_TRY(const json::object* const session_object, fields.OptionalObject("session"));
  if (session_object == nullptr) return fields.Wrong("session", "is missing; an object is wanted");
  const Part session(*session_object, "session");
  BLINDAI_TRY(const std::optional<std::string> type, session.fields().OptionalString("type"));
  if (type && *type != "transcription") {
    return Unsupported(session.Param("type"), "is not transcription, the only kind of session here");
  }
  BLINDAI_RETURN_IF_ERROR(TakeInclude(session, update.settings));
  BLINDAI_TRY(const std::optional<Part> audio, session.Child("audio"));
  if (!audio) return ClientEvent(std::move(update));
  BLINDAI_TRY(const std::optional<Part> input, audio->Child("input"));
  if (!input) return ClientEvent(std::move(update));
  BLINDAI_RETURN_IF_ERROR(TakeFormat(*input, update.settings));
  BLINDAI_RETURN_IF_ERROR(TakeTranscription(*input, "transcription", update.settings));
  BLINDAI_RETURN_IF_ERROR(TakeTurnDetection(*input, update.settings));
  BLINDAI_RETURN_IF_ERROR(TakeNoiseReduction(*input, "noise_reduction"));
  return ClientEvent(std::move(update));
}

// The beta's form: the same words, flat.
Result<ClientEvent> TakeBetaSession(const json::object& object, const RealtimeSettings& now) {
  SessionUpdate update{now};
  update.settings.beta = true;
  const JsonFields fields(object, kCode);
  BLINDAI_TRY(const json::object* const session_object, fields.OptionalObject("session"));
  if (session_object == nullptr) return fields.Wrong("session", "is missing; an object is wanted");
  const Part session(*session_object, "session");
  BLINDAI_TRY(const std::optional<std::string> format, session.fields().OptionalString("input_audio_format"));
  if (format == "pcm16") {
    update.settings.format = {RealtimeEncoding::kPcm16, 24'000};
  } else if (format == "g711_ulaw" || format == "g711_alaw") {
    const bool mulaw = format == "g711_ulaw";
    update.settings.format = {mulaw ? RealtimeEncoding::kMulaw : RealtimeEncoding::kAlaw, 8'000};
  } else if (format) {
    return Unsupported(session.Param("input_audio_format"), "is none of pcm16, g711_ulaw, g711_alaw");
  }
  BLINDAI_RETURN_IF_ERROR(TakeInclude(session, update.settings));
  BLINDAI_RETURN_IF_ERROR(TakeTranscription(session, "input_audio_transcription", update.settings));
  BLINDAI_RETURN_IF_ERROR(TakeTurnDetection(session, update.settings));
  BLINDAI_RETURN_IF_ERROR(TakeNoiseReduction(session, "input_audio_noise_reduction"));
  return ClientEvent(std::move(update));
}

Result<ClientEvent> TakeAppend(json::object& object) {
  const JsonFields fields(object, kCode);
  json::value* const audio = object.if_contains("audio");
  if (audio == nullptr) return fields.Wrong("audio", "is missing; base64 is wanted");
  if (!audio->is_string()) return fields.Wrong("audio", "is not a string; base64 is wanted");
  json::string& text = audio->get_string();
  if (text.size() > kMaxAppendBytes) {
    return base::MakeError(ErrorKind::kTooLarge, std::string(kCode),
                           "'audio' is longer than 15 MiB; append it in pieces", "audio");
  }
  Result<base::Bytes> bytes = encoding::Base64Decode({text.data(), text.size()});
  base::Wipe(text.data(), text.size());
  if (!bytes.ok()) return fields.Wrong("audio", "is not base64 (RFC 4648 section 4, padded)");
  return ClientEvent(AppendAudio{base::SecretBytes(std::move(*bytes))});
}

Result<ClientEvent> EventOf(json::object& object, const RealtimeSettings& now) {
  const JsonFields fields(object, kCode);
  BLINDAI_TRY(const std::string type, fields.String("type"));
  if (type == "input_audio_buffer.append") return TakeAppend(object);
  if (type == "input_audio_buffer.commit") return ClientEvent(CommitAudio{});
  if (type == "input_audio_buffer.clear") return ClientEvent(ClearAudio{});
  if (type == "session.update") return TakeSession(object, now);
  if (type == "transcription_session.update") return TakeBetaSession(object, now);
  return Unsupported("type",
                     "is none of session.update, transcription_session.update, input_audio_buffer.append, "
                     "input_audio_buffer.commit, input_audio_buffer.clear");
}

std::string_view FormatName(RealtimeEncoding encoding, bool beta) {
  constexpr std::array<std::string_view, 3> kNames = {"audio/pcm", "audio/pcmu", "audio/pcma"};
  constexpr std::array<std::string_view, 3> kBetaNames = {"pcm16", "g711_ulaw", "g711_alaw"};
  return (beta ? kBetaNames : kNames)[static_cast<std::size_t>(encoding)];
}

std::string TranscriptionOf(const RealtimeSettings& settings) {
  std::string out = "{\"model\":" + (settings.model.empty() ? "null" : JsonString(settings.model));
  if (!settings.language.empty()) out += ",\"language\":" + JsonString(settings.language);
  if (!settings.keywords.empty()) {
    out += ",\"keywords\":[";
    for (const std::string& word : settings.keywords) out += JsonString(word) + ",";
    out.back() = ']';
  }
  if (!settings.prompt.empty()) out += ",\"prompt\":" + JsonString(settings.prompt);
  if (settings.delay) out += ",\"delay\":" + JsonString(kDelays[static_cast<std::size_t>(*settings.delay)]);
  return out + "}";
}

std::string TurnDetectionOf(const RealtimeSettings& settings) {
  if (!settings.turn_detection) return "null";
  const TurnDetection& turns = *settings.turn_detection;
  return fmt::format(
      R"({{"type":"server_vad","threshold":{},"prefix_padding_ms":{},"silence_duration_ms":{}}})",
      turns.threshold, turns.prefix_padding_ms, turns.silence_duration_ms);
}

std::string IncludeOf(const RealtimeSettings& settings) {
  std::string out;
  if (settings.logprobs) out += JsonString(kIncludeLogprobs);
  if (settings.partials) out += (out.empty() ? "" : ",") + JsonString(kIncludePartials);
  return "[" + out + "]";
}

}  // namespace

std::optional<RealtimeDelay> RealtimeDelayFromName(std::string_view name) {
  const auto found = std::ranges::find(kDelays, name);
  if (found == kDelays.end()) return std::nullopt;
  return static_cast<RealtimeDelay>(found - kDelays.begin());
}

ClientMessage DecodeClientEvent(base::ByteView text, const RealtimeSettings& now) {
  auto object = ParseSmallJsonObject(text, kCode, kMaxRealtimeMessageBytes);
  if (!object.ok()) return {"", std::move(object).error()};
  ClientMessage message{"", ClientEvent(CommitAudio{})};
  if (const json::value* const id = object->if_contains("event_id"); id != nullptr && id->is_string()) {
    message.event_id = std::string(id->get_string()).substr(0, kMaxNameBytes);
  }
  return {std::move(message.event_id), EventOf(*object, now)};
}

std::string EncodeRealtimeSession(const RealtimeSettings& settings, std::string_view id) {
  const std::string named = id.empty() ? "" : fmt::format(R"("id":{},)", JsonString(id));
  if (settings.beta) {
    return fmt::format(
        R"({{{}"object":"realtime.transcription_session","input_audio_format":"{}","input_audio_transcription":{},)"
        R"("turn_detection":{},"input_audio_noise_reduction":null,"include":{}}})",
        named, FormatName(settings.format.encoding, true), TranscriptionOf(settings),
        TurnDetectionOf(settings), IncludeOf(settings));
  }
  const std::string rate = settings.format.encoding == RealtimeEncoding::kPcm16
                               ? fmt::format(R"(,"rate":{})", settings.format.rate_hz)
                               : "";
  return fmt::format(
      R"({{{}"type":"transcription","object":"realtime.transcription_session","audio":{{"input":{{)"
      R"("format":{{"type":"{}"{}}},"transcription":{},"noise_reduction":null,"turn_detection":{}}}}},"include":{}}})",
      named, FormatName(settings.format.encoding, false), rate, TranscriptionOf(settings),
      TurnDetectionOf(settings), IncludeOf(settings));
}

std::string EncodeSessionUpdate(const RealtimeSettings& settings) {
  const std::string_view type = settings.beta ? "transcription_session.update" : "session.update";
  return fmt::format(R"({{"type":"{}","session":{}}})", type, EncodeRealtimeSession(settings, ""));
}

std::string EncodeAppend(base::ByteView audio) {
  constexpr std::string_view kStart = R"({"type":"input_audio_buffer.append","audio":")";
  std::string text = encoding::Base64Encode(audio);
  std::string out;
  out.reserve(kStart.size() + text.size() + 2);
  out.append(kStart).append(text).append("\"}");
  base::Wipe(text.data(), text.size());
  return out;
}

std::string EncodeCommit(std::string_view event_id) {
  return fmt::format(R"({{"type":"input_audio_buffer.commit","event_id":{}}})", JsonString(event_id));
}

std::string EncodeClear() { return R"({"type":"input_audio_buffer.clear"})"; }

}  // namespace blindai::wire
