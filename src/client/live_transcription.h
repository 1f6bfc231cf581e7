// Sound becomes text while somebody speaks, over a verified connection of its own (Client::TranscribeLive). The server
// tells what it hears in wire/realtime_events.h; this keeps the order of it and knows when all is said.
//
//   BLINDAI_TRY(auto live, client.TranscribeLive(options));
//   on one thread:   live->Append(sound); …  live->Finish();
//   on another one:  while (true) { BLINDAI_TRY(auto event, live->Next()); if (!event) break; … }
//
// The two threads matter: the server waits with hearing until it has been heard, so who only sends may wait for ever.
// What has come is kept until Next asks for it, and the connection stays alive meanwhile. The messages
// that carry sound and texts are wiped here once they have been sent or read.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "net/blocking_websocket.h"
#include "protocols/wire/realtime.h"
#include "protocols/wire/realtime_events.h"

namespace blindai::client {

struct LiveOptions {
  // Without a model: the caller's default one.
  wire::RealtimeSettings settings;
};

// An utterance begins, ends, has a text that may still change, has its final text, or gets none. Beginnings and ends
// are told where the server finds them (settings.turn_detection), partials where they are wanted (settings.partials),
// and what will not change of a text, piece by piece, where a delay is said (settings.delay).
using LiveEvent = std::variant<wire::ItemStarted, wire::ItemStopped, wire::ItemDelta, wire::ItemPartial,
                               wire::ItemCompleted, wire::ItemFailed>;

class LiveTranscription {
 public:
  // Tells the server the settings and waits until it has accepted them. Codes: those of the server (model-not-found,
  // keyword, …), connection-lost, cancelled (`keep_waiting` said no).
  static base::Result<std::unique_ptr<LiveTranscription>> Start(
      std::unique_ptr<net::BlockingWebSocket> socket, const wire::RealtimeSettings& settings,
      std::function<bool()> keep_waiting);
  ~LiveTranscription();  // Cancel(); no call may be under way
  LiveTranscription(const LiveTranscription&) = delete;
  LiveTranscription& operator=(const LiveTranscription&) = delete;

  // The next sound, in the format of the settings; a sample may be cut in two. Waits while the server has not kept up.
  // An error means that the session has ended; Next has the reason.
  base::Status Append(base::ByteView sound);
  // The utterance under way ends here; nothing where less than 100 ms of it was said.
  base::Status Commit();
  // No more sound comes: what was said last becomes an utterance too.
  base::Status Finish();

  // Waits for the next event; nothing when everything that was said before Finish has been told. From one thread at a
  // time. Codes: those of the server (live-idle, live-streams-full, …), connection-lost, cancelled.
  base::Result<std::optional<LiveEvent>> Next();

  // Ends the session and the calls that wait; from any thread. What has no text yet gets none.
  void Cancel();

 private:
  struct State;
  explicit LiveTranscription(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

// The names that people give formats: "pcm16" with this rate, "mulaw" and "alaw" at 8,000 Hz; nothing for others.
std::optional<wire::RealtimeFormat> LiveFormatFromName(std::string_view name, int rate_hz);

// Samples of [-1, 1] as 16-bit sound, which is what a session hears; what is louder is cut off. Wipe it after use.
base::Bytes Pcm16Of(std::span<const float> samples);

}  // namespace blindai::client
