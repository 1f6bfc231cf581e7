#include "speech/transcriber.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/secret.h"
#include "speech/coverage.h"
#include "speech/ctc_alignment.h"
#include "speech/ctc_decoder.h"
#include "speech/loudness.h"

namespace blindai::speech {
namespace {

using vocabulary::CoverageSpan;
using vocabulary::Segment;
using vocabulary::Transcript;
using vocabulary::Word;

constexpr std::int64_t kShortestWindow = 400;  // samples of one frame
constexpr double kSampleRate = 16'000;
// Logits of a frame in which nothing was said.
constexpr float kCertain = 20;
// Frames behind a word after which it is known whether the word is a copy of the other channel's (cross_talk.h).
constexpr std::int64_t kCopiesKnown = 25;

std::int64_t FrameCount(std::int64_t samples) {
  return samples < kShortestWindow ? 0 : (samples - kShortestWindow) / kSamplesPerFrame + 1;
}

// Stretches of frames in the first `length` samples in which no channel says anything, numbered from the start of the
// recording.
std::vector<Silence> SilencesOf(std::span<const std::vector<float>> channels, const Voices* voices,
                                std::int64_t first_sample, std::int64_t length) {
  const auto is_silent = [&](std::size_t channel, std::int64_t at) {
    if (voices != nullptr)
      return !voices->Speaks(channel, first_sample + at, first_sample + at + kSamplesPerFrame);
    return IsSilent(std::span(channels[channel]).subspan(static_cast<std::size_t>(at), kSamplesPerFrame),
                    kSilentFrame);
  };
  std::vector<Silence> silences;
  for (std::int64_t at = 0; at + kSamplesPerFrame <= length; at += kSamplesPerFrame) {
    bool silent = true;
    for (std::size_t channel = 0; silent && channel < channels.size(); ++channel) {
      silent = is_silent(channel, at);
    }
    if (!silent) continue;
    const std::int64_t begin = first_sample + at;
    if (!silences.empty() && silences.back().end == begin) {
      silences.back().end += kSamplesPerFrame;
    } else {
      silences.push_back({begin, begin + kSamplesPerFrame});
    }
  }
  return silences;
}

std::vector<CtcCharacter> Decode(const Logits& logits, const CtcVocabulary& vocabulary,
                                 const TranscriberOptions& options) {
  if (!options.keywords.empty() || options.language_model != nullptr) {
    const std::vector<int> ids = BeamDecode(logits, vocabulary, options.keywords, options.language_model);
    auto aligned = Align(logits, ids, vocabulary);
    if (aligned.ok()) return std::move(*aligned);
  }
  return GreedyDecode(logits, vocabulary);
}

double MeanConfidence(const Segment& segment) {
  double sum = 0;
  for (const Word& word : segment.words) sum += word.confidence;
  return segment.words.empty() ? 0 : sum / static_cast<double>(segment.words.size());
}

bool IsOfLowConfidence(const Segment& segment) { return MeanConfidence(segment) < kLowConfidence; }

}  // namespace

struct Transcriber::Stretch {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

Transcriber::Transcriber(const CtcVocabulary& vocabulary, TranscriberOptions options, int channels)
    : vocabulary_(vocabulary),
      options_(std::move(options)),
      planner_(options_.chunks),
      samples_(static_cast<std::size_t>(channels)),
      heard_(static_cast<std::size_t>(channels)) {
  BLINDAI_CHECK(channels == 1 || channels == 2);
  if (channels == 2) cross_talk_.emplace();
}

Transcriber::~Transcriber() {
  for (std::vector<float>& samples : samples_) base::Wipe(samples);
  for (Heard& heard : heard_) base::Wipe(heard.logits);
}

std::unique_ptr<Transcriber> Transcriber::Copy() const {
  BLINDAI_CHECK(!waiting_ && turns_.empty());
  return std::unique_ptr<Transcriber>(new Transcriber(*this));
}

void Transcriber::Feed(std::span<const std::vector<float>> channels) {
  BLINDAI_CHECK(channels.size() == samples_.size() && !ended_ && turns_.empty());
  for (std::size_t c = 0; c < channels.size(); ++c) {
    BLINDAI_CHECK(channels[c].size() == channels[0].size());
    std::vector<float> longer;
    longer.reserve(samples_[c].size() + channels[c].size());
    longer.insert(longer.end(), samples_[c].begin(), samples_[c].end());
    longer.insert(longer.end(), channels[c].begin(), channels[c].end());
    base::Wipe(samples_[c]);
    samples_[c] = std::move(longer);
  }
  if (cross_talk_) cross_talk_->Feed(channels[0], channels[1]);
}

std::span<const float> Transcriber::WindowOf(std::size_t channel) const {
  return std::span(samples_[channel])
      .subspan(static_cast<std::size_t>(chunk_.begin - first_sample_),
               static_cast<std::size_t>(chunk_.end - chunk_.begin));
}

std::int64_t Transcriber::known() const {
  const std::int64_t there = first_sample_ + static_cast<std::int64_t>(samples_[0].size());
  return options_.voices == nullptr ? there : std::min(there, options_.voices->known());
}

// Whether the model hears this channel of the chunk.
bool Transcriber::IsHeard(std::size_t channel) const {
  if (FrameCount(chunk_.end - chunk_.begin) == 0) return false;
  if (options_.voices != nullptr) return options_.voices->SpeaksNear(channel, chunk_.begin, chunk_.end);
  return !IsSilent(WindowOf(channel), kSilentWindow);
}

void Transcriber::Plan() {
  // What lies behind the longest piece is not looked at, so that the cut does not depend on how much of it is there.
  const std::int64_t seen = std::min(known(), planner_.needed_to()) - first_sample_;
  chunk_ = planner_.Next(known(), ended_, SilencesOf(samples_, options_.voices, first_sample_, seen));
  planned_last_ = chunk_.last;
  channel_ = 0;
  for (std::size_t c = 0; c < samples_.size(); ++c) {
    turns_.push_back(IsHeard(c) ? Turn::kRun : Turn::kSilent);
  }
  if (turns_.size() < 2) return;
  const bool heard = turns_[0] == Turn::kRun || turns_[1] == Turn::kRun;
  if (heard && HoldSameSound(WindowOf(0), WindowOf(1))) turns_ = {Turn::kRun, Turn::kSame};
  const bool same = turns_[1] == Turn::kSame || (turns_[0] == Turn::kSilent && turns_[1] == Turn::kSilent);
  if (same || !all_same_) return;
  all_same_ = false;
  heard_[1].logits = heard_[0].logits;
  heard_[1].cutting = heard_[0].cutting;
}

std::optional<std::vector<float>> Transcriber::NextWindow() {
  BLINDAI_CHECK(!waiting_);
  while (!done()) {
    if (turns_.empty()) {
      if (!ended_ && known() <= planner_.needed_to()) return std::nullopt;
      Plan();
    }
    if (turns_.front() == Turn::kRun) {
      const std::span<const float> window = WindowOf(channel_);
      std::vector<float> values(window.begin(), window.end());
      NormalizeSamples(values, options_.features, MeasureSamples(values));
      waiting_ = true;
      return values;
    }
    turns_.front() == Turn::kSilent ? TakeSilence(channel_) : TakeSame(channel_);
    Forget();
  }
  return std::nullopt;
}

void Transcriber::TakeSilence(std::size_t channel) {
  if (channel == 1 && all_same_) return;
  const std::int64_t first = chunk_.begin / kSamplesPerFrame;
  const std::int64_t there = first + FrameCount(chunk_.end - chunk_.begin);
  const std::int64_t end = chunk_.last ? there : chunk_.end_frame;
  for (std::int64_t frame = chunk_.first_frame; frame < end; ++frame) {
    std::vector<float>& rows = heard_[channel].logits;
    rows.resize(rows.size() + vocabulary_.size());
    rows[rows.size() - vocabulary_.size() + static_cast<std::size_t>(vocabulary_.blank())] = kCertain;
  }
}

// The rows that the other channel has just got.
void Transcriber::TakeSame(std::size_t channel) {
  if (all_same_) return;
  Heard& own = heard_[channel];
  const Heard& other = heard_[channel - 1];
  const std::int64_t known = EndFrame(own) - other.cutting.begin;
  own.logits.insert(own.logits.end(),
                    other.logits.begin() + known * static_cast<std::ptrdiff_t>(vocabulary_.size()),
                    other.logits.end());
}

base::Status Transcriber::TakeLogits(std::span<const float> logits, std::int64_t frames) {
  BLINDAI_CHECK(waiting_);
  const std::int64_t wanted = FrameCount(chunk_.end - chunk_.begin);
  const std::size_t width = vocabulary_.size();
  if (frames < wanted || frames > wanted + 1 || logits.size() != static_cast<std::size_t>(frames) * width ||
      !std::ranges::all_of(logits, [](float value) { return std::isfinite(value); })) {
    return base::MakeError(
        base::ErrorKind::kUnsupported, "model-frames",
        "the model's output is not one row of finite scores, as wide as vocab.json, for each 20 ms; "
        "upload a model with wav2vec2's frames and the vocab.json that belongs to it",
        "model");
  }
  const std::int64_t first = chunk_.first_frame - chunk_.begin / kSamplesPerFrame;
  const std::int64_t end = chunk_.last ? frames : chunk_.end_frame - chunk_.begin / kSamplesPerFrame;
  if (end > first) {
    const auto kept = logits.subspan(static_cast<std::size_t>(first) * width,
                                     static_cast<std::size_t>(end - first) * width);
    std::vector<float>& rows = heard_[channel_].logits;
    rows.insert(rows.end(), kept.begin(), kept.end());
  }
  waiting_ = false;
  Forget();
  return base::Ok();
}

// This channel's turn is over; after the last one the samples and logits that nothing later needs go.
void Transcriber::Forget() {
  turns_.erase(turns_.begin());
  ++channel_;
  if (!turns_.empty()) return;
  const std::int64_t from =
      std::min(planner_.needed_from(), first_sample_ + static_cast<std::int64_t>(samples_[0].size()));
  for (std::vector<float>& channel : samples_) {
    std::vector<float> rest(channel.begin() + static_cast<std::ptrdiff_t>(from - first_sample_),
                            channel.end());
    base::Wipe(channel);
    channel = std::move(rest);
  }
  first_sample_ = from;
  if (!options_.align) CloseAll(false);
}

double Transcriber::seconds_done() const {
  const std::int64_t samples = turns_.empty() ? first_sample_ : chunk_.begin;
  return static_cast<double>(samples) / kSampleRate;
}

// Word by word, so that a person who answers at once loses no letter to the voice before.
void Transcriber::DropCopies(std::vector<CtcCharacter>& characters, std::size_t channel,
                             double offset_s) const {
  std::vector<CtcCharacter> kept;
  for (auto word = characters.begin(); word != characters.end();) {
    const auto end = std::find_if(word, characters.end(), [this](const CtcCharacter& character) {
      return character.id == vocabulary_.delimiter();
    });
    const auto next = end == characters.end() ? end : end + 1;
    const bool copy =
        end != word &&
        cross_talk_->IsCopy(static_cast<int>(channel),
                            offset_s + static_cast<double>(word->first_frame) * kSecondsPerFrame,
                            offset_s + static_cast<double>((end - 1)->end_frame) * kSecondsPerFrame);
    if (!copy) kept.insert(kept.end(), word, next);
    word = next;
  }
  characters = std::move(kept);
}

// Cuts the frames that have come in long pauses, which end a word even where the model writes no delimiter, and between
// words where speech goes on for long: never within a word, so that decoding stretch by stretch gives the same words as
// decoding the whole. A cut depends on the frames before it only.
std::vector<Transcriber::Stretch> Transcriber::CutStretches(Heard& heard, std::int64_t to) const {
  const auto gap_frames = static_cast<std::int64_t>(kSegmentGapSeconds / kSecondsPerFrame);
  const auto long_frames = static_cast<std::int64_t>(kLongSegmentSeconds / kSecondsPerFrame);
  const Logits logits(heard.logits, vocabulary_.size());
  Cutting& cutting = heard.cutting;
  const std::int64_t origin = cutting.begin;
  std::vector<Stretch> stretches;
  const auto cut = [&](std::int64_t at) {
    if (at > cutting.begin) stretches.push_back({cutting.begin, at});
    cutting.begin = at;
  };
  for (; cutting.frame < to; ++cutting.frame) {
    const std::int64_t frame = cutting.frame;
    const std::span<const float> row = logits.Row(frame - origin);
    const int best = static_cast<int>(std::ranges::max_element(row) - row.begin());
    if (best != vocabulary_.delimiter() && best != vocabulary_.blank()) {
      cutting.quiet = 0;
      cutting.between_words = false;
      cutting.cut_here = false;
    } else {
      ++cutting.quiet;
      cutting.between_words = cutting.between_words || best == vocabulary_.delimiter();
    }
    const bool between_words = cutting.between_words && frame - cutting.begin >= long_frames;
    if (!cutting.cut_here && (cutting.quiet >= gap_frames || between_words)) {
      cut(frame - std::min(cutting.quiet, gap_frames) / 2);
      cutting.cut_here = true;
    }
    // Nobody speaks for a minute without a pause between words; a model that claims so is cut all the same.
    if (frame - cutting.begin >= 3 * long_frames) cut(frame);
  }
  return stretches;
}

std::int64_t Transcriber::EndFrame(const Heard& heard) const {
  return heard.cutting.begin + static_cast<std::int64_t>(heard.logits.size() / vocabulary_.size());
}

// Makes segments of the channel's stretches that are complete in the frames before `to`, and forgets their logits.
void Transcriber::Close(std::size_t channel, std::int64_t to, bool last) {
  Heard& heard = heard_[channel];
  const std::size_t width = vocabulary_.size();
  const std::int64_t origin = heard.cutting.begin;
  std::vector<Stretch> stretches = CutStretches(heard, to);
  if (last) stretches.push_back({std::exchange(heard.cutting.begin, to), to});
  const auto at = [&](std::int64_t frame) { return static_cast<std::size_t>(frame - origin) * width; };
  for (const auto& [begin, end] : stretches) {
    const std::span<const float> rows = std::span(heard.logits).subspan(at(begin), at(end) - at(begin));
    const double offset_s = static_cast<double>(begin) * kSecondsPerFrame;
    const std::vector<CtcCharacter> characters = Decode(Logits(rows, width), vocabulary_, options_);
    if (is_one_voice()) AddSegment(of_one_voice_, characters, offset_s, vocabulary::kNoSpeaker);
    for (std::size_t speaker = 0; heard_.size() == 2 && speaker < 2; ++speaker) {
      if (speaker != channel && !all_same_) continue;
      std::vector<CtcCharacter> own = characters;
      DropCopies(own, speaker, offset_s);
      AddSegment(heard_[speaker].segments, own, offset_s, static_cast<int>(speaker));
    }
  }
  if (stretches.empty()) return;
  std::vector<float> rest(heard.logits.begin() + static_cast<std::ptrdiff_t>(at(heard.cutting.begin)),
                          heard.logits.end());
  base::Wipe(heard.logits);
  heard.logits = std::move(rest);
}

void Transcriber::CloseAll(bool last) {
  for (std::size_t channel = 0; channel < (is_one_voice() ? 1U : 2U); ++channel) {
    const std::int64_t end = EndFrame(heard_[channel]);
    Close(channel, last || heard_.size() == 1 ? end : end - kCopiesKnown, last);
  }
}

void Transcriber::AddSegment(std::vector<Segment>& segments, std::span<const CtcCharacter> characters,
                             double offset_s, int speaker) const {
  Segment segment;
  segment.words = WordsOf(characters, vocabulary_, offset_s);
  if (segment.words.empty()) return;
  segment.start_s = segment.words.front().start_s;
  segment.end_s = segment.words.back().end_s;
  segment.speaker = speaker;
  segment.text = TextOf(segment.words);
  segment.mean_log_probability = MeanLogProbability(characters, vocabulary_);
  segments.push_back(std::move(segment));
}

std::vector<Segment> Transcriber::TakeFinished() {
  if (heard_.size() > 1) return {};
  const auto first = of_one_voice_.begin() + static_cast<std::ptrdiff_t>(taken_);
  taken_ = of_one_voice_.size();
  return {first, of_one_voice_.end()};
}

base::Result<Transcript> Transcriber::FinishAligned(std::string_view text) {
  BLINDAI_CHECK(done() && options_.align);
  if (!is_one_voice()) {
    return base::MakeError(base::ErrorKind::kUnsupported, "alignment-channels",
                           "the recording has two channels of two people; send one of them and its text",
                           "prompt");
  }
  BLINDAI_TRY(const std::vector<AlignedWord> words,
              AlignWords(Logits(heard_[0].logits, vocabulary_.size()), text, vocabulary_, 0));
  Transcript transcript;
  transcript.duration_s = seconds_done();
  std::int64_t frames = 0;  // of the last segment
  for (const AlignedWord& aligned : words) {
    auto& segments = transcript.segments;
    const bool goes_on = !segments.empty() &&
                         aligned.word.start_s - segments.back().end_s <= kSegmentGapSeconds &&
                         aligned.word.end_s - segments.back().start_s <= kLongSegmentSeconds;
    if (!goes_on) {
      segments.emplace_back().start_s = aligned.word.start_s;
      frames = 0;
    }
    Segment& segment = segments.back();
    segment.end_s = aligned.word.end_s;
    segment.text += (segment.text.empty() ? "" : " ") + aligned.word.text;
    segment.words.push_back(aligned.word);
    segment.mean_log_probability *= static_cast<double>(frames);
    frames += aligned.frames;
    segment.mean_log_probability =
        (segment.mean_log_probability + aligned.log_probability) / static_cast<double>(frames);
  }
  transcript.coverage =
      CoverageOf(transcript.segments, transcript.duration_s, vocabulary::kNoSpeaker, IsOfLowConfidence);
  return transcript;
}

Transcript Transcriber::Finish() {
  BLINDAI_CHECK(done() && !options_.align);
  CloseAll(true);
  Transcript transcript;
  transcript.duration_s = seconds_done();
  const bool speakers = !is_one_voice();
  const auto add = [&](std::vector<Segment>& segments, int channel, int speaker) {
    const std::vector<CoverageSpan> coverage =
        CoverageOf(segments, transcript.duration_s, speaker, IsOfLowConfidence,
                   SpokenTimesOf(options_.voices, channel, speakers ? &*cross_talk_ : nullptr));
    transcript.coverage.insert(transcript.coverage.end(), coverage.begin(), coverage.end());
    std::ranges::move(segments, std::back_inserter(transcript.segments));
  };
  if (!speakers) {
    add(of_one_voice_, 0, vocabulary::kNoSpeaker);
  } else {
    for (const int c : {0, 1}) add(heard_[static_cast<std::size_t>(c)].segments, c, c);
  }
  std::ranges::stable_sort(transcript.segments, {}, &Segment::start_s);
  return transcript;
}

}  // namespace blindai::speech
