// rooms: base speech_decoder
// Any bytes end in sound or in a refusal, never in memory or time without bound; what comes out are numbers, not more
// of them than allowed, and the same ones whatever the size of the pieces that are asked for. FFmpeg's libraries are
// the system's, without the fuzzer's instruments: what is searched is what is made of their answers.
#include "speech/decode_audio.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"

namespace {

using namespace blindai::speech;

constexpr DecodeLimits kLimits = {.max_seconds = 2, .ratio_grace_seconds = 1, .min_bytes_per_second = 32};

struct Outcome {
  std::vector<float> first;
  std::vector<float> second;
  bool refused = false;
};

Outcome Decode(blindai::base::ByteView file, std::size_t piece) {
  Outcome outcome;
  auto opened = AudioReader::Open(file, kLimits);
  if (std::holds_alternative<DecodeRefusal>(opened)) return {{}, {}, true};
  AudioReader& reader = *std::get<std::unique_ptr<AudioReader>>(opened);
  const int channels = reader.opened().channels;
  BLINDAI_CHECK(channels == 1 || channels == 2);
  std::vector<float> first(piece);
  std::vector<float> second(piece);
  while (true) {
    const auto read = reader.Read(first, second);
    if (std::holds_alternative<DecodeRefusal>(read)) {
      outcome.refused = true;
      return outcome;
    }
    const SamplesMessage& samples = std::get<SamplesMessage>(read);
    BLINDAI_CHECK(samples.samples <= piece && (samples.last || samples.samples == piece));
    outcome.first.insert(outcome.first.end(), first.begin(), first.begin() + samples.samples);
    if (channels == 2) {
      outcome.second.insert(outcome.second.end(), second.begin(), second.begin() + samples.samples);
    }
    if (samples.last) return outcome;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const blindai::base::ByteView file(data + 1, size - 1);
  const Outcome whole = Decode(file, kPieceSamples);
  const Outcome parts = Decode(file, 1 + std::size_t{data[0]} * 16);
  BLINDAI_CHECK(whole.first.size() <= std::size_t{kLimits.max_seconds} * kDecodedRateHz);
  const auto is_finite = [](float sample) { return std::isfinite(sample); };
  BLINDAI_CHECK(std::ranges::all_of(whole.first, is_finite) && std::ranges::all_of(whole.second, is_finite));
  // A refusal comes as soon as it is known, so that smaller pieces give more of what lies before it.
  BLINDAI_CHECK(whole.refused == parts.refused);
  if (!whole.refused) BLINDAI_CHECK(whole.first == parts.first && whole.second == parts.second);
  return 0;
}
