#include "protocols/wire/openai_audio_events.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "protocols/wire/errors.h"
#include "protocols/wire/json_fields.h"
#include "protocols/wire/openai_audio.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::Result;
using base::Status;

constexpr std::string_view kCode = "event-stream";
constexpr int kErrorStatus = 500;

std::string Event(std::string_view object) { return fmt::format("data: {}\n\n", object); }

Result<double> Number(const JsonFields& fields, const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return fields.Wrong(name, "is not a number");
  return value->to_number<double>();
}

Result<TranscriptionEvent> SegmentOf(const json::object& object) {
  const JsonFields fields(object, kCode);
  TextSegment segment;
  BLINDAI_TRY(segment.id, fields.String("id"));
  BLINDAI_TRY(segment.start_s, Number(fields, object, "start"));
  BLINDAI_TRY(segment.end_s, Number(fields, object, "end"));
  BLINDAI_TRY(segment.text, fields.String("text"));
  BLINDAI_TRY(segment.speaker, fields.String("speaker"));
  return TranscriptionEvent(std::move(segment));
}

Result<TranscriptionEvent> DoneOf(const JsonFields& fields) {
  TextDone done;
  BLINDAI_TRY(done.text, fields.String("text"));
  BLINDAI_TRY(std::optional<std::string> document, fields.OptionalString("document"));
  done.document = std::move(document).value_or("");
  return TranscriptionEvent(std::move(done));
}

}  // namespace

std::string EncodeSegmentEvents(const TranscriptionRequest& request, const vocabulary::Segment& segment,
                                std::size_t number) {
  const bool first = number == 1;
  const bool diarized = request.format == TranscriptionFormat::kDiarizedJson;
  const std::string id = fmt::format("seg_{:03}", number);
  std::string fields =
      R"("type":"transcript.text.delta","delta":)" + JsonString((first ? "" : " ") + segment.text);
  if (diarized) fields += fmt::format(R"(,"segment_id":"{}")", id);
  if (request.logprobs) fields += ",\"logprobs\":" + EncodeLogprobs(segment.words, first);
  std::string events = Event("{" + fields + "}");
  if (diarized) {
    events += Event(fmt::format(
        R"({{"type":"transcript.text.segment","id":"{}","start":{:.3f},"end":{:.3f},"text":{},"speaker":{}}})",
        id, segment.start_s, segment.end_s, JsonString(segment.text),
        JsonString(SpeakerLabel(request, segment.speaker))));
  }
  return events;
}

std::string EncodeDoneEvent(const TranscriptionRequest& request, const vocabulary::Transcript& transcript) {
  std::string fields = R"("type":"transcript.text.done","text":)" + JsonString(transcript.Text());
  if (request.logprobs) {
    std::vector<vocabulary::Word> words;
    for (const vocabulary::Segment& segment : transcript.segments) {
      words.insert(words.end(), segment.words.begin(), segment.words.end());
    }
    fields += ",\"logprobs\":" + EncodeLogprobs(words, true);
  }
  fields += ",\"document\":" + JsonString(EncodeTranscription(request, transcript));
  return Event("{" + fields + "}");
}

std::string EncodeProgressEvent(const TranscriptionProgress& progress) {
  return Event(fmt::format(R"({{"type":"transcript.progress","seconds_done":{:.3f},"seconds_total":{:.3f}}})",
                           progress.seconds_done, progress.seconds_total));
}

std::string EncodeErrorEvent(const base::Error& error) {
  std::string object = EncodeError(error);
  object.pop_back();
  return Event(fmt::format(R"({},"status":{}}})", object, HttpStatusOf(error.kind)));
}

Result<TranscriptionEvent> DecodeTranscriptionEvent(std::string_view data) {
  BLINDAI_TRY(const json::object object,
              ParseSmallJsonObject(base::AsBytes(data), kCode, EventStreamReader::kMaxEventBytes));
  const JsonFields fields(object, kCode);
  if (object.contains("error")) {
    BLINDAI_TRY(const std::optional<std::int64_t> status, fields.OptionalInteger("status"));
    return DecodeError(static_cast<int>(status.value_or(kErrorStatus)), base::AsBytes(data));
  }
  BLINDAI_TRY(const std::string type, fields.String("type"));
  if (type == "transcript.text.delta") {
    TextDelta delta;
    BLINDAI_TRY(delta.delta, fields.String("delta"));
    return TranscriptionEvent(std::move(delta));
  }
  if (type == "transcript.text.segment") return SegmentOf(object);
  if (type == "transcript.text.done") return DoneOf(fields);
  if (type == "transcript.progress") {
    TranscriptionProgress progress;
    BLINDAI_TRY(progress.seconds_done, Number(fields, object, "seconds_done"));
    BLINDAI_TRY(progress.seconds_total, Number(fields, object, "seconds_total"));
    return TranscriptionEvent(progress);
  }
  return TranscriptionEvent(OtherEvent{});
}

Status EventStreamReader::Feed(base::ByteView bytes) {
  std::string_view text = base::AsText(bytes);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    line_ += text.substr(0, end);
    if (line_.size() + data_.size() > kMaxEventBytes) {
      return base::Malformed(fmt::format("an event is longer than {} bytes", kMaxEventBytes),
                             std::string(kCode));
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    const std::string line = std::exchange(line_, "");
    BLINDAI_RETURN_IF_ERROR(TakeLine(line));
  }
  return base::Ok();
}

Status EventStreamReader::TakeLine(std::string_view line) {
  if (line.empty()) {
    const std::string data = std::exchange(data_, "");
    return data.empty() ? base::Ok() : on_event_(data);
  }
  // Comments and fields other than data say nothing here.
  if (!line.starts_with("data:")) return base::Ok();
  line.remove_prefix(5);
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (!data_.empty()) data_ += '\n';
  data_ += line;
  return base::Ok();
}

}  // namespace blindai::wire
