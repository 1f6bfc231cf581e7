// The events of a streamed transcription (`stream=true`): server-sent events, one JSON object after each "data: ", both
// directions. Deltas only append, and joined they are the text of the last event, transcript.text.done; a stream
// without it broke. https://html.spec.whatwg.org/multipage/server-sent-events.html
//
// Beyond OpenAI: `transcript.text.done` carries the `document` in the format that was asked for; and with
// include[]=progress there are events "transcript.progress" with `seconds_done` and `seconds_total` (0: the
// file does not say). An event {"error": …} ends a stream that failed; beside OpenAI's error it has the `status` that
// the answer would have had.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "protocols/wire/openai_audio_request.h"
#include "vocabulary/transcript.h"

namespace blindai::wire {

inline constexpr std::string_view kEventStreamType = "text/event-stream";

struct TextDelta {
  std::string delta;
};
struct TextSegment {
  std::string id;
  double start_s = 0;
  double end_s = 0;
  std::string text;
  std::string speaker;
};
struct TextDone {
  std::string text;
  std::string document;
};
struct TranscriptionProgress {
  double seconds_done = 0;
  double seconds_total = 0;
};
// An event that this version does not know.
struct OtherEvent {};
using TranscriptionEvent = std::variant<TextDelta, TextSegment, TextDone, TranscriptionProgress, OtherEvent>;

// Each one whole event with its empty line. A segment is a delta, and with diarized_json an event of its own after it;
// `number` counts segments from 1.
std::string EncodeSegmentEvents(const TranscriptionRequest& request, const vocabulary::Segment& segment,
                                std::size_t number);
std::string EncodeDoneEvent(const TranscriptionRequest& request, const vocabulary::Transcript& transcript);
std::string EncodeProgressEvent(const TranscriptionProgress& progress);
std::string EncodeErrorEvent(const base::Error& error);

// The data of one event. An error event comes back as that error. Code: event-stream (not what the protocol says).
base::Result<TranscriptionEvent> DecodeTranscriptionEvent(std::string_view data);

// Cuts a stream into the data of its events. Bounded: an event has at most kMaxEventBytes.
class EventStreamReader {
 public:
  static constexpr std::size_t kMaxEventBytes = std::size_t{64} << 20;
  using OnEvent = std::function<base::Status(std::string_view data)>;

  explicit EventStreamReader(OnEvent on_event) : on_event_(std::move(on_event)) {}

  // Codes: event-stream (too long), and those of the callback.
  base::Status Feed(base::ByteView bytes);

 private:
  base::Status TakeLine(std::string_view line);

  OnEvent on_event_;
  std::string line_;
  std::string data_;
};

}  // namespace blindai::wire
