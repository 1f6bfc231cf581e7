#include "speech/transcriber.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <string_view>

#include "speech/ctc_decoder.h"
#include "support/letter_sounds.h"
#include "support/voices.h"

namespace blindai::speech {
namespace {

using vocabulary::CoverageKind;
using vocabulary::Transcript;

using tests::Hear;
using tests::Ids;
using tests::Letters;
using tests::SoundOf;
using tests::Times;

constexpr int kBlank = tests::kBlankId;
constexpr int kSpace = tests::kSpaceId;

std::int64_t Frames(std::size_t samples) { return tests::FramesIn(samples); }

struct Outcome {
  Transcript transcript;
  int windows = 0;
  std::size_t heard = 0;  // samples of all windows
};

TranscriberOptions TestOptions() {
  TranscriberOptions options;
  options.features.do_normalize = false;
  options.chunks = {.max_samples = 320 * 100, .stride_samples = 320 * 10, .min_silence_samples = 4'800};
  return options;
}

Outcome Transcribe(const std::vector<std::vector<float>>& channels,
                   TranscriberOptions options = TestOptions(), std::size_t piece = 5'000) {
  Transcriber transcriber(Letters(), std::move(options), static_cast<int>(channels.size()));
  Outcome outcome;
  std::size_t fed = 0;
  while (!transcriber.done()) {
    if (const auto window = transcriber.NextWindow()) {
      ++outcome.windows;
      outcome.heard += window->size();
      EXPECT_TRUE(transcriber.TakeLogits(Hear(*window), Frames(window->size())).ok());
      continue;
    }
    if (transcriber.done()) break;
    const std::size_t count = std::min(piece, channels[0].size() - fed);
    if (count == 0) {
      transcriber.End();
      continue;
    }
    std::vector<std::vector<float>> part;
    for (const auto& channel : channels)
      part.emplace_back(channel.begin() + fed, channel.begin() + fed + count);
    transcriber.Feed(part);
    fed += count;
  }
  outcome.transcript = transcriber.Finish();
  return outcome;
}

void ExpectWholeCoverage(const Transcript& transcript, int speaker) {
  double at = 0;
  for (const auto& span : transcript.coverage) {
    if (span.speaker != speaker) continue;
    EXPECT_DOUBLE_EQ(span.start_s, at);
    EXPECT_GT(span.end_s, span.start_s);
    at = span.end_s;
  }
  EXPECT_DOUBLE_EQ(at, transcript.duration_s);
}

TEST(Transcriber, WordsComeWithTheTimesOfTheRecording) {
  const auto outcome = Transcribe({SoundOf(Ids("..........AB|CCD...."))});
  const Transcript& transcript = outcome.transcript;
  EXPECT_EQ(transcript.Text(), "AB CD");
  ASSERT_EQ(transcript.segments.size(), 1u);
  ASSERT_EQ(transcript.segments[0].words.size(), 2u);
  EXPECT_NEAR(transcript.segments[0].words[0].start_s, 0.20, 1e-9);
  EXPECT_NEAR(transcript.segments[0].words[0].end_s, 0.24, 1e-9);
  EXPECT_NEAR(transcript.segments[0].words[1].start_s, 0.26, 1e-9);
  EXPECT_NEAR(transcript.segments[0].words[1].end_s, 0.32, 1e-9);
  EXPECT_GT(transcript.segments[0].words[1].confidence, 0.99);
  EXPECT_EQ(transcript.segments[0].speaker, vocabulary::kNoSpeaker);
  EXPECT_NEAR(transcript.duration_s, 0.4, 1e-9);
}

TEST(Transcriber, ALongPauseEndsAWordEvenWithoutADelimiter) {
  const auto transcript = Transcribe({SoundOf(Ids("..AB" + Times(".", 40) + "CD.."))}).transcript;
  EXPECT_EQ(transcript.Text(), "AB CD");
  ASSERT_EQ(transcript.segments.size(), 2u);
  EXPECT_NEAR(transcript.segments[1].start_s, 0.88, 1e-9);
  EXPECT_EQ(Transcribe({SoundOf(Ids("..AB" + Times(".", 20) + "CD.."))}).transcript.Text(), "ABCD");
}

TEST(Transcriber, CuttingIntoWindowsAndPiecesChangesNothing) {
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    std::vector<int> ids;
    const int length = 1 + static_cast<int>(random() % 1'500);
    while (static_cast<int>(ids.size()) < length) {
      const int kind = static_cast<int>(random() % 12);
      const int id = kind < 8 ? 5 + static_cast<int>(random() % 4) : kind < 10 ? kSpace : kBlank;
      if (kind == 11) ids.push_back(kSpace);  // before what may be a long pause
      ids.insert(ids.end(), kind == 11 ? 1 + random() % 60 : 1 + random() % 3, id);
    }
    std::vector<float> sound = SoundOf(ids);
    sound.resize(sound.size() - random() % 320);
    const std::vector<float> rows = Hear(sound);
    const Logits whole(rows, Letters().size());
    const auto words = WordsOf(GreedyDecode(whole, Letters()), Letters(), 0);
    const auto outcome = Transcribe({sound}, TestOptions(), 1 + random() % 20'000);
    std::vector<vocabulary::Word> got;
    for (const auto& segment : outcome.transcript.segments) {
      got.insert(got.end(), segment.words.begin(), segment.words.end());
    }
    ASSERT_EQ(TextOf(got), TextOf(words)) << "round " << round;
    for (std::size_t i = 0; i < words.size(); ++i) ASSERT_NEAR(got[i].start_s, words[i].start_s, 1e-9);
    ExpectWholeCoverage(outcome.transcript, vocabulary::kNoSpeaker);
    EXPECT_NEAR(outcome.transcript.duration_s, static_cast<double>(sound.size()) / 16'000, 1e-9);
  }
}

// What the model is given: a model of context hears the same only when the windows are the same.
std::vector<std::vector<float>> WindowsOf(std::span<const float> sound, std::size_t piece) {
  Transcriber transcriber(Letters(), TestOptions(), 1);
  std::vector<std::vector<float>> windows;
  while (!transcriber.done()) {
    if (auto window = transcriber.NextWindow()) {
      EXPECT_TRUE(transcriber.TakeLogits(Hear(*window), Frames(window->size())).ok());
      windows.push_back(std::move(*window));
    } else if (!transcriber.done() && !sound.empty()) {
      const auto next = sound.first(std::min(piece, sound.size()));
      transcriber.Feed(std::vector<std::vector<float>>{{next.begin(), next.end()}});
      sound = sound.subspan(next.size());
    } else if (!transcriber.done()) {
      transcriber.End();
    }
  }
  return windows;
}

TEST(Transcriber, TheModelIsGivenTheSameWindowsHoweverARecordingArrives) {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    std::vector<int> ids;
    while (ids.size() < 900) {
      ids.insert(ids.end(), 1 + random() % 40, 5 + static_cast<int>(random() % 4));
      ids.insert(ids.end(), random() % 45, kBlank);
    }
    // Also a length that ends exactly with the longest window.
    if (round % 4 == 0) ids.resize(100);
    const std::vector<float> sound = SoundOf(ids);
    const auto windows = WindowsOf(sound, sound.size());
    for (const std::size_t piece : {1'000, 3'333, 32'000, 160'000})
      EXPECT_EQ(WindowsOf(sound, piece), windows);
  }
}

TEST(Transcriber, ACopyEndsByItselfAndLeavesTheOriginalAsItWas) {
  const std::vector<float> sound = SoundOf(Ids(Times("ABCD|", 60)));
  Transcriber transcriber(Letters(), TestOptions(), 1);
  transcriber.Feed(std::vector<std::vector<float>>{sound});
  while (const auto window = transcriber.NextWindow()) {
    ASSERT_TRUE(transcriber.TakeLogits(Hear(*window), Frames(window->size())).ok());
  }
  for (int again = 0; again < 2; ++again) {
    const auto copy = transcriber.Copy();
    copy->End();
    while (const auto window = copy->NextWindow()) {
      ASSERT_TRUE(copy->TakeLogits(Hear(*window), Frames(window->size())).ok());
    }
    EXPECT_EQ(copy->Finish().Text(), Transcribe({sound}).transcript.Text());
    EXPECT_FALSE(transcriber.done());
  }
}

TEST(Transcriber, APauseBeginsANewSegmentAndIsCoveredAsSilence) {
  const auto transcript =
      Transcribe({SoundOf(Ids("AB|" + Times(".", 60) + "CD" + Times(".", 50)))}).transcript;
  ASSERT_EQ(transcript.segments.size(), 2u);
  EXPECT_EQ(transcript.segments[0].text, "AB");
  EXPECT_EQ(transcript.segments[1].text, "CD");
  ExpectWholeCoverage(transcript, vocabulary::kNoSpeaker);
  ASSERT_EQ(transcript.coverage.size(), 4u);
  EXPECT_EQ(transcript.coverage[0].kind, CoverageKind::kTranscribed);
  EXPECT_EQ(transcript.coverage[1].kind, CoverageKind::kSilence);
  EXPECT_EQ(transcript.coverage[2].kind, CoverageKind::kTranscribed);
  EXPECT_EQ(transcript.coverage[3].kind, CoverageKind::kSilence);
}

TEST(Transcriber, LongSpeechWithoutAPauseIsCutBetweenWords) {
  const auto transcript = Transcribe({SoundOf(Ids(Times("ABCD|", 600)))}).transcript;
  EXPECT_GT(transcript.segments.size(), 1u);
  std::size_t words = 0;
  for (const auto& segment : transcript.segments) {
    EXPECT_LT(segment.end_s - segment.start_s, kLongSegmentSeconds + 1);
    for (const auto& word : segment.words) EXPECT_EQ(word.text, "ABCD");
    words += segment.words.size();
  }
  EXPECT_EQ(words, 600u);
}

TEST(Transcriber, TwoChannelsAreTwoSpeakersInTheOrderOfTime) {
  const auto transcript =
      Transcribe({SoundOf(Ids("AB" + Times(".", 98))), SoundOf(Ids(Times(".", 50) + "CD" + Times(".", 48)))})
          .transcript;
  ASSERT_EQ(transcript.segments.size(), 2u);
  EXPECT_EQ(transcript.segments[0].text, "AB");
  EXPECT_EQ(transcript.segments[0].speaker, 0);
  EXPECT_EQ(transcript.segments[1].text, "CD");
  EXPECT_EQ(transcript.segments[1].speaker, 1);
  ExpectWholeCoverage(transcript, 0);
  ExpectWholeCoverage(transcript, 1);
}

TEST(Transcriber, TwoChannelsOfTheSameSoundAreMonoAndRunOnce) {
  const auto sound = SoundOf(Ids(Times("ABCD|", 60)));
  const auto mono = Transcribe({sound});
  const auto dual = Transcribe({sound, sound});
  EXPECT_EQ(dual.windows, mono.windows);
  EXPECT_EQ(dual.transcript.Text(), mono.transcript.Text());
  for (const auto& segment : dual.transcript.segments) EXPECT_EQ(segment.speaker, vocabulary::kNoSpeaker);
}

TEST(Transcriber, OneWindowThatDiffersMakesTwoSpeakersOfAllOfIt) {
  auto left = SoundOf(Ids(Times("ABCD|", 60)));
  auto right = left;
  const auto other = SoundOf(Ids(Times("D|", 50)));
  std::ranges::copy(other, right.end() - static_cast<std::ptrdiff_t>(other.size()));
  std::fill(left.end() - static_cast<std::ptrdiff_t>(other.size()), left.end(), 0.F);
  const auto transcript = Transcribe({left, right}).transcript;
  bool first = false;
  bool second = false;
  for (const auto& segment : transcript.segments) {
    first = first || segment.speaker == 0;
    second = second || segment.speaker == 1;
  }
  EXPECT_TRUE(first && second);
}

// Two people who take turns, each with a quiet copy in the other's channel: the model reads the first sample of each
// frame, whoever looks for copies sees noise.
std::vector<std::vector<float>> TurnsWithCopies(std::mt19937& random, int frames) {
  std::vector<std::vector<float>> channels(2);
  while (static_cast<int>(channels[0].size()) < frames * kSamplesPerFrame) {
    const std::size_t speaker = random() % 2;
    const std::string path = Times("ABCD|", 1 + random() % 12) + Times(".", 1 + random() % 50);
    for (const int id : Ids(path)) {
      for (int i = 0; i < kSamplesPerFrame; ++i) {
        const float heard = id == kBlank ? 0 : static_cast<float>(id + 1) / 16;
        const float noise = heard * (static_cast<float>(random() % 2'000) / 1'000 - 1);
        channels[speaker].push_back(i == 0 ? heard : noise);
        channels[1 - speaker].push_back(i == 0 ? heard : noise * 0.2F);
      }
    }
  }
  return channels;
}

TEST(Transcriber, CopiesOfTheOtherVoiceAreLeftOutHoweverTheRecordingArrives) {
  std::mt19937 random(23);
  const auto channels = TurnsWithCopies(random, 1'000);
  const Transcript whole = Transcribe(channels, TestOptions(), channels[0].size()).transcript;
  std::size_t words = 0;
  for (const auto& segment : whole.segments) words += segment.words.size();
  EXPECT_GT(words, 50u);
  const Transcript left = Transcribe({channels[0]}).transcript;
  std::size_t heard = 0;
  for (const auto& segment : left.segments) heard += segment.words.size();
  EXPECT_NEAR(static_cast<double>(words), static_cast<double>(heard), 0.1 * static_cast<double>(heard));
  for (const std::size_t piece : {777, 16'000}) {
    const Transcript again = Transcribe(channels, TestOptions(), piece).transcript;
    ASSERT_EQ(again.segments.size(), whole.segments.size());
    for (std::size_t i = 0; i < whole.segments.size(); ++i) {
      EXPECT_EQ(again.segments[i].text, whole.segments[i].text);
      EXPECT_EQ(again.segments[i].speaker, whole.segments[i].speaker);
      EXPECT_EQ(again.segments[i].start_s, whole.segments[i].start_s);
    }
  }
}

TEST(Transcriber, SilenceIsNotRunAndGivesNoWords) {
  std::vector<float> hiss(64'000);
  std::mt19937 random(3);
  for (float& sample : hiss) sample = static_cast<float>(random() % 1'000) * 1e-6F - 5e-4F;
  const auto outcome = Transcribe({hiss});
  EXPECT_EQ(outcome.windows, 0);
  EXPECT_TRUE(outcome.transcript.segments.empty());
  ExpectWholeCoverage(outcome.transcript, vocabulary::kNoSpeaker);
  EXPECT_EQ(outcome.transcript.coverage.size(), 1u);
}

// Where it is known who speaks when. '|' and '~', about as loud as letters, are noise and no voice, and neither is
// silence.
float HearLetters(std::span<const float> frame) {
  const auto is_letter = [](float sample) { return std::lround(std::abs(sample) * 16) - 1 > kSpace; };
  return std::ranges::any_of(frame, is_letter) ? 0.9F : 0.1F;
}

Outcome TranscribeVoices(const std::vector<std::vector<float>>& channels, std::size_t piece = 5'000) {
  Voices voices(static_cast<int>(channels.size()));
  tests::HearAll(voices, channels, HearLetters);
  TranscriberOptions options = TestOptions();
  options.voices = &voices;
  return Transcribe(channels, options, piece);
}

TEST(Transcriber, NoiseInWhichNobodySpeaksIsNotRunHoweverLoudItIs) {
  const auto outcome = TranscribeVoices({SoundOf(Times("~", 3'000))});
  EXPECT_EQ(outcome.windows, 0);
  EXPECT_EQ(outcome.transcript.Text(), "");
  ASSERT_EQ(outcome.transcript.coverage.size(), 1u);
  EXPECT_EQ(outcome.transcript.coverage[0].kind, CoverageKind::kSilence);
  EXPECT_NEAR(outcome.transcript.duration_s, 60, 1e-9);
  EXPECT_GT(Transcribe({SoundOf(Times("~", 3'000))}).windows, 20);
}

TEST(Transcriber, AVoiceIsHeardHoweverQuietItIs) {
  std::vector<float> quiet = SoundOf("..." + Times("AABB", 20) + "...");
  for (float& sample : quiet) sample /= 1'000;
  Voices voices(1);
  tests::HearAll(voices, std::vector<std::vector<float>>{quiet}, [](std::span<const float> frame) {
    return std::ranges::any_of(frame, [](float sample) { return sample != 0; }) ? 0.9F : 0.1F;
  });
  TranscriberOptions options = TestOptions();
  EXPECT_EQ(Transcribe({quiet}, options).windows, 0);
  options.voices = &voices;
  EXPECT_EQ(Transcribe({quiet}, options).windows, 1);
}

// Pauses full of noise: cut in them, and not by strides.
TEST(Transcriber, PausesInNoiseAreCutInAndTimesStayThoseOfTheRecording) {
  const std::string phrase = Times("AABBCCDD", 5) + Times("|", 40);
  const std::vector<float> sound = SoundOf(Times("|", 30) + Times(phrase, 6));
  const auto outcome = TranscribeVoices({sound});
  EXPECT_LE(outcome.heard, sound.size() + 80 * static_cast<std::size_t>(outcome.windows));
  EXPECT_GT(Transcribe({sound}).heard, sound.size() + 5 * 2 * 320 * 10) << "five seams of two strides";
  const auto& segments = outcome.transcript.segments;
  ASSERT_EQ(segments.size(), 6u);
  for (std::size_t i = 0; i < segments.size(); ++i)
    EXPECT_NEAR(segments[i].start_s, 0.02 * static_cast<double>(30 + 80 * i), 1e-9);
  EXPECT_EQ(TranscribeVoices({sound}, 777).transcript.segments.size(), 6u);
}

TEST(Transcriber, AChannelInWhichOnlyNoiseIsHeardHasNoTurns) {
  const std::vector<float> voice = SoundOf(Times("AABB", 50));
  const auto outcome = TranscribeVoices({voice, SoundOf(Times("~", 200))});
  EXPECT_EQ(outcome.windows, TranscribeVoices({voice}).windows);
  for (const auto& segment : outcome.transcript.segments) EXPECT_EQ(segment.speaker, 0);
  ExpectWholeCoverage(outcome.transcript, 0);
  ExpectWholeCoverage(outcome.transcript, 1);
}

// More is planned only where it is known who speaks.
TEST(Transcriber, WaitsForTheVoices) {
  const std::vector<std::vector<float>> sound = {
      SoundOf(Times("AABB", static_cast<int>(kVoiceFramesPerRun * kVoiceFrame / 1'280) + 200))};
  Voices voices(1);
  TranscriberOptions options = TestOptions();
  options.voices = &voices;
  Transcriber transcriber(Letters(), options, 1);
  transcriber.Feed(sound);
  EXPECT_FALSE(transcriber.NextWindow());
  voices.Feed(sound);
  ASSERT_TRUE(tests::RunVoices(voices, HearLetters));
  EXPECT_TRUE(transcriber.NextWindow());
}

TEST(Transcriber, ARecordingShorterThanAFrameIsEmptyAndCovered) {
  for (const std::size_t samples : {0, 1, 399}) {
    const auto outcome = Transcribe({std::vector<float>(samples, 0.5F)});
    EXPECT_EQ(outcome.windows, 0);
    EXPECT_EQ(outcome.transcript.Text(), "");
    ExpectWholeCoverage(outcome.transcript, vocabulary::kNoSpeaker);
  }
  EXPECT_EQ(Transcribe({std::vector<float>(400, 6.F / 16)}).transcript.Text(), "A");
}

TEST(Transcriber, KeywordsAreDecodedByBeamSearchWithTimes) {
  TranscriberOptions options = TestOptions();
  const std::vector<std::string> words = {"ABC"};
  options.keywords = Keywords::Make(words, Letters()).value();
  const auto transcript = Transcribe({SoundOf(Ids("....A.B.C.|.D..."))}, options).transcript;
  EXPECT_EQ(transcript.Text(), "ABC D");
  EXPECT_NEAR(transcript.segments[0].words[0].start_s, 0.08, 0.021);
}

TEST(Transcriber, SegmentsThatNothingCanChangeComeEarlyAndAreThoseOfTheTranscript) {
  std::mt19937 random(5);
  std::size_t early = 0;
  for (int round = 0; round < 20; ++round) {
    std::string path;
    for (int i = 0; i < 60; ++i) path += Times("ABCD", 1 + random() % 4) + "|" + Times(".", random() % 60);
    const auto sound = SoundOf(Ids(path));
    Transcriber transcriber(Letters(), TestOptions(), 1);
    const std::vector<std::vector<float>> channels = {sound};
    transcriber.Feed(channels);
    transcriber.End();
    std::vector<vocabulary::Segment> taken;
    while (const auto window = transcriber.NextWindow()) {
      ASSERT_TRUE(transcriber.TakeLogits(Hear(*window), Frames(window->size())).ok());
      if (transcriber.done()) break;
      std::ranges::move(transcriber.TakeFinished(), std::back_inserter(taken));
    }
    early += taken.size();
    const Transcript whole = transcriber.Finish();
    const Transcript plain = Transcribe(channels).transcript;
    ASSERT_LE(taken.size(), whole.segments.size());
    ASSERT_EQ(whole.segments.size(), plain.segments.size());
    for (std::size_t i = 0; i < whole.segments.size(); ++i) {
      const auto& expected = plain.segments[i];
      EXPECT_EQ(whole.segments[i].text, expected.text);
      EXPECT_EQ(whole.segments[i].start_s, expected.start_s);
      if (i >= taken.size()) continue;
      EXPECT_EQ(taken[i].text, expected.text);
      EXPECT_EQ(taken[i].start_s, expected.start_s);
      EXPECT_EQ(taken[i].end_s, expected.end_s);
    }
    ExpectWholeCoverage(whole, vocabulary::kNoSpeaker);
  }
  EXPECT_GT(early, 20u);
}

TEST(Transcriber, OfTwoChannelsNothingIsFinishedBeforeTheEnd) {
  const auto sound = SoundOf(Ids(Times("ABCD|" + Times(".", 50), 30)));
  Transcriber transcriber(Letters(), TestOptions(), 2);
  const std::vector<std::vector<float>> channels = {sound, sound};
  transcriber.Feed(channels);
  transcriber.End();
  while (const auto window = transcriber.NextWindow()) {
    ASSERT_TRUE(transcriber.TakeLogits(Hear(*window), Frames(window->size())).ok());
    EXPECT_TRUE(transcriber.TakeFinished().empty());
  }
}

TEST(Transcriber, AKnownTextGetsItsTimesAndTheCoverageIsWhole) {
  TranscriberOptions options = TestOptions();
  options.align = true;
  Transcriber transcriber(Letters(), options, 1);
  const std::vector<std::vector<float>> sound = {SoundOf(Ids("..AB.|.CD.." + Times(".", 60) + "|.A..."))};
  transcriber.Feed(sound);
  transcriber.End();
  while (const auto window = transcriber.NextWindow()) {
    ASSERT_TRUE(transcriber.TakeLogits(Hear(*window), tests::FramesIn(window->size())).ok());
  }
  const Transcript transcript = transcriber.FinishAligned("Ab, cd! a").value();
  EXPECT_EQ(transcript.Text(), "Ab, cd! a");
  ASSERT_EQ(transcript.segments.size(), 2u);
  EXPECT_NEAR(transcript.segments[0].words[1].start_s, 0.14, 1e-9);
  EXPECT_NEAR(transcript.segments[1].start_s, 1.46, 1e-9);
  ExpectWholeCoverage(transcript, vocabulary::kNoSpeaker);
  EXPECT_EQ(transcriber.FinishAligned("  ").error().code, "alignment-empty");
}

TEST(Transcriber, OneFrameMoreThanWav2vec2GivesIsTaken) {
  Transcriber transcriber(Letters(), TestOptions(), 1);
  const std::vector<std::vector<float>> sound = {SoundOf(Ids("ABC."))};
  transcriber.Feed(sound);
  transcriber.End();
  auto logits = Hear(*transcriber.NextWindow());
  for (std::size_t i = 0; i < Letters().size(); ++i) logits.push_back(i == 8 ? 10.F : 0.F);
  ASSERT_TRUE(transcriber.TakeLogits(logits, 4).ok());
  EXPECT_TRUE(transcriber.done());
  EXPECT_EQ(transcriber.Finish().Text(), "ABCD");
}

TEST(Transcriber, LogitsOfAnotherShapeAreRefused) {
  for (const std::int64_t too_many : {-1, 2}) {
    Transcriber transcriber(Letters(), TestOptions(), 1);
    const std::vector<std::vector<float>> sound = {SoundOf(Ids("ABCD"))};
    transcriber.Feed(sound);
    transcriber.End();
    const auto window = transcriber.NextWindow();
    ASSERT_TRUE(window);
    const std::int64_t frames = Frames(window->size()) + too_many;
    const std::vector<float> logits(static_cast<std::size_t>(frames) * Letters().size());
    const auto taken = transcriber.TakeLogits(logits, frames);
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().code, "model-frames");
  }
  Transcriber transcriber(Letters(), TestOptions(), 1);
  const std::vector<std::vector<float>> sound = {SoundOf(Ids("ABCD"))};
  transcriber.Feed(sound);
  transcriber.End();
  auto logits = Hear(*transcriber.NextWindow());
  logits[5] = std::nanf("");
  EXPECT_FALSE(transcriber.TakeLogits(logits, 3).ok());
}

}  // namespace
}  // namespace blindai::speech
