#include "protocols/wire/realtime_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <utility>

#include "base/secret.h"
#include "protocols/wire/errors.h"
#include "protocols/wire/json_fields.h"
#include "protocols/wire/openai_audio.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::Result;
using vocabulary::Segment;
using vocabulary::Transcript;
using vocabulary::Word;

constexpr std::string_view kCode = "realtime-event";
// Of an error that does not say what its status would be in an answer.
constexpr int kErrorStatus = 400;
constexpr std::string_view kTranscription = "conversation.item.input_audio_transcription.";

long long Milliseconds(double seconds) { return std::llround(seconds * 1000); }

std::string ErrorObject(const base::Error& error, std::string_view more) {
  return fmt::format(R"({{"type":"{}","code":{},"message":{},"param":{},"status":{}{}}})",
                     ErrorTypeOf(error.kind), JsonString(error.code), JsonString(error.message),
                     error.param.empty() ? "null" : JsonString(error.param), HttpStatusOf(error.kind), more);
}

std::vector<Word> WordsOf(const Transcript& transcript) {
  std::vector<Word> words;
  for (const Segment& segment : transcript.segments) {
    words.insert(words.end(), segment.words.begin(), segment.words.end());
  }
  return words;
}

std::string WordList(const std::vector<Word>& words) {
  std::string out = "[";
  for (const Word& word : words) {
    if (out.size() > 1) out += ',';
    out += fmt::format(R"({{"word":{},"start":{:.3f},"end":{:.3f},"confidence":{:.4f}}})",
                       JsonString(word.text), word.start_s, word.end_s, word.confidence);
  }
  return out + "]";
}

Result<double> Number(const JsonFields& fields, const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr) return 0.0;
  if (!value->is_number()) return fields.Wrong(name, "is not a number");
  return value->to_number<double>();
}

Result<std::vector<Word>> ReadWords(const JsonFields& fields) {
  std::vector<Word> words;
  BLINDAI_TRY(const json::array* const list, fields.OptionalArray("words"));
  if (list == nullptr) return words;
  for (const json::value& value : *list) {
    if (!value.is_object()) return fields.Wrong("words", "has an element that is not an object");
    const json::object& object = value.get_object();
    const JsonFields word_fields(object, kCode, "words");
    Word word;
    BLINDAI_TRY(word.text, word_fields.String("word"));
    BLINDAI_TRY(word.start_s, Number(word_fields, object, "start"));
    BLINDAI_TRY(word.end_s, Number(word_fields, object, "end"));
    BLINDAI_TRY(word.confidence, Number(word_fields, object, "confidence"));
    words.push_back(std::move(word));
  }
  return words;
}

// The error of an event, read as that of an answer is: what comes from outside may be printed.
Result<SessionError> ReadError(const JsonFields& fields) {
  BLINDAI_TRY(const json::object* const object, fields.OptionalObject("error"));
  if (object == nullptr) return fields.Wrong("error", "is missing; an object is wanted");
  const json::value* const said = object->if_contains("status");
  const bool known =
      said != nullptr && said->is_int64() && said->get_int64() >= 400 && said->get_int64() < 600;
  BLINDAI_TRY(const std::optional<std::string> id,
              JsonFields(*object, kCode, "error").OptionalString("event_id"));
  const std::string body = json::serialize(json::object{{"error", *object}});
  return SessionError{
      DecodeError(known ? static_cast<int>(said->get_int64()) : kErrorStatus, base::AsBytes(body)),
      id.value_or("")};
}

Result<ServerEvent> ReadCompleted(const JsonFields& fields, const json::object& object) {
  ItemCompleted item;
  BLINDAI_TRY(item.item_id, fields.String("item_id"));
  BLINDAI_TRY(item.text, fields.String("transcript"));
  BLINDAI_TRY(item.words, ReadWords(fields));
  BLINDAI_TRY(item.start_s, Number(fields, object, "start"));
  BLINDAI_TRY(item.end_s, Number(fields, object, "end"));
  BLINDAI_TRY(const double latency_ms, Number(fields, object, "latency_ms"));
  item.latency_s = latency_ms / 1000;
  return ServerEvent(std::move(item));
}

}  // namespace

std::string RealtimeEncoder::Event(std::string_view type, std::string_view fields) {
  return fmt::format(R"({{"event_id":"event_{}_{}","type":"{}"{}{}}})", session_, ++events_, type,
                     fields.empty() ? "" : ",", fields);
}

std::string RealtimeEncoder::ItemId(std::uint64_t item) const {
  return fmt::format(R"("item_{}_{}")", session_, item);
}

std::string RealtimeEncoder::SessionCreated(const RealtimeSettings& settings) {
  return Event(settings.beta ? "transcription_session.created" : "session.created",
               "\"session\":" + EncodeRealtimeSession(settings, "sess_" + session_));
}

std::string RealtimeEncoder::SessionUpdated(const RealtimeSettings& settings) {
  return Event(settings.beta ? "transcription_session.updated" : "session.updated",
               "\"session\":" + EncodeRealtimeSession(settings, "sess_" + session_));
}

std::string RealtimeEncoder::SpeechStarted(std::uint64_t item, double start_s) {
  return Event("input_audio_buffer.speech_started",
               fmt::format(R"("audio_start_ms":{},"item_id":{})", Milliseconds(start_s), ItemId(item)));
}

std::string RealtimeEncoder::SpeechStopped(std::uint64_t item, double end_s) {
  return Event("input_audio_buffer.speech_stopped",
               fmt::format(R"("audio_end_ms":{},"item_id":{})", Milliseconds(end_s), ItemId(item)));
}

std::vector<std::string> RealtimeEncoder::Committed(std::uint64_t item) {
  const std::string previous = std::exchange(previous_item_, ItemId(item));
  std::string committed = Event("input_audio_buffer.committed",
                                fmt::format(R"("item_id":{},"previous_item_id":{})", ItemId(item), previous));
  std::string added = Event(
      "conversation.item.added",
      fmt::format(
          R"("previous_item_id":{},"item":{{"id":{},"object":"realtime.item","type":"message",)"
          R"("status":"completed","role":"user","content":[{{"type":"input_audio","transcript":null}}]}})",
          previous, ItemId(item)));
  return {std::move(committed), std::move(added)};
}

std::string RealtimeEncoder::Cleared() { return Event("input_audio_buffer.cleared", ""); }

std::string RealtimeEncoder::Partial(std::uint64_t item, const Transcript& transcript) {
  return Event(std::string(kTranscription) + "partial",
               fmt::format(R"("item_id":{},"content_index":0,"transcript":{})", ItemId(item),
                           JsonString(transcript.Text())));
}

std::string RealtimeEncoder::Delta(std::uint64_t item, std::string_view text, std::span<const Word> words,
                                   bool begins_text, bool logprobs) {
  const std::string more = logprobs ? ",\"logprobs\":" + EncodeLogprobs(words, begins_text) : "";
  return Event(
      std::string(kTranscription) + "delta",
      fmt::format(R"("item_id":{},"content_index":0,"delta":{}{})", ItemId(item), JsonString(text), more));
}

std::string RealtimeEncoder::Settled(std::uint64_t item, const Transcript& words, bool logprobs) {
  std::string text = words.Text();
  const std::vector<Word> all = WordsOf(words);
  std::string delta = Delta(item, text, all, told_bytes_ == 0, logprobs);
  told_bytes_ += text.size();
  told_words_ += all.size();
  base::Wipe(text.data(), text.size());
  return delta;
}

std::vector<std::string> RealtimeEncoder::Completed(std::uint64_t item, const Transcript& transcript,
                                                    double start_s, double end_s, double latency_s,
                                                    bool logprobs) {
  std::string text = transcript.Text();
  const std::vector<Word> words = WordsOf(transcript);
  const std::string more = logprobs ? ",\"logprobs\":" + EncodeLogprobs(words, true) : "";
  std::vector<std::string> events;
  const std::size_t told_bytes = std::min(text.size(), std::exchange(told_bytes_, 0));
  const std::size_t told_words = std::min(words.size(), std::exchange(told_words_, 0));
  if (told_bytes < text.size()) {
    events.push_back(Delta(item, std::string_view(text).substr(told_bytes),
                           std::span(words).subspan(told_words), told_bytes == 0, logprobs));
  }
  events.push_back(Event(
      std::string(kTranscription) + "completed",
      fmt::format(
          R"("item_id":{},"content_index":0,"transcript":{}{},"usage":{{"type":"duration","seconds":{:.3f}}},)"
          R"("start":{:.3f},"end":{:.3f},"latency_ms":{},"words":{})",
          ItemId(item), JsonString(text), more, end_s - start_s, start_s, end_s, Milliseconds(latency_s),
          WordList(words))));
  base::Wipe(text.data(), text.size());
  return events;
}

std::string RealtimeEncoder::Failed(std::uint64_t item, const base::Error& error) {
  told_bytes_ = 0;
  told_words_ = 0;
  return Event(
      std::string(kTranscription) + "failed",
      fmt::format(R"("item_id":{},"content_index":0,"error":{})", ItemId(item), ErrorObject(error, "")));
}

std::string RealtimeEncoder::Error(const base::Error& error, std::string_view event_id) {
  const std::string more = ",\"event_id\":" + (event_id.empty() ? "null" : JsonString(event_id));
  return Event("error", "\"error\":" + ErrorObject(error, more));
}

Result<ServerEvent> DecodeServerEvent(base::ByteView text) {
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(text, kCode, kMaxRealtimeMessageBytes));
  const JsonFields fields(object, kCode);
  BLINDAI_TRY(const std::string type, fields.String("type"));
  if (type == "session.created" || type == "session.updated") return ServerEvent(SessionReady{});
  if (type == "input_audio_buffer.speech_started") {
    ItemStarted item;
    BLINDAI_TRY(item.item_id, fields.String("item_id"));
    BLINDAI_TRY(const double start_ms, Number(fields, object, "audio_start_ms"));
    item.start_s = start_ms / 1000;
    return ServerEvent(std::move(item));
  }
  if (type == "input_audio_buffer.speech_stopped") {
    ItemStopped item;
    BLINDAI_TRY(item.item_id, fields.String("item_id"));
    BLINDAI_TRY(const double end_ms, Number(fields, object, "audio_end_ms"));
    item.end_s = end_ms / 1000;
    return ServerEvent(std::move(item));
  }
  if (type == "input_audio_buffer.cleared") return ServerEvent(AudioCleared{});
  if (type == "input_audio_buffer.committed") {
    BLINDAI_TRY(std::string item_id, fields.String("item_id"));
    return ServerEvent(ItemCommitted{std::move(item_id)});
  }
  if (type == "error") {
    BLINDAI_TRY(SessionError error, ReadError(fields));
    return ServerEvent(std::move(error));
  }
  if (!std::string_view(type).starts_with(kTranscription)) return ServerEvent(OtherServerEvent{});
  const std::string_view what = std::string_view(type).substr(kTranscription.size());
  if (what == "completed") return ReadCompleted(fields, object);
  if (what == "delta") {
    ItemDelta item;
    BLINDAI_TRY(item.item_id, fields.String("item_id"));
    BLINDAI_TRY(item.text, fields.String("delta"));
    return ServerEvent(std::move(item));
  }
  if (what == "partial") {
    ItemPartial item;
    BLINDAI_TRY(item.item_id, fields.String("item_id"));
    BLINDAI_TRY(item.text, fields.String("transcript"));
    return ServerEvent(std::move(item));
  }
  if (what == "failed") {
    BLINDAI_TRY(std::string item_id, fields.String("item_id"));
    BLINDAI_TRY(SessionError error, ReadError(fields));
    return ServerEvent(ItemFailed{std::move(item_id), std::move(error.error)});
  }
  return ServerEvent(OtherServerEvent{});
}

}  // namespace blindai::wire
