// Live transcription with a speech model that is served: sound goes in as it is spoken, events come back as soon as
// they are known. A stream holds a place among those that the server allows, one run at a time of the model, and
// nothing else; when it is dropped, its run is cancelled and samples, logits and texts are wiped and freed. Nothing of
// what is said is logged.
//
// Any thread may call. Callbacks come on the model host's thread and must not block.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "service/caller.h"
#include "service/model_catalogue.h"
#include "speech/pcm_stream.h"
#include "speech/streaming_transcriber.h"
#include "vocabulary/model_id.h"

namespace blindai::service {

using speech::EndpointOptions;
using speech::PcmEncoding;
using speech::PcmFormat;
using speech::StreamEvent;

struct LiveLimits {
  std::size_t max_streams = 64;
  // Without a byte of sound for this long a stream ends (code live-idle); a connection that has not begun one too.
  std::chrono::milliseconds idle_limit{60'000};
  // One run of the model.
  std::chrono::milliseconds run_deadline{60'000};
  // Sound that may wait for the model before the client has to.
  std::int64_t max_backlog_samples = 30 * 16'000;
};

struct LiveStats {
  std::uint64_t open = 0;
  std::uint64_t total = 0;
  std::uint64_t refused = 0;  // over max_streams
  std::uint64_t finals = 0;
  std::uint64_t failures = 0;  // utterances without a final
  double audio_s = 0;
  double latency_s = 0;  // sum over the finals: from the end of speech, in sound
};

// The places for live streams of one server, and their counters.
class LiveStreams {
 public:
  explicit LiveStreams(LiveLimits limits);
  LiveStats stats() const;
  std::chrono::milliseconds idle_limit() const;

 private:
  friend class StreamTranscription;
  friend class LiveJob;
  struct State;
  const std::shared_ptr<State> state_;  // shared with the streams
};

struct LiveRequest {
  PcmFormat format = {};
  // None: utterances end by Commit only.
  std::optional<EndpointOptions> endpoints = EndpointOptions{};
  bool partials = false;
  // As in TranscribeRequest, with its codes.
  std::vector<std::string> keywords = {};
  std::string language = {};
  std::string prompt = {};
  bool needs_words = false;
  // Words are told for good while the utterance goes on, once they ended so long ago (speech/agreement.h); none: with
  // its end.
  std::optional<double> settle_s = {};
};

class LiveJob;

class StreamTranscription {
 public:
  // `error` says why where the event is kFailed.
  using OnEvent = std::function<void(StreamEvent event, const base::Error* error)>;
  // The stream has ended by itself and takes nothing any more. Code: live-idle.
  using OnEnd = std::function<void(base::Error)>;
  using Taken = std::function<void(base::Status)>;

  // Whether a stream could be started, but for its place. Codes: those of FindSpeechModel and CheckRecognition,
  // audio-rate.
  static base::Status Check(const ModelCatalogue& catalogue, const Caller& caller,
                            const vocabulary::ModelId& id, const LiveRequest& request);
  // Codes: those of Check, live-streams-full (kExhausted).
  static base::Result<std::unique_ptr<StreamTranscription>> Start(
      LiveStreams& streams, const ModelCatalogue& catalogue, const Caller& caller,
      const vocabulary::ModelId& id, LiveRequest request, OnEvent on_event, OnEnd on_end);
  // A callback that is under way may still come to its end.
  ~StreamTranscription();
  StreamTranscription(const StreamTranscription&) = delete;
  StreamTranscription& operator=(const StreamTranscription&) = delete;

  // In order of the calls. `taken` is called once, when the next sound may come: late while the model is behind. Codes:
  // input_audio_buffer_full (Commit or Clear first), cancelled (the stream has ended).
  void Append(base::SecretBytes sound, Taken taken);
  // Ends the utterance under way. Code: input_audio_buffer_commit_empty.
  void Commit(Taken done);
  // Throws away what is not complete yet.
  void Clear(Taken done);

 private:
  explicit StreamTranscription(std::shared_ptr<LiveJob> job);
  const std::shared_ptr<LiveJob> job_;
};

}  // namespace blindai::service
