// Live transcription of one channel, around a model that somebody else runs: samples go in, runs of the model come out
// one at a time, their outputs go in, events come out. Pure; a Recognizer (speech/recognizer.h) does the hearing:
//
//   transcriber.Feed(samples);
//   while (auto run = transcriber.NextRun()) { run the model; transcriber.TakeAnswer(…); }
//   for (StreamEvent& event : transcriber.TakeEvents()) …
//
// An utterance goes from a little before the first loud frame to a little behind the last one, and ends after a silence
// (speech/endpointer.h), where the model hears nothing for a while although it is loud, or when the caller commits it.
// Its final transcript is exactly what a Recognizer gives for a recording that consists of its samples: one that is
// committed by hand without endpoints is the whole recording, to the last character. Finals come in order and never
// change. A partial is what that transcript would be if the utterance ended now; it may change with every event.
//
// With `settle_s` words are told for good while the utterance goes on (speech/agreement.h): told words together are the
// beginning of its final, which then is that of its samples only where no later look hears otherwise.
//
// In memory are the samples of at most one longest window of the utterance under way, its logits, and what the caller
// has fed faster than the model runs (backlog_samples: stop feeding when it grows). No utterance is endless: with
// endpoints a breath ends it after kLongUtterance and nothing is needed after kLongestUtterance; without, full() says
// that it must be committed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "speech/endpointer.h"
#include "speech/recognizer.h"
#include "speech/sample_buffer.h"
#include "vocabulary/tensor.h"
#include "vocabulary/transcript.h"

namespace blindai::speech {

constexpr std::int64_t kLongUtterance = 30 * 16'000;
constexpr std::int64_t kLongestUtterance = 60 * 16'000;
constexpr std::int64_t kLongestCommit = 30 * 60 * 16'000;
// An utterance shorter than this cannot be committed.
constexpr std::int64_t kShortestCommit = 1'600;

struct StreamingOptions {
  // The longest sound that one run hears.
  std::int64_t window_samples = 20 * 16'000;
  // New sound from the beginning of speech to the first look at the utterance under way, and between two looks, where
  // partials or settled words are wanted.
  std::int64_t first_look_samples = 4'800;
  std::int64_t look_samples = 4'800;
  // None: utterances follow each other without a gap, each as long as the caller wants.
  std::optional<EndpointOptions> endpoints = EndpointOptions{};
  // Whether partials are wanted; without them the model runs less often.
  bool partials = false;
  // Words that two looks agree in are told for good once they ended so long before the end of the sound.
  std::optional<double> settle_s = {};
};

struct StreamEvent {
  enum class Kind {
    kStarted,  // somebody speaks; with endpoints only
    kEnded,    // the utterance is complete and its final comes
    kPartial,  // what it would be now
    kSettled,  // the next words of its final
    kFinal,
    kFailed,  // there will be no final: the model could not be run
  };
  Kind kind = Kind::kStarted;
  std::uint64_t utterance = 0;  // 1, 2, …
  // Of the utterance, from the start of the stream; end_s is known from kEnded on.
  double start_s = 0;
  double end_s = 0;
  // Of kPartial, kSettled (one segment, whose text begins with the space that goes before it) and kFinal; times count
  // from the start of the stream.
  vocabulary::Transcript transcript;
  // Of kFinal: sound that had been fed beyond the end of speech when it was there.
  double latency_s = 0;
};

class StreamingTranscriber {
 public:
  // One of one channel for each utterance.
  using MakeRecognizer = std::function<std::unique_ptr<Recognizer>()>;
  StreamingTranscriber(MakeRecognizer make, StreamingOptions options);
  ~StreamingTranscriber();
  StreamingTranscriber(const StreamingTranscriber&) = delete;
  StreamingTranscriber& operator=(const StreamingTranscriber&) = delete;

  // Also while a run is out.
  void Feed(std::span<const float> samples);
  // Ends the utterance under way here. Code: input_audio_buffer_commit_empty (there is none, or it is too short).
  base::Status Commit();
  // Throws away what is not complete yet.
  void Clear();

  // The inputs of the next run, if one is due. TakeAnswer or DropRun before the next call. The caller wipes them.
  std::optional<std::vector<vocabulary::Tensor>> NextRun();
  // Codes: those of Recognizer; then also call DropRun.
  base::Status TakeAnswer(std::span<const vocabulary::Tensor> outputs);
  // The model could not be run. A partial is left out; where a final needed it, the utterance has failed.
  void DropRun();

  // What has happened since the last call, in order.
  std::vector<StreamEvent> TakeEvents() { return std::exchange(events_, {}); }

  // Samples of complete utterances whose finals are due, and of the one under way that wait for the model.
  std::int64_t backlog_samples() const;
  // The utterance under way is as long as one may be; Commit or Clear.
  bool full() const;
  std::int64_t samples() const { return known_; }

 private:
  struct Utterance;
  struct Attempt;
  // Whose answer is awaited: nobody's once the utterance was thrown away.
  enum class Waiting { kNo, kBase, kAttempt, kNobody };

  void Open(std::int64_t begin, std::int64_t speech_begin);
  void Close(std::int64_t end);
  void Scan();
  Utterance* OpenUtterance();
  std::int64_t Confirmed() const;
  void FeedBase(Utterance& utterance);
  std::optional<std::int64_t> Goal(const Utterance& utterance) const;
  void Conclude(Utterance& utterance);
  StreamEvent SettledEvent(Utterance& utterance, std::vector<vocabulary::Word> words) const;
  void FinishFront();
  void FailFront();
  StreamEvent EventOf(StreamEvent::Kind kind, const Utterance& utterance) const;

  bool looks_often() const { return options_.partials || options_.settle_s; }

  const MakeRecognizer make_;
  const StreamingOptions options_;
  std::optional<Endpointer> endpointer_;
  SampleBuffer held_;           // not yet given to a Recognizer, and the prefix of what may begin
  std::int64_t known_ = 0;      // samples fed
  std::int64_t scanned_ = 0;    // of them seen by the endpointer
  std::int64_t free_from_ = 0;  // where the next utterance may begin
  std::uint64_t count_ = 0;
  std::deque<std::unique_ptr<Utterance>> utterances_;  // in order; only the last may be under way
  std::unique_ptr<Attempt> attempt_;                   // of the first
  Waiting waiting_ = Waiting::kNo;
  std::vector<StreamEvent> events_;
};

}  // namespace blindai::speech
