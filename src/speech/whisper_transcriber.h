// From a recording's samples to its transcript around a Whisper model that somebody else runs (model/whisper_run.h):
// the sibling of speech/transcriber.h. Samples go in piece by piece, one run at a time comes out, its tokens go in.
// Pure; holds half a minute of samples and the texts.
//
// A window begins where somebody speaks (it is loud or, where that is known, there is a voice: voices.h) and ends in
// the last silence of its 30 seconds, or behind the last voice where it is silent from there on; where there is no
// silence, the model's own timestamps say from where on the next one hears. What is left of a window that the model has
// not transcribed and in which somebody speaks is heard again. A text that repeats itself or that the model does not
// believe in is asked for again at a higher temperature, as the reference does it; a window that the model holds for
// silence has no text, and neither has one of punctuation only.
// https://github.com/openai/whisper/blob/main/whisper/transcribe.py
//
// A two-channel recording has one speaker for each channel; a copy of the other channel's voice (cross_talk.h), or
// the same sound in both, is muted before the model hears it. Where the model says when a token was said, segments
// have words with times by cross-attention (whisper_words.h), and go from their first word to their last; where it
// does not, they have no words and the times that the model claims.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/whisper_run.h"
#include "speech/cross_talk.h"
#include "speech/log_mel.h"
#include "speech/sample_buffer.h"
#include "speech/voices.h"
#include "speech/whisper_tokens.h"
#include "speech/whisper_words.h"
#include "vocabulary/tensor.h"
#include "vocabulary/transcript.h"

namespace blindai::speech {

// The reference's thresholds: a text that zlib makes this much smaller repeats itself; below this mean log-probability
// the model does not believe in it; above this probability it heard no speech.
constexpr double kMostRepetition = 2.4;
constexpr double kLeastBelief = -1.0;
constexpr float kNoSpeech = 0.6F;

struct WhisperOptions {
  // ISO 639-1; empty: what the model hears in the first window.
  std::string language = {};
  // Into English instead of in the language that is spoken.
  bool translate = false;
  // What might have been said before, or names that will come up: steers spelling and style of every window.
  std::string prompt = {};
  std::int32_t beams = 1;
  // A shorter silence is not cut in.
  std::int64_t min_silence_samples = 4'800;
  // Who speaks when, of the same recording: NextRun is called when its NextRun has just had nothing. Null: loudness
  // tells speech from silence. Must outlive the transcriber.
  const Voices* voices = nullptr;
};

class WhisperTranscriber {
 public:
  // Whether the model can do that. Codes: language (it does not know the one that is asked for; param language),
  // translations-unsupported.
  static base::Status Check(const WhisperTokens& tokens, const WhisperOptions& options);

  // `tokens` must outlive it, and Check must have said yes; one or two channels.
  WhisperTranscriber(const WhisperTokens& tokens, const model::WhisperDimensions& dimensions,
                     WhisperOptions options, int channels);
  ~WhisperTranscriber();
  WhisperTranscriber& operator=(const WhisperTranscriber&) = delete;
  // The same state again, to end it here and see what the transcript would be. Of one channel, when NextRun has just
  // had nothing; not for another thread.
  std::unique_ptr<WhisperTranscriber> Copy() const;
  // A copy has found out which language is spoken.
  void KnowLanguage(std::string_view language);

  // The next samples at 16 kHz, as many of each channel.
  void Feed(std::span<const std::vector<float>> channels);
  // The recording has ended.
  void End();

  // The inputs of the next run; nothing: feed more first, or it is done. TakeAnswer before the next call.
  std::optional<std::vector<vocabulary::Tensor>> NextRun();
  // All outputs of that run. Code: model-tokens.
  base::Status TakeAnswer(std::span<const vocabulary::Tensor> outputs);

  bool done() const;
  double seconds_done() const;
  // The segments that no later sound can change and that were not taken before; Finish has them too. Only of one
  // channel.
  std::vector<vocabulary::Segment> TakeFinished();
  // Once it is done.
  vocabulary::Transcript Finish() const;

 private:
  WhisperTranscriber(const WhisperTranscriber&) = default;
  // One channel.
  struct Track {
    int channel = 0;
    SampleBuffer samples;
    std::int64_t at = 0;  // heard up to here
    std::vector<vocabulary::Segment> segments;
  };
  // What the model hears now.
  struct Window {
    Track* track = nullptr;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    bool complete = false;  // ends in silence or with the recording
    std::vector<float> features = {};
    int attempt = 0;
  };
  // How an answer was found and what speaks against it: Whisper's own measures of a window's text.
  struct Measures {
    double belief = 0;  // mean log-probability
    double no_speech = 0;
    double repetition = 0;
  };
  // Text between two timestamps, in seconds of the window.
  struct Piece {
    double start_s = 0;
    double end_s = 0;
    bool closed = false;
    std::vector<int> tokens;
    std::vector<SaidToken> said;  // the same with their times, where the model tells them
  };

  // Samples that can be heard: of two channels those that have been compared, and those whose voices are known.
  std::int64_t known() const;
  // How much is heard before a sound or voice.
  std::int64_t lead() const;
  Track* Next();
  std::vector<float> Heard(const Track& track, std::int64_t from, std::int64_t to) const;
  std::vector<bool> SpokenFrames(const Track& track, std::int64_t from, std::span<const float> heard) const;
  bool IsMuted(const Track& track, std::int64_t from) const;
  void CompareChannels();
  bool SkipSilence(Track& track);
  void Open(Track& track);
  model::WhisperRules RulesFor(const Window& window) const;
  void TakeLanguage(const model::WhisperText& text);
  Measures MeasuresOf(const model::WhisperText& text) const;
  std::vector<Piece> PiecesOf(const model::WhisperText& text, double window_s) const;
  std::vector<std::vector<vocabulary::Word>> WordsOf(const std::vector<Piece>& pieces) const;
  void Close(const std::vector<Piece>& pieces, const Measures& measures);
  void DropHeard();

  const WhisperTokens& tokens_;
  const model::WhisperDimensions dimensions_;
  const WhisperOptions options_;
  const std::vector<int> prompt_;
  std::shared_ptr<LogMel> log_mel_;  // with the copies
  std::vector<Track> tracks_;
  bool ended_ = false;
  std::optional<CrossTalk> cross_talk_;
  std::vector<bool> same_;  // for each second of two channels: they hold the same sound
  bool all_same_ = true;    // wherever there was any
  std::string language_;    // as it was asked for or heard
  std::optional<Window> window_;
  bool waiting_ = false;
  std::size_t taken_ = 0;
};

}  // namespace blindai::speech
