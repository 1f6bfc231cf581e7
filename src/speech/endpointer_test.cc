#include "speech/endpointer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "speech/chunking.h"

namespace blindai::speech {
namespace {

// Frames as a text: '#' loud (−20 dBFS), '~' noise (−34 dBFS), '.' silent. Gives "12+ 40-": the frames after which
// somebody began and ended to speak.
class Story {
 public:
  explicit Story(EndpointOptions options = {}) : endpointer(options) {}

  std::string Take(std::string_view text) {
    std::string changes;
    for (const char c : text) {
      const float level = c == '#' ? 0.1F : c == '~' ? 0.02F : 0.F;
      const std::vector<float> frame(kSamplesPerFrame, level);
      const Endpointer::Change change = endpointer.Take(frame);
      ++frames;
      if (change == Endpointer::Change::kNone) continue;
      changes += (changes.empty() ? "" : " ") + std::to_string(frames) +
                 (change == Endpointer::Change::kStarted ? "+" : "-");
    }
    return changes;
  }

  Endpointer endpointer;
  int frames = 0;
};

std::string Frames(char c, std::size_t count) { return std::string(count, c); }

TEST(Endpointer, AnUtteranceGoesFromTheFirstLoudFrameToTheLast) {
  Story story;
  EXPECT_EQ(story.Take(Frames('.', 10) + Frames('#', 20)), "13+");
  EXPECT_EQ(story.endpointer.speech_begin(), 10 * kSamplesPerFrame);
  EXPECT_EQ(story.endpointer.speech_end(), 30 * kSamplesPerFrame);
  EXPECT_EQ(story.Take(Frames('.', 25)), "55-");
  EXPECT_FALSE(story.endpointer.speaking());
}

TEST(Endpointer, AClickIsNoSpeech) {
  Story story;
  EXPECT_EQ(story.Take("..#....##.....#....#....##..."), "");
  EXPECT_EQ(story.Take("#.#.#"), "34+");
}

TEST(Endpointer, APauseShorterThanTheSilenceEndsNothing) {
  Story story;
  EXPECT_EQ(story.Take(Frames('#', 5) + Frames('.', 24) + "#" + Frames('.', 24) + "#"), "3+");
  EXPECT_EQ(story.Take(Frames('.', 25)), "80-");
}

TEST(Endpointer, TheSilenceIsTheCallersChoiceAndCanBeShortened) {
  Story story({.silence_samples = 10 * kSamplesPerFrame});
  EXPECT_EQ(story.Take(Frames('#', 5) + Frames('.', 10)), "3+ 15-");
  story.Take(Frames('#', 5));
  story.endpointer.EndAfter(2 * kSamplesPerFrame);
  EXPECT_EQ(story.Take(".."), "22-");
  EXPECT_EQ(story.Take(Frames('#', 5) + Frames('.', 10)), "25+ 37-") << "the next one is as at first";
}

TEST(Endpointer, StoppedFromOutsideItBeginsAnew) {
  Story story;
  story.Take(Frames('#', 10));
  story.endpointer.Stop();
  EXPECT_EQ(story.Take("##"), "");
  EXPECT_EQ(story.Take("#"), "13+");
}

TEST(Endpointer, NoiseWithoutAWordRaisesTheBarForAWhileAndAVoiceIsStillHeard) {
  Story story;
  EXPECT_EQ(story.Take(Frames('~', 50)), "3+");
  story.endpointer.HeardNothing();
  EXPECT_EQ(story.Take(Frames('~', 50)), "");
  EXPECT_EQ(story.Take("###"), "103+");
  story.endpointer.Stop();
  EXPECT_EQ(story.Take(Frames('~', 1'000)), "553+") << "after ten seconds the bar is half as high";
}

TEST(Endpointer, TheThresholdDecidesWhatIsLoud) {
  Story story({.threshold = 0.05F});
  EXPECT_EQ(story.Take(Frames('~', 50) + "###"), "53+");
}

}  // namespace
}  // namespace blindai::speech
