// OpenAI's realtime transcription over a WebSocket, what the server says: both directions. Each event carries an
// `event_id` and a `type`. What the client says is in wire/realtime.h.
// https://platform.openai.com/docs/api-reference/realtime-server-events
//
// An item is an utterance. Its deltas only append and together equal the `transcript` of its `completed` event. With a
// `delay` they come while somebody speaks, from words that will not change; without, there is one. Beyond OpenAI:
// partials, when asked for (`…input_audio_transcription.partial`: `transcript` so far); `completed` has `words`
// (`word`, `start`, `end`, `confidence`), `start` and `end` in seconds of the session's sound, and `latency_ms`: sound
// between the end of speech and the final. An `error` object has the `status` that an answer would have had.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "protocols/wire/realtime.h"
#include "vocabulary/transcript.h"

namespace blindai::wire {

// Writes the events of one session, in order.
class RealtimeEncoder {
 public:
  // `session`: a name that is not another session's.
  explicit RealtimeEncoder(std::string session) : session_(std::move(session)) {}

  std::string SessionCreated(const RealtimeSettings& settings);
  std::string SessionUpdated(const RealtimeSettings& settings);
  std::string SpeechStarted(std::uint64_t item, double start_s);
  std::string SpeechStopped(std::uint64_t item, double end_s);
  // Two events: committed, and the item that it has become.
  std::vector<std::string> Committed(std::uint64_t item);
  std::string Cleared();
  std::string Partial(std::uint64_t item, const vocabulary::Transcript& transcript);
  // A delta of an item that goes on: the next words of its final, their text beginning with the space before them.
  std::string Settled(std::uint64_t item, const vocabulary::Transcript& words, bool logprobs);
  // The delta of what has not been told, if there is some, and completed. Texts of what was said: wipe them after use.
  std::vector<std::string> Completed(std::uint64_t item, const vocabulary::Transcript& transcript,
                                     double start_s, double end_s, double latency_s, bool logprobs);
  std::string Failed(std::uint64_t item, const base::Error& error);
  // `event_id`: of the client's message that it is about; may be empty.
  std::string Error(const base::Error& error, std::string_view event_id);

 private:
  std::string Event(std::string_view type, std::string_view fields);
  std::string ItemId(std::uint64_t item) const;
  std::string Delta(std::uint64_t item, std::string_view text, std::span<const vocabulary::Word> words,
                    bool begins_text, bool logprobs);

  const std::string session_;
  std::uint64_t events_ = 0;
  std::string previous_item_ = "null";
  // Of the item that goes on: bytes and words that its deltas have told.
  std::size_t told_bytes_ = 0;
  std::size_t told_words_ = 0;
};

// What a client reads.
struct SessionReady {};  // created or updated
struct ItemStarted {
  std::string item_id;
  double start_s = 0;
};
struct ItemStopped {
  std::string item_id;
  double end_s = 0;
};
struct ItemCommitted {
  std::string item_id;
};
// The next piece of the item's text; it never changes.
struct ItemDelta {
  std::string item_id;
  std::string text;
};
struct ItemPartial {
  std::string item_id;
  std::string text;
};
struct ItemCompleted {
  std::string item_id;
  std::string text;
  std::vector<vocabulary::Word> words;
  double start_s = 0;
  double end_s = 0;
  double latency_s = 0;
};
struct ItemFailed {
  std::string item_id;
  base::Error error;
};
struct SessionError {
  base::Error error;
  std::string event_id;
};
struct AudioCleared {};
// An event that this version needs not.
struct OtherServerEvent {};
using ServerEvent =
    std::variant<SessionReady, ItemStarted, ItemStopped, ItemCommitted, ItemDelta, ItemPartial, ItemCompleted,
                 ItemFailed, AudioCleared, SessionError, OtherServerEvent>;

// Code: realtime-event.
base::Result<ServerEvent> DecodeServerEvent(base::ByteView text);

}  // namespace blindai::wire
