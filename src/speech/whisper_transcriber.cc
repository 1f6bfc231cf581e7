#include "speech/whisper_transcriber.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/secret.h"
#include "speech/coverage.h"
#include "speech/loudness.h"

namespace blindai::speech {
namespace {

using vocabulary::Segment;
using vocabulary::Tensor;
using vocabulary::Transcript;
using vocabulary::Word;

constexpr double kSampleRate = 16'000;
constexpr std::int64_t kFrame = 320;    // samples that are loud or silent together
constexpr std::int64_t kBlock = 1'600;  // muted together
constexpr std::int64_t kSecond = 16'000;
// Sound is heard from a little before it begins.
constexpr std::int64_t kLead = 3'200;
// Searched for sound at a time.
constexpr std::int64_t kScan = 2 * kSecond;
// Loud frames in a row that are sound, and not a click.
constexpr int kLeastLoudFrames = 3;
// A window is not cut before, but where it is silent up to its end.
constexpr std::int64_t kLeastWindow = 10 * kSecond;
// Behind the last timestamp: what may still be the end of the last word, and how much sound is heard again.
constexpr double kTailS = 0.3;
constexpr int kTailLoudFrames = 50;
// Temperatures: 0, 0.2 and so on, as the reference has them.
constexpr int kAttempts = 6;
constexpr double kTemperatureStep = 0.2;

double SecondsOf(std::int64_t samples) { return static_cast<double>(samples) / kSampleRate; }

// A little behind the last frame in which somebody speaks, where it is silent for long from there on: what else is
// heard then is at best nothing, and at worst noise that drowns the words before it.
std::optional<std::int64_t> EndOfSpeech(const std::vector<bool>& spoken) {
  const auto last = std::find(spoken.rbegin(), spoken.rend(), true);
  if (last - spoken.rbegin() < 2 * kVoiceRoom / kFrame) return std::nullopt;
  return (spoken.rend() - last) * kFrame + kVoiceRoom;
}

// The middle of the last silence that is long enough, and not too early to end a window.
std::optional<std::int64_t> LastSilence(const std::vector<bool>& loud, std::int64_t least_samples) {
  std::size_t end = loud.size();
  for (std::size_t frame = loud.size(); frame > 0; --frame) {
    const bool goes_on = !loud[frame - 1] && frame > 1;
    if (goes_on) continue;
    const std::size_t begin = loud[frame - 1] ? frame : 0;
    const auto middle = static_cast<std::int64_t>((begin + end) / 2) * kFrame;
    if (middle < kLeastWindow) return std::nullopt;
    if (static_cast<std::int64_t>(end - begin) * kFrame >= least_samples) return middle;
    end = frame - 1;
  }
  return std::nullopt;
}

double Repetition(std::string_view text) {
  uLongf size = compressBound(text.size());
  std::vector<Bytef> packed(size);
  const int code = compress2(packed.data(), &size, reinterpret_cast<const Bytef*>(text.data()), text.size(),
                             Z_DEFAULT_COMPRESSION);
  base::Wipe(packed.data(), packed.size());
  return code == Z_OK && size > 0 ? static_cast<double>(text.size()) / static_cast<double>(size) : 1;
}

double Mean(std::span<const float> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(std::max<std::size_t>(1, values.size()));
}

std::string Trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \n") - begin + 1);
}

// What goes before a window's own tokens: the prompt's last ones, as text that was said before.
std::vector<int> PromptOf(const WhisperTokens& tokens, const std::string& prompt) {
  if (prompt.empty() || tokens.special().previous_text == WhisperTokens::kNone) return {};
  std::vector<int> text = tokens.Encode(" " + Trimmed(prompt));
  const auto most = static_cast<std::size_t>(tokens.most_tokens() / 2 - 1);
  if (text.size() > most) text.erase(text.begin(), text.end() - static_cast<std::ptrdiff_t>(most));
  text.insert(text.begin(), tokens.special().previous_text);
  return text;
}

bool IsDoubted(const Segment& segment) { return segment.mean_log_probability < kLeastBelief; }

}  // namespace

base::Status WhisperTranscriber::Check(const WhisperTokens& tokens, const WhisperOptions& options) {
  const auto& languages = tokens.languages();
  const bool known = languages.empty() ? options.language == "en" : languages.contains(options.language);
  if (!options.language.empty() && !known) {
    return base::MakeError(base::ErrorKind::kUnsupported, "language",
                           languages.empty() ? "the model knows English only; leave language out, or say en"
                                             : "the model does not know this language; say an ISO 639-1 code "
                                               "that it knows, or leave language out and it is detected",
                           "language");
  }
  if (options.translate && tokens.special().translate == WhisperTokens::kNone) {
    return base::MakeError(base::ErrorKind::kUnsupported, "translations-unsupported",
                           "the model writes the language that it hears; upload a multilingual Whisper model",
                           "model");
  }
  return base::Ok();
}

WhisperTranscriber::WhisperTranscriber(const WhisperTokens& tokens,
                                       const model::WhisperDimensions& dimensions, WhisperOptions options,
                                       int channels)
    : tokens_(tokens),
      dimensions_(dimensions),
      options_(std::move(options)),
      prompt_(PromptOf(tokens, options_.prompt)),
      log_mel_(std::make_shared<LogMel>(static_cast<int>(dimensions.bins))),
      tracks_(static_cast<std::size_t>(channels)),
      language_(tokens.languages().empty() ? "en" : options_.language) {
  BLINDAI_CHECK(channels == 1 || channels == 2);
  for (std::size_t i = 0; i < tracks_.size(); ++i) tracks_[i].channel = static_cast<int>(i);
  if (channels == 2) cross_talk_.emplace();
}

WhisperTranscriber::~WhisperTranscriber() {
  if (window_) base::Wipe(window_->features);
  for (Track& track : tracks_) {
    for (Segment& segment : track.segments) vocabulary::WipeTexts(segment);
  }
}

std::unique_ptr<WhisperTranscriber> WhisperTranscriber::Copy() const {
  BLINDAI_CHECK(tracks_.size() == 1 && !waiting_ && !window_);
  return std::unique_ptr<WhisperTranscriber>(new WhisperTranscriber(*this));
}

void WhisperTranscriber::KnowLanguage(std::string_view language) {
  if (language_.empty() && tokens_.languages().contains(language)) language_ = language;
}

void WhisperTranscriber::Feed(std::span<const std::vector<float>> channels) {
  BLINDAI_CHECK(!ended_ && channels.size() == tracks_.size());
  for (std::size_t i = 0; i < tracks_.size(); ++i) tracks_[i].samples.Append(channels[i]);
  if (!cross_talk_) return;
  cross_talk_->Feed(channels[0], channels[1]);
  CompareChannels();
}

void WhisperTranscriber::End() {
  ended_ = true;
  if (cross_talk_) CompareChannels();
}

// Second by second, as soon as one is there; the last one may be shorter.
void WhisperTranscriber::CompareChannels() {
  while (true) {
    const std::int64_t begin = static_cast<std::int64_t>(same_.size()) * kSecond;
    const std::int64_t end = std::min(begin + kSecond, tracks_.front().samples.end());
    if (end <= begin || (end < begin + kSecond && !ended_)) return;
    const auto left = tracks_[0].samples.View(begin, end);
    const auto right = tracks_[1].samples.View(begin, end);
    const bool silent = IsSilent(left, kSilentFrame) && IsSilent(right, kSilentFrame);
    same_.push_back(!silent && HoldSameSound(left, right));
    all_same_ = all_same_ && (silent || same_.back());
  }
}

std::int64_t WhisperTranscriber::known() const {
  std::int64_t there = tracks_.front().samples.end();
  if (options_.voices != nullptr) there = std::min(there, options_.voices->known());
  return cross_talk_ && !ended_ ? std::min(there, static_cast<std::int64_t>(same_.size()) * kSecond) : there;
}

std::int64_t WhisperTranscriber::lead() const { return options_.voices == nullptr ? kLead : kVoiceRoom; }

bool WhisperTranscriber::done() const {
  return ended_ && !waiting_ && !window_ &&
         std::ranges::all_of(tracks_, [this](const Track& track) { return track.at >= known(); });
}

// The track that has heard least and is not through; null: all are.
WhisperTranscriber::Track* WhisperTranscriber::Next() {
  Track* next = nullptr;
  for (Track& track : tracks_) {
    if (track.at >= known() && ended_) continue;
    if (next == nullptr || track.at < next->at) next = &track;
  }
  return next;
}

bool WhisperTranscriber::IsMuted(const Track& track, std::int64_t from) const {
  if (!cross_talk_) return false;
  const auto second = static_cast<std::size_t>(from / kSecond);
  if (track.channel == 1 && second < same_.size() && same_[second]) return true;
  return cross_talk_->IsCopy(track.channel, SecondsOf(from), SecondsOf(from + kBlock));
}

// The samples of a track without what it holds of the other one.
std::vector<float> WhisperTranscriber::Heard(const Track& track, std::int64_t from, std::int64_t to) const {
  const auto view = track.samples.View(from, to);
  std::vector<float> heard(view.begin(), view.end());
  if (!cross_talk_) return heard;
  for (std::int64_t block = from / kBlock * kBlock; block < to; block += kBlock) {
    if (!IsMuted(track, block)) continue;
    const auto begin = heard.begin() + (std::max(block, from) - from);
    std::fill(begin, heard.begin() + (std::min(block + kBlock, to) - from), 0.0F);
  }
  return heard;
}

// One flag for each whole or begun frame of what is heard from `from` on: whether it is loud, or, where that is known,
// somebody speaks; not what is muted.
std::vector<bool> WhisperTranscriber::SpokenFrames(const Track& track, std::int64_t from,
                                                   std::span<const float> heard) const {
  const Voices* const voices = options_.voices;
  std::vector<bool> spoken;
  for (std::int64_t at = 0; at < std::ssize(heard); at += kFrame) {
    const std::int64_t end = std::min(at + kFrame, std::ssize(heard));
    const auto frame = heard.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(end - at));
    // What is muted holds nothing at all.
    const float threshold = voices == nullptr ? kSilentFrame : std::numeric_limits<float>::min();
    const auto channel = static_cast<std::size_t>(track.channel);
    spoken.push_back(!IsSilent(frame, threshold) &&
                     (voices == nullptr || voices->Speaks(channel, from + at, from + end)));
  }
  return spoken;
}

// Goes on to where there is sound. False: there is none in what is known.
bool WhisperTranscriber::SkipSilence(Track& track) {
  while (track.at < known()) {
    const std::int64_t to = std::min(known(), track.at + kScan);
    std::vector<float> heard = Heard(track, track.at, to);
    const std::vector<bool> loud = SpokenFrames(track, track.at, heard);
    base::Wipe(heard);
    const auto found = std::search_n(loud.begin(), loud.end(), kLeastLoudFrames, true);
    if (found != loud.end()) {
      track.at += std::max<std::int64_t>(0, (found - loud.begin()) * kFrame - lead());
      return true;
    }
    if (to == known()) {
      // A sound may begin in the last frames.
      track.at = ended_ ? to : std::max(track.at, to - lead());
      return false;
    }
    track.at = to - lead();
  }
  return false;
}

// The window that begins where the track is.
void WhisperTranscriber::Open(Track& track) {
  Window window{.track = &track, .begin = track.at, .end = std::min(known(), track.at + kWhisperWindow)};
  window.complete = ended_ && window.end == known();
  std::vector<float> heard = Heard(track, window.begin, window.end);
  const std::vector<bool> spoken = SpokenFrames(track, window.begin, heard);
  std::optional<std::int64_t> cut = EndOfSpeech(spoken);
  if (!cut && !window.complete) cut = LastSilence(spoken, options_.min_silence_samples);
  if (cut) {
    window.end = window.begin + *cut;
    window.complete = true;
  }
  window.features = log_mel_->Of(std::span(heard).first(static_cast<std::size_t>(window.end - window.begin)));
  base::Wipe(heard);
  window_ = std::move(window);
}

std::optional<std::vector<Tensor>> WhisperTranscriber::NextRun() {
  BLINDAI_CHECK(!waiting_);
  while (!window_) {
    Track* const track = Next();
    if (track == nullptr) return std::nullopt;
    if (!SkipSilence(*track)) {
      DropHeard();
      if (ended_) continue;
      return std::nullopt;
    }
    if (!ended_ && known() - track->at < kWhisperWindow) return std::nullopt;
    Open(*track);
  }
  waiting_ = true;
  return model::WhisperInputs(dimensions_, window_->features, RulesFor(*window_));
}

model::WhisperRules WhisperTranscriber::RulesFor(const Window& window) const {
  const WhisperTokens::Special& special = tokens_.special();
  model::WhisperRules rules;
  rules.suppressed.assign(tokens_.suppressed().begin(), tokens_.suppressed().end());
  rules.suppressed_at_begin.assign(tokens_.suppressed_at_begin().begin(),
                                   tokens_.suppressed_at_begin().end());
  rules.end_of_text = special.end_of_text;
  rules.first_timestamp = tokens_.first_timestamp();
  rules.last_initial_timestamp = tokens_.last_initial_timestamp();
  if (language_.empty()) {
    rules.prompt = {special.start_of_transcript};  // which language is it?
    return rules;
  }
  rules.prompt.assign(prompt_.begin(), prompt_.end());
  rules.start_position = static_cast<std::int32_t>(rules.prompt.size());
  rules.prompt.push_back(special.start_of_transcript);
  if (const auto& languages = tokens_.languages(); !languages.empty()) {
    rules.prompt.push_back(languages.find(language_)->second);
    rules.prompt.push_back(options_.translate ? special.translate : special.transcribe);
  }
  const int most = tokens_.most_tokens();
  rules.most_tokens = std::min(most / 2, most - static_cast<int>(rules.prompt.size()));
  rules.temperature = static_cast<float>(kTemperatureStep * window.attempt);
  rules.beams = window.attempt == 0 ? options_.beams : 1;
  rules.seed = static_cast<std::uint32_t>(window.attempt);
  if (dimensions_.aligns) {
    rules.aligned_positions = static_cast<std::int32_t>((window.end - window.begin) / kSoundFrame);
    rules.alignment_heads = tokens_.alignment_heads();
  }
  return rules;
}

base::Status WhisperTranscriber::TakeAnswer(std::span<const Tensor> outputs) {
  BLINDAI_CHECK(waiting_);
  BLINDAI_TRY(const model::WhisperText text, model::WhisperTextOf(outputs, dimensions_));
  waiting_ = false;
  if (language_.empty()) {
    TakeLanguage(text);
    return base::Ok();
  }
  const Measures measures = MeasuresOf(text);
  if (measures.no_speech > kNoSpeech && measures.belief < kLeastBelief) {
    Close({}, measures);
    return base::Ok();
  }
  const bool doubted = measures.belief < kLeastBelief || measures.repetition > kMostRepetition;
  if (doubted && window_->attempt + 1 < kAttempts) {
    ++window_->attempt;
    return base::Ok();
  }
  Close(PiecesOf(text, SecondsOf(window_->end - window_->begin)), measures);
  return base::Ok();
}

WhisperTranscriber::Measures WhisperTranscriber::MeasuresOf(const model::WhisperText& text) const {
  Measures measures{.belief = Mean(text.log_probabilities)};
  if (const int no_speech = tokens_.special().no_speech; no_speech != WhisperTokens::kNone)
    measures.no_speech = text.start_probabilities[static_cast<std::size_t>(no_speech)];
  std::string said = tokens_.Decode(text.tokens);
  measures.repetition = Repetition(said);
  base::Wipe(said.data(), said.size());
  return measures;
}

void WhisperTranscriber::TakeLanguage(const model::WhisperText& text) {
  float most = -1;
  for (const auto& [code, token] : tokens_.languages()) {
    const float probability = text.start_probabilities[static_cast<std::size_t>(token)];
    if (probability <= most) continue;
    most = probability;
    language_ = code;
  }
}

// Timestamps open and close pieces of text. The last piece may stay open.
std::vector<WhisperTranscriber::Piece> WhisperTranscriber::PiecesOf(const model::WhisperText& text,
                                                                    double window_s) const {
  const auto is_text = [this](std::int32_t token) { return token < tokens_.first_timestamp(); };
  const std::vector<std::int32_t>& starts = text.token_starts;
  const bool aligned = std::ssize(starts) == std::ranges::count_if(text.tokens, is_text) + 1;
  std::vector<Piece> pieces;
  Piece piece;
  std::size_t texts = 0;
  for (std::size_t i = 0; i < text.tokens.size(); ++i) {
    const std::int32_t token = text.tokens[i];
    if (is_text(token)) {
      piece.tokens.push_back(token);
      if (aligned) {
        piece.said.push_back({.token = token,
                              .start_s = starts[texts] * kSecondsPerTimestamp,
                              .end_s = starts[texts + 1] * kSecondsPerTimestamp,
                              .probability = std::exp(double{text.log_probabilities[i]})});
      }
      ++texts;
      continue;
    }
    const double time_s = std::min(window_s, (token - tokens_.first_timestamp()) * kSecondsPerTimestamp);
    if (!piece.tokens.empty()) {
      piece.end_s = time_s;
      piece.closed = true;
      pieces.push_back(std::move(piece));
      piece = Piece();
    }
    piece.start_s = time_s;
  }
  if (!piece.tokens.empty()) {
    piece.end_s = window_s;
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

// The words of each piece, in seconds of the window.
std::vector<std::vector<Word>> WhisperTranscriber::WordsOf(const std::vector<Piece>& pieces) const {
  const bool with_spaces = options_.translate || IsWrittenWithSpaces(language_);
  std::vector<std::vector<Word>> words;
  words.reserve(pieces.size());
  for (const Piece& piece : pieces) words.push_back(speech::WordsOf(tokens_, piece.said, with_spaces));
  std::vector<float> heard = Heard(*window_->track, window_->begin, window_->end);
  CutBack(words, SoundingFrames(heard));
  base::Wipe(heard);
  return words;
}

void WhisperTranscriber::Close(const std::vector<Piece>& pieces, const Measures& measures) {
  Track& track = *window_->track;
  const double begin_s = SecondsOf(window_->begin);
  const double window_s = SecondsOf(window_->end - window_->begin);
  double spoken_s = 0;
  bool cut_off = false;  // the last piece goes on behind the window
  std::vector<std::vector<Word>> words = WordsOf(pieces);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    cut_off = !piece.closed && !window_->complete && spoken_s >= 1;
    if (cut_off) break;
    spoken_s = piece.end_s;
    Segment segment;
    segment.text = Trimmed(tokens_.Decode(piece.tokens));
    if (!HasLetters(segment.text)) continue;
    segment.start_s = begin_s + std::min(piece.start_s, piece.end_s);
    segment.end_s = begin_s + piece.end_s;
    segment.mean_log_probability = measures.belief;
    segment.temperature = kTemperatureStep * window_->attempt;
    segment.no_speech_probability = measures.no_speech;
    segment.compression_ratio = measures.repetition;
    segment.words = std::move(words[i]);
    for (Word& word : segment.words) {
      word.start_s += begin_s;
      word.end_s += begin_s;
    }
    if (!segment.words.empty()) vocabulary::FitToWords(segment);
    track.segments.push_back(std::move(segment));
  }
  std::int64_t next = window_->end;
  if (spoken_s >= 1 && spoken_s + kTailS < window_s) {
    const auto tail = window_->begin + static_cast<std::int64_t>((spoken_s + kTailS) * kSampleRate);
    std::vector<float> heard = Heard(track, tail, window_->end);
    const std::vector<bool> loud = SpokenFrames(track, tail, heard);
    base::Wipe(heard);
    if (cut_off || std::ranges::count(loud, true) >= kTailLoudFrames)
      next = window_->begin + static_cast<std::int64_t>(spoken_s * kSampleRate);
  }
  base::Wipe(window_->features);
  window_.reset();
  track.at = next;
  DropHeard();
}

// Samples that no track needs any more.
void WhisperTranscriber::DropHeard() {
  std::int64_t needed = known();
  for (const Track& track : tracks_) needed = std::min(needed, track.at);
  for (Track& track : tracks_) track.samples.DropBefore(needed);
}

double WhisperTranscriber::seconds_done() const {
  std::int64_t at = known();
  for (const Track& track : tracks_) at = std::min(at, track.at);
  return SecondsOf(at);
}

std::vector<Segment> WhisperTranscriber::TakeFinished() {
  if (tracks_.size() > 1) return {};
  const std::vector<Segment>& all = tracks_.front().segments;
  std::vector<Segment> segments(all.begin() + static_cast<std::ptrdiff_t>(taken_), all.end());
  taken_ = all.size();
  return segments;
}

Transcript WhisperTranscriber::Finish() const {
  BLINDAI_CHECK(done());
  Transcript transcript;
  transcript.duration_s = SecondsOf(known());
  transcript.language = options_.translate ? "en" : language_;
  const bool speakers = tracks_.size() == 2 && !all_same_;
  for (const Track& track : std::span(tracks_).first(speakers ? 2 : 1)) {
    const int speaker = speakers ? track.channel : vocabulary::kNoSpeaker;
    std::vector<Segment> segments = track.segments;
    for (Segment& segment : segments) segment.speaker = speaker;
    const auto coverage =
        CoverageOf(segments, transcript.duration_s, speaker, IsDoubted,
                   SpokenTimesOf(options_.voices, track.channel, speakers ? &*cross_talk_ : nullptr));
    transcript.coverage.insert(transcript.coverage.end(), coverage.begin(), coverage.end());
    std::ranges::move(segments, std::back_inserter(transcript.segments));
  }
  std::ranges::stable_sort(transcript.segments, {}, &Segment::start_s);
  return transcript;
}

}  // namespace blindai::speech
