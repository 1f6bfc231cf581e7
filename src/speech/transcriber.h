// From a recording's samples to its transcript, around a model that somebody else runs: samples go in piece by piece,
// windows for the model come out one at a time, its logits go in, and at the end there is a transcript whose words have
// times, confidence and, in a two-channel recording, a speaker. Pure; holds one window of samples and the logits of
// what is not yet a segment, a minute at most (and the samples whose voices are not known): how long the recording is
// matters only to its words.
//
//   while (!transcriber.done()) {
//     if (auto window = transcriber.NextWindow()) { run the model; transcriber.TakeLogits(…); }
//     else { transcriber.Feed(next piece); }  // or End()
//   }
//   Transcript transcript = transcriber.Finish();
//
// A two-channel recording has one speaker for each channel. Where both channels hold the same sound (correlation of a
// window at least kSameSound), one of them is run and serves for both; a recording that is so throughout is mono. A
// window that is all but silent is not run: normalisation would blow its noise up to letters. Nor is one, where it is
// known who speaks when (voices.h), in or near which nobody does, however loud it is. A word that is only a quiet copy
// of the other channel's voice (cross_talk.h) is left out: it stands where it was said.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "speech/chunking.h"
#include "speech/cross_talk.h"
#include "speech/ctc_beam.h"
#include "speech/ctc_decoder.h"
#include "speech/ctc_vocabulary.h"
#include "speech/language_model.h"
#include "speech/loudness.h"
#include "speech/voices.h"
#include "speech/wav2vec2_features.h"
#include "vocabulary/transcript.h"

namespace blindai::speech {

// Words further apart than this begin a new segment, and a segment is not much longer than this.
constexpr double kSegmentGapSeconds = 0.6;
constexpr double kLongSegmentSeconds = 20;
// Segments whose words have a lower mean confidence are marked so in the coverage.
constexpr double kLowConfidence = 0.5;

struct TranscriberOptions {
  FeatureSettings features;
  ChunkOptions chunks;
  // Words that the caller wants favoured, and what weighs words (null: nothing); with either decoding is by beam
  // search, without by the best character. The model must outlive the transcriber.
  Keywords keywords;
  const LanguageModel* language_model = nullptr;
  // Who speaks when, of the same recording: NextWindow is called when its NextRun has just had nothing. Null: loudness
  // tells speech from silence. Must outlive the transcriber.
  const Voices* voices = nullptr;
  // FinishAligned will end it, which needs the logits of the whole recording: 23 MB for an hour with 32 characters.
  bool align = false;
};

class Transcriber {
 public:
  // `vocabulary` must outlive it; one or two channels.
  Transcriber(const CtcVocabulary& vocabulary, TranscriberOptions options, int channels);
  ~Transcriber();
  Transcriber& operator=(const Transcriber&) = delete;
  // The same state again, to end it here and see what the transcript would be. Not while a window is out.
  std::unique_ptr<Transcriber> Copy() const;

  // The next samples, as many of each channel. Into which pieces a recording is cut on the way here changes nothing.
  void Feed(std::span<const std::vector<float>> channels);
  // The recording has ended.
  void End() { ended_ = true; }

  // The next window as the model wants it; nothing: feed more first, or it is done. TakeLogits before the next call.
  // The caller wipes it.
  std::optional<std::vector<float>> NextWindow();
  // What the model said about that window: rows of the vocabulary's width, one for each frame of a wav2vec2 model, or
  // one more (models that pad at the end). Code: model-frames (another number, or scores that are not finite;
  // kUnsupported).
  base::Status TakeLogits(std::span<const float> logits, std::int64_t frames);

  bool done() const { return planned_last_ && !waiting_ && turns_.empty(); }
  double seconds_done() const;
  // The segments that no later sound can change and that were not taken before; Finish has them too. Only of one
  // channel: who speaks in two, and in which order, is known at the end.
  std::vector<vocabulary::Segment> TakeFinished();
  // Once it is done.
  vocabulary::Transcript Finish();
  // Instead, with options.align: the transcript of a text that is known, word for word as it is given, with the times
  // at which it was said. Codes: those of AlignWords (ctc_alignment.h), alignment-channels (two people speak in it),
  // all with param prompt.
  base::Result<vocabulary::Transcript> FinishAligned(std::string_view text);

 private:
  Transcriber(const Transcriber&) = default;
  // Frames of one channel that come next: from the model, from silence, or as in the channel before.
  enum class Turn { kRun, kSilent, kSame };
  // How far a channel's frames are cut into stretches, which become segments.
  struct Cutting {
    std::int64_t frame = 0;      // the next
    std::int64_t begin = 0;      // of the stretch that is not complete
    std::int64_t quiet = 0;      // frames without a character up to here
    bool between_words = false;  // among them a delimiter
    bool cut_here = false;       // this pause has been cut
  };
  struct Stretch;
  // What the model said about one channel.
  struct Heard {
    std::vector<float> logits;  // of the frames from cutting.begin on
    Cutting cutting;
    std::vector<vocabulary::Segment> segments;  // of the stretches before, as of one of two speakers
  };

  std::int64_t known() const;
  void Plan();
  bool IsHeard(std::size_t channel) const;
  std::span<const float> WindowOf(std::size_t channel) const;
  void TakeSilence(std::size_t channel);
  void TakeSame(std::size_t channel);
  void Forget();
  bool is_one_voice() const { return heard_.size() == 1 || all_same_; }
  std::int64_t EndFrame(const Heard& heard) const;
  std::vector<Stretch> CutStretches(Heard& heard, std::int64_t to) const;
  void Close(std::size_t channel, std::int64_t to, bool last);
  void CloseAll(bool last);
  void DropCopies(std::vector<CtcCharacter>& characters, std::size_t channel, double offset_s) const;
  void AddSegment(std::vector<vocabulary::Segment>& segments, std::span<const CtcCharacter> characters,
                  double offset_s, int speaker) const;

  const CtcVocabulary& vocabulary_;
  const TranscriberOptions options_;
  ChunkPlanner planner_;
  std::vector<std::vector<float>> samples_;  // of each channel, from first_sample_ on
  std::int64_t first_sample_ = 0;
  bool ended_ = false;
  Chunk chunk_;
  std::vector<Turn> turns_;  // left for this chunk; the front is next
  std::size_t channel_ = 0;  // whose turn it is
  bool planned_last_ = false;
  bool waiting_ = false;                 // for logits
  bool all_same_ = true;                 // so far both channels held the same sound
  std::optional<CrossTalk> cross_talk_;  // between two channels
  std::vector<Heard> heard_;             // the first alone while they hold the same
  std::vector<vocabulary::Segment> of_one_voice_;
  std::size_t taken_ = 0;  // of them by TakeFinished
};

}  // namespace blindai::speech
