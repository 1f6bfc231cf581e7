#include "speech/voice_activity.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/secret.h"

namespace blindai::speech {
namespace {

using vocabulary::Datatype;
using vocabulary::Shape;
using vocabulary::Tensor;

Tensor FloatsOf(const char* name, Shape shape, std::span<const float> values) {
  Tensor tensor{name, Datatype::kFp32, std::move(shape), base::Bytes(values.size_bytes())};
  std::memcpy(tensor.data.data(), values.data(), values.size_bytes());
  return tensor;
}

// Fills `values` with the finite elements of the output of that name. False: it has others.
bool Read(std::span<const Tensor> outputs, std::string_view name, std::span<float> values) {
  const auto found = std::ranges::find(outputs, name, &Tensor::name);
  if (found == outputs.end() || found->datatype != Datatype::kFp32 ||
      found->data.size() != values.size_bytes()) {
    return false;
  }
  std::memcpy(values.data(), found->data.data(), values.size_bytes());
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

struct Spoken {
  std::vector<VoiceSpan> spans;
  std::int64_t undecided_from = 0;  // where what comes may still begin or end a span
};

// Hysteresis: what is above the threshold begins speech, and only a pause below the lower one ends it.
Spoken SpokenFrames(std::span<const float> probabilities, std::int64_t samples, const VoiceOptions& options) {
  std::vector<VoiceSpan> spans;
  std::optional<std::int64_t> begin;  // of the speech that goes on
  std::optional<std::int64_t> pause;  // where it may have ended
  const auto close = [&](std::int64_t end) {
    if (end - *begin > options.min_speech_samples) spans.push_back({*begin, end});
    begin.reset();
    pause.reset();
  };
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const std::int64_t at = static_cast<std::int64_t>(i) * kVoiceFrame;
    if (probabilities[i] >= options.threshold) {
      pause.reset();
      if (!begin) begin = at;
    } else if (begin && probabilities[i] < options.end_threshold) {
      if (!pause) pause = at;
      if (at - *pause >= options.min_silence_samples) close(*pause);
    }
  }
  std::int64_t undecided_from = pause.value_or(samples);
  if (begin && undecided_from - *begin <= options.min_speech_samples) undecided_from = *begin;
  if (begin) close(samples);
  return {std::move(spans), undecided_from};
}

void Pad(std::vector<VoiceSpan>& spans, std::int64_t samples, const VoiceOptions& options) {
  if (spans.empty()) return;
  spans.front().begin = std::max<std::int64_t>(0, spans.front().begin - options.padding_samples);
  for (std::size_t i = 0; i + 1 < spans.size(); ++i) {
    const std::int64_t room = (spans[i + 1].begin - spans[i].end) / 2;
    spans[i].end += std::min(room, options.padding_samples);
    spans[i + 1].begin -= std::min(room, options.padding_samples);
  }
  spans.back().end = std::min(samples, spans.back().end + options.padding_samples);
}

}  // namespace

std::vector<VoiceSpan> VoiceSpansOf(std::span<const float> probabilities, std::int64_t samples,
                                    const VoiceOptions& options) {
  BLINDAI_CHECK(std::ssize(probabilities) == (samples + kVoiceFrame - 1) / kVoiceFrame);
  std::vector<VoiceSpan> spans = SpokenFrames(probabilities, samples, options).spans;
  Pad(spans, samples, options);
  return spans;
}

VoiceActivity::~VoiceActivity() {
  base::Wipe(std::span<float>(hidden_));
  base::Wipe(std::span<float>(cell_));
  base::Wipe(probabilities_);
}

void VoiceActivity::Feed(std::span<const float> samples) {
  BLINDAI_CHECK(!ended_);
  samples_.Append(samples);
}

std::optional<std::vector<Tensor>> VoiceActivity::NextRun() {
  BLINDAI_CHECK(!frames_out_);
  const std::int64_t there = samples_.end() - at_;
  if (there == 0 || (!ended_ && there < kVoiceFramesPerRun * kVoiceFrame)) return std::nullopt;
  const std::int64_t frames = std::min(kVoiceFramesPerRun, (there + kVoiceFrame - 1) / kVoiceFrame);
  constexpr std::int64_t kWidth = kVoiceContext + kVoiceFrame;
  // Zeros before the recording and behind it.
  std::vector<float> rows(static_cast<std::size_t>(frames * kWidth));
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    const std::int64_t first = at_ + frame * kVoiceFrame - kVoiceContext;
    const std::int64_t from = std::max<std::int64_t>(0, first);
    const auto view = samples_.View(from, std::min(samples_.end(), first + kWidth));
    std::ranges::copy(view, rows.begin() + frame * kWidth + (from - first));
  }
  std::vector<Tensor> inputs;
  inputs.push_back(FloatsOf("input", {frames, kWidth}, rows));
  inputs.push_back(FloatsOf("h", {1, 1, kStateSize}, hidden_));
  inputs.push_back(FloatsOf("c", {1, 1, kStateSize}, cell_));
  base::Wipe(rows);
  frames_out_ = frames;
  return inputs;
}

base::Status VoiceActivity::TakeAnswer(std::span<const Tensor> outputs) {
  BLINDAI_CHECK(frames_out_);
  std::vector<float> probabilities(static_cast<std::size_t>(*frames_out_));
  State hidden;
  State cell;
  if (!Read(outputs, "speech_probs", probabilities) || !Read(outputs, "hn", hidden) ||
      !Read(outputs, "cn", cell) ||
      !std::ranges::all_of(probabilities, [](float value) { return value >= 0 && value <= 1; })) {
    return base::MakeError(
        base::ErrorKind::kUnsupported, "voice-activity",
        "the voice activity network did not give one probability for each 32 ms and its state; "
        "use silero_vad_16k_sequence.onnx",
        "voice_activity");
  }
  hidden_ = hidden;
  cell_ = cell;
  probabilities_.insert(probabilities_.end(), probabilities.begin(), probabilities.end());
  at_ = std::min(samples_.end(), at_ + *frames_out_ * kVoiceFrame);
  frames_out_.reset();
  samples_.DropBefore(at_ - kVoiceContext);
  return base::Ok();
}

VoiceActivity::Heard VoiceActivity::Hear(const VoiceOptions& options) const {
  auto [spans, undecided_from] = SpokenFrames(probabilities_, at_, options);
  Pad(spans, at_, options);
  if (done()) return {std::move(spans), at_};
  // A span that begins there would be padded, and the one before it less than it is now.
  const std::int64_t settled = undecided_from - options.padding_samples;
  return {std::move(spans), std::max({std::int64_t{0}, settled, at_ - kVoiceFramesPerRun * kVoiceFrame})};
}

}  // namespace blindai::speech
