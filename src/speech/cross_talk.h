// Two people in one room with a microphone each: every voice is in both channels, loud in its own and quiet, a little
// later, in the other. A model hears the quiet copy too, and without this every word would stand twice in the
// transcript.
//
// The rule, measured ten times a second over 0.4 s: of two channels whose waveforms (up to 2 kHz, first difference)
// correlate for some delay of at most 50 ms either way, the one that is quieter at that delay holds a copy. Where it
// is quieter by 6 dB or more a correlation of 0.5 is enough: two people who talk at the same time stay far below that,
// a copy with the echo of a room is above it (cross_talk_test.cc). Nearer in level it takes 0.7: at least half of what
// the channel holds is then the other's, and a person who talks into the other's words keeps their own. Where both are
// as loud, as of one stereo microphone or of two that stand equally far away, the channel that was the copy before
// still is, at first the second. Holds half a second of samples, which it wipes, and a byte for each 0.1 s.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace blindai::speech {

class CrossTalk {
 public:
  CrossTalk() = default;
  ~CrossTalk();
  CrossTalk(const CrossTalk&) = default;
  CrossTalk& operator=(const CrossTalk&) = delete;

  // The next samples at 16 kHz, as many of each channel.
  void Feed(std::span<const float> first, std::span<const float> second);

  // Whether most of what channel 0 or 1 holds from start_s to end_s is a copy of the other channel, as far as is known:
  // the last half second before the end of what was fed counts as what lies before it.
  bool IsCopy(int channel, double start_s, double end_s) const;

 private:
  // In samples at 4 kHz.
  static constexpr std::size_t kWindow = 1'600;
  static constexpr std::size_t kMostDelay = 200;

  enum class Copy : std::uint8_t { kNone, kFirst, kSecond };  // which channel is one

  // Each channel at 4 kHz, differenced, from the next measurement's first sample on.
  struct Channel {
    std::array<float, kWindow + 2 * kMostDelay> samples{};
    float sum = 0;       // of the 16 kHz samples since the last one here
    float previous = 0;  // before the difference
  };
  // One channel's window beside the other's at a delay: what they share, 0 to 1 of the power of each, and how loud the
  // other is there.
  struct Likeness {
    double shared = 0;
    double power = 0;
  };
  void Measure();
  Copy Compare(std::size_t quieter, float power);
  Likeness Find(std::size_t channel, float power);

  std::array<Channel, 2> channels_;
  std::size_t filled_ = kMostDelay;  // of `samples`: the first window begins with the recording
  int pending_ = 0;                  // 16 kHz samples in `sum`
  // Where each channel's window was found last, in the samples of the other.
  std::array<std::size_t, 2> found_at_{kMostDelay, kMostDelay};
  std::size_t last_copy_ = 1;  // the channel that was one last
  std::vector<Copy> copies_;   // one for each 0.1 s
};

}  // namespace blindai::speech
