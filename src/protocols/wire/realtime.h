// OpenAI's realtime transcription over a WebSocket, what the client says: one JSON object a text message, both
// directions. Unknown fields are ignored; a known field with a value that cannot be honoured is refused, never ignored,
// and the connection stays. What the server says is in wire/realtime_events.h.
// https://platform.openai.com/docs/api-reference/realtime-client-events
//
// Beyond OpenAI: a rate of audio/pcm may be 8,000 to 48,000 Hz, and include takes kIncludePartials. The beta's
// transcription_session.update is read too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace blindai::wire {

inline constexpr std::string_view kIncludeLogprobs = "item.input_audio_transcription.logprobs";
// Events "conversation.item.input_audio_transcription.partial": what the transcript would be now.
inline constexpr std::string_view kIncludePartials = "item.input_audio_transcription.partials";

// The base64 text of one append, and the whole message around it.
constexpr std::size_t kMaxAppendBytes = std::size_t{15} << 20;
constexpr std::size_t kMaxRealtimeMessageBytes = kMaxAppendBytes + (std::size_t{1} << 20);

enum class RealtimeEncoding { kPcm16, kMulaw, kAlaw };

struct RealtimeFormat {
  RealtimeEncoding encoding = RealtimeEncoding::kPcm16;
  int rate_hz = 24'000;  // of G.711 always 8,000
  friend bool operator==(const RealtimeFormat&, const RealtimeFormat&) = default;
};

// server_vad.
struct TurnDetection {
  // 0 to 1: how loud speech is. Each half is 10 dB; 0.5 is −50 dBFS.
  double threshold = 0.5;
  int prefix_padding_ms = 300;
  int silence_duration_ms = 500;
  friend bool operator==(const TurnDetection&, const TurnDetection&) = default;
};

// How long words wait before they are told while somebody still speaks: the longer, the surer they are. kXHigh: until
// the utterance is complete.
enum class RealtimeDelay { kMinimal, kLow, kMedium, kHigh, kXHigh };
// "minimal", "low", …; nothing for others.
std::optional<RealtimeDelay> RealtimeDelayFromName(std::string_view name);

struct RealtimeSettings {
  std::string model;
  std::string language;
  std::string prompt;
  // None: as kXHigh.
  std::optional<RealtimeDelay> delay = {};
  std::vector<std::string> keywords;
  RealtimeFormat format;
  // None: the client commits.
  std::optional<TurnDetection> turn_detection = TurnDetection{};
  bool logprobs = false;
  bool partials = false;
  // Said in the words of the beta, and so answered.
  bool beta = false;
  friend bool operator==(const RealtimeSettings&, const RealtimeSettings&) = default;
};

struct SessionUpdate {
  RealtimeSettings settings;  // all of them, with what was changed
};
struct AppendAudio {
  base::SecretBytes audio;
};
struct CommitAudio {};
struct ClearAudio {};
using ClientEvent = std::variant<SessionUpdate, AppendAudio, CommitAudio, ClearAudio>;

struct ClientMessage {
  // The client's own name for it, given back with an error; may be empty.
  std::string event_id;
  base::Result<ClientEvent> event;
};

// `now` is what the session's settings are. The text is sound in disguise: the caller wipes it. Codes: realtime-event
// (with the param, such as session.audio.input.format), realtime-unsupported (a value that cannot be honoured).
ClientMessage DecodeClientEvent(base::ByteView text, const RealtimeSettings& now);

std::string EncodeSessionUpdate(const RealtimeSettings& settings);
// Holds the sound: wipe it after use.
std::string EncodeAppend(base::ByteView audio);
std::string EncodeCommit(std::string_view event_id);
std::string EncodeClear();

// The `session` object: what session.update takes and session.updated gives. `id` is left out when empty.
std::string EncodeRealtimeSession(const RealtimeSettings& settings, std::string_view id);

}  // namespace blindai::wire
