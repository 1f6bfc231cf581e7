#include "speech/streaming_transcriber.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/secret.h"
#include "speech/agreement.h"
#include "speech/chunking.h"

namespace blindai::speech {
namespace {

using vocabulary::Segment;
using vocabulary::Tensor;
using vocabulary::Transcript;
using vocabulary::Word;

constexpr double kSampleRate = 16'000;
// What follows the last loud frame and still belongs to the utterance: soft endings of words.
constexpr std::int64_t kTail = 3'200;
// New sound between two looks at whether the model still hears something, where nobody wants to know what.
constexpr std::int64_t kLookEvery = 3 * 16'000;
// The longer the window, the rarer the looks: the model never hears a sample more than about ten times.
constexpr std::int64_t kLookShare = 10;
// From so much of an utterance its language is known.
constexpr std::int64_t kEnoughForLanguage = 3 * 16'000;
// Without a word for this long, whatever the loudness, an utterance is over.
constexpr std::int64_t kBlankEnd = 3 * 8'000;
// In a long utterance this silence is enough.
constexpr std::int64_t kBreath = 1'600;

double Seconds(std::int64_t samples) { return static_cast<double>(samples) / kSampleRate; }

// Moves every time from the utterance's start to the stream's.
void Shift(Transcript& transcript, double by_s) {
  for (Segment& segment : transcript.segments) {
    segment.start_s += by_s;
    segment.end_s += by_s;
    for (Word& word : segment.words) {
      word.start_s += by_s;
      word.end_s += by_s;
    }
  }
  for (vocabulary::CoverageSpan& span : transcript.coverage) {
    span.start_s += by_s;
    span.end_s += by_s;
  }
}

}  // namespace

// What the transcript would be if the utterance ended at `end`.
struct StreamingTranscriber::Attempt {
  std::unique_ptr<Recognizer> recognizer;
  std::int64_t end = 0;
};

struct StreamingTranscriber::Utterance {
  Utterance(std::unique_ptr<Recognizer> recognizer, const std::optional<double>& settle_s)
      : base(std::move(recognizer)) {
    if (settle_s) agreement.emplace(*settle_s);
  }
  ~Utterance() {
    if (heard) WipeTexts(*heard);
  }
  Utterance(const Utterance&) = delete;
  Utterance& operator=(const Utterance&) = delete;

  std::uint64_t number = 0;
  std::int64_t begin = 0;
  std::int64_t speech_begin = 0;
  std::int64_t speech_end = 0;  // known when it is closed
  std::int64_t fed = 0;         // to base
  std::optional<std::int64_t> end;
  std::unique_ptr<Recognizer> base;
  SampleBuffer rest;  // of a closed one: what base has not got yet
  // The last attempt: where it ended, and what it gave unless the model could not be run.
  std::int64_t tried = -1;
  std::optional<Transcript> heard;
  std::optional<Agreement> agreement;
  bool told_any = false;  // words for good
};

StreamingTranscriber::StreamingTranscriber(MakeRecognizer make, StreamingOptions options)
    : make_(std::move(make)), options_(options) {
  if (options_.endpoints) endpointer_.emplace(*options_.endpoints);
}

StreamingTranscriber::~StreamingTranscriber() = default;

StreamingTranscriber::Utterance* StreamingTranscriber::OpenUtterance() {
  return utterances_.empty() || utterances_.back()->end ? nullptr : utterances_.back().get();
}

// How far the utterance under way certainly goes.
std::int64_t StreamingTranscriber::Confirmed() const {
  return endpointer_ ? std::min(scanned_, endpointer_->speech_end() + kTail) : known_;
}

StreamEvent StreamingTranscriber::EventOf(StreamEvent::Kind kind, const Utterance& utterance) const {
  StreamEvent event;
  event.kind = kind;
  event.utterance = utterance.number;
  event.start_s = Seconds(utterance.begin);
  if (utterance.end) event.end_s = Seconds(*utterance.end);
  return event;
}

void StreamingTranscriber::Feed(std::span<const float> samples) {
  held_.Append(samples);
  known_ += static_cast<std::int64_t>(samples.size());
  if (endpointer_) return Scan();
  if (!samples.empty() && OpenUtterance() == nullptr) Open(free_from_, free_from_);
}

void StreamingTranscriber::Scan() {
  while (known_ - scanned_ >= kSamplesPerFrame) {
    const auto frame = held_.View(scanned_, scanned_ + kSamplesPerFrame);
    scanned_ += kSamplesPerFrame;
    const Endpointer::Change change = endpointer_->Take(frame);
    if (change == Endpointer::Change::kStarted) {
      const std::int64_t speech = endpointer_->speech_begin();
      Open(std::max(free_from_, speech - options_.endpoints->prefix_samples), speech);
      events_.push_back(EventOf(StreamEvent::Kind::kStarted, *utterances_.back()));
    } else if (change == Endpointer::Change::kStopped) {
      Close(std::min(scanned_, endpointer_->speech_end() + kTail));
    } else if (const Utterance* open = OpenUtterance()) {
      if (scanned_ - open->begin >= kLongUtterance) endpointer_->EndAfter(kBreath);
      if (scanned_ - open->begin < kLongestUtterance) continue;
      Close(scanned_);
      endpointer_->Stop();
    }
  }
  // What nobody has begun to say is forgotten, but for what would belong to it.
  if (OpenUtterance() == nullptr) {
    held_.DropBefore(
        std::max(free_from_, scanned_ - options_.endpoints->prefix_samples - 5 * kSamplesPerFrame));
  }
}

void StreamingTranscriber::Open(std::int64_t begin, std::int64_t speech_begin) {
  auto utterance = std::make_unique<Utterance>(make_(), options_.settle_s);
  utterance->number = ++count_;
  utterance->begin = std::max(begin, held_.begin());
  utterance->speech_begin = speech_begin;
  utterance->fed = utterance->begin;
  held_.DropBefore(utterance->begin);
  utterances_.push_back(std::move(utterance));
}

void StreamingTranscriber::Close(std::int64_t end) {
  Utterance& utterance = *utterances_.back();
  utterance.end = end;
  utterance.speech_end = endpointer_ ? std::min(end, endpointer_->speech_end()) : end;
  utterance.rest.Append(held_.View(utterance.fed, end));
  held_.DropBefore(end);
  free_from_ = end;
  events_.push_back(EventOf(StreamEvent::Kind::kEnded, utterance));
}

base::Status StreamingTranscriber::Commit() {
  const Utterance* open = OpenUtterance();
  const std::int64_t end = open == nullptr ? 0 : Confirmed();
  if (open == nullptr || end - open->begin < kShortestCommit) {
    return base::MakeError(base::ErrorKind::kInvalid, "input_audio_buffer_commit_empty",
                           "there is less than 100 ms of speech to commit; append more first");
  }
  Close(end);
  if (endpointer_) endpointer_->Stop();
  return base::Ok();
}

void StreamingTranscriber::Clear() {
  if (const Utterance* open = OpenUtterance()) {
    if (open == utterances_.front().get()) {
      attempt_.reset();
      if (waiting_ != Waiting::kNo) waiting_ = Waiting::kNobody;
    }
    utterances_.pop_back();
  }
  if (endpointer_) endpointer_->Stop();
  free_from_ = endpointer_ ? scanned_ : known_;
  held_.DropBefore(free_from_);
}

void StreamingTranscriber::FeedBase(Utterance& utterance) {
  const std::int64_t to = utterance.end ? *utterance.end : Confirmed();
  if (utterance.fed >= to) return;
  const auto view =
      utterance.end ? utterance.rest.View(0, to - utterance.fed) : held_.View(utterance.fed, to);
  std::vector<std::vector<float>> piece(1, {view.begin(), view.end()});
  utterance.base->Feed(piece);
  base::Wipe(piece[0].data(), piece[0].size() * sizeof(float));
  utterance.fed = to;
  utterance.end ? utterance.rest.DropBefore(utterance.rest.end()) : held_.DropBefore(to);
}

// Where an attempt should end that is due now.
std::optional<std::int64_t> StreamingTranscriber::Goal(const Utterance& utterance) const {
  if (utterance.end) return *utterance.end;
  const std::int64_t confirmed = Confirmed();
  if (utterance.tried == confirmed) return std::nullopt;
  // It is quiet: what is heard now is the final, should it stay so.
  if (endpointer_ && known_ - endpointer_->speech_end() >= kTail) return confirmed;
  const bool often = looks_often() && confirmed - utterance.begin <= kLongestUtterance;
  if (!often && !endpointer_) return std::nullopt;
  const std::int64_t window = std::min(confirmed - utterance.begin, options_.window_samples);
  const std::int64_t look = utterance.tried < 0 ? options_.first_look_samples : options_.look_samples;
  const std::int64_t every = often ? std::max(look, window / kLookShare) : kLookEvery;
  const std::int64_t since = std::max(utterance.tried, utterance.speech_begin);
  return confirmed - since >= every ? std::optional(confirmed) : std::nullopt;
}

std::optional<std::vector<Tensor>> StreamingTranscriber::NextRun() {
  BLINDAI_CHECK(waiting_ == Waiting::kNo);
  while (!utterances_.empty()) {
    Utterance& utterance = *utterances_.front();
    if (attempt_ == nullptr) {
      FeedBase(utterance);
      if (auto run = utterance.base->NextRun()) {
        waiting_ = Waiting::kBase;
        return run;
      }
      const std::optional<std::int64_t> goal = Goal(utterance);
      if (!goal) return std::nullopt;
      if (utterance.end && utterance.tried == *goal && utterance.heard) {
        FinishFront();
        continue;
      }
      attempt_ = std::make_unique<Attempt>(Attempt{utterance.base->Copy(), *goal});
      attempt_->recognizer->End();
    }
    if (auto run = attempt_->recognizer->NextRun()) {
      waiting_ = Waiting::kAttempt;
      return run;
    }
    Conclude(utterance);
  }
  return std::nullopt;
}

StreamEvent StreamingTranscriber::SettledEvent(Utterance& utterance, std::vector<Word> words) const {
  StreamEvent event = EventOf(StreamEvent::Kind::kSettled, utterance);
  Segment segment;
  segment.words = std::move(words);
  vocabulary::FitToWords(segment);
  if (std::exchange(utterance.told_any, true) && !segment.words.front().is_attached)
    segment.text.insert(0, " ");
  event.transcript.segments.push_back(std::move(segment));
  return event;
}

// The attempt is complete.
void StreamingTranscriber::Conclude(Utterance& utterance) {
  Transcript heard = attempt_->recognizer->Finish().value();
  if (attempt_->end - utterance.begin >= kEnoughForLanguage) utterance.base->KnowLanguage(heard.language);
  Shift(heard, Seconds(utterance.begin));
  utterance.tried = attempt_->end;
  attempt_.reset();
  std::vector<Word> settled;
  if (utterance.agreement && !utterance.end) {
    settled = utterance.agreement->Look(heard, Seconds(utterance.tried));
  } else if (utterance.agreement) {
    utterance.agreement->Keep(heard);
  }
  if (!settled.empty()) events_.push_back(SettledEvent(utterance, std::move(settled)));
  const bool said_nothing = heard.segments.empty();
  const double last_word = said_nothing ? Seconds(utterance.speech_begin) : heard.segments.back().end_s;
  std::string before = utterance.heard ? utterance.heard->Text() : std::string();
  std::string after = heard.Text();
  const bool changed = after != before;
  for (std::string* text : {&before, &after}) base::Wipe(text->data(), text->size());
  if (utterance.heard) WipeTexts(*utterance.heard);
  utterance.heard = std::move(heard);
  if (utterance.end) return;
  if (options_.partials && changed) {
    StreamEvent event = EventOf(StreamEvent::Kind::kPartial, utterance);
    event.transcript = *utterance.heard;
    events_.push_back(std::move(event));
  }
  const bool loud = endpointer_ && endpointer_->speech_end() > utterance.tried - kTail;
  if (!loud || Seconds(utterance.tried) - last_word < Seconds(kBlankEnd)) return;
  Close(utterance.tried);
  if (said_nothing) {
    endpointer_->HeardNothing();
  } else {
    endpointer_->Stop();
  }
}

void StreamingTranscriber::FinishFront() {
  Utterance& utterance = *utterances_.front();
  StreamEvent event = EventOf(StreamEvent::Kind::kFinal, utterance);
  event.transcript = std::move(*utterance.heard);
  event.latency_s = Seconds(known_ - utterance.speech_end);
  events_.push_back(std::move(event));
  utterances_.pop_front();
}

void StreamingTranscriber::FailFront() {
  const bool open = !utterances_.front()->end;
  if (open) Close(Confirmed());
  if (open && endpointer_) endpointer_->Stop();
  events_.push_back(EventOf(StreamEvent::Kind::kFailed, *utterances_.front()));
  attempt_.reset();
  utterances_.pop_front();
}

base::Status StreamingTranscriber::TakeAnswer(std::span<const Tensor> outputs) {
  BLINDAI_CHECK(waiting_ != Waiting::kNo);
  if (waiting_ == Waiting::kBase) BLINDAI_RETURN_IF_ERROR(utterances_.front()->base->TakeAnswer(outputs));
  if (waiting_ == Waiting::kAttempt) BLINDAI_RETURN_IF_ERROR(attempt_->recognizer->TakeAnswer(outputs));
  waiting_ = Waiting::kNo;
  return base::Ok();
}

void StreamingTranscriber::DropRun() {
  BLINDAI_CHECK(waiting_ != Waiting::kNo);
  const Waiting waited = std::exchange(waiting_, Waiting::kNo);
  if (waited == Waiting::kNobody) return;
  if (waited == Waiting::kBase || utterances_.front()->end) return FailFront();
  utterances_.front()->tried = attempt_->end;
  utterances_.front()->heard.reset();
  attempt_.reset();
}

std::int64_t StreamingTranscriber::backlog_samples() const {
  std::int64_t samples = 0;
  for (const auto& utterance : utterances_) {
    const auto done = utterance->begin + std::llround(utterance->base->seconds_done() * kSampleRate);
    const std::int64_t window = utterance->end ? 0 : options_.window_samples;
    samples += std::max<std::int64_t>(0, utterance->end.value_or(Confirmed()) - done - window);
  }
  return samples;
}

bool StreamingTranscriber::full() const {
  const bool open = !utterances_.empty() && !utterances_.back()->end;
  return !endpointer_ && open && known_ - utterances_.back()->begin >= kLongestCommit;
}

}  // namespace blindai::speech
