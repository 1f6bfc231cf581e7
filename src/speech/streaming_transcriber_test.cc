#include "speech/streaming_transcriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <string_view>

#include "speech/transcriber.h"
#include "support/letter_sounds.h"

namespace blindai::speech {
namespace {

using tests::Hear;
using tests::Letters;
using tests::SoundOf;
using tests::Times;
using vocabulary::Tensor;
using vocabulary::Transcript;
using Kind = StreamEvent::Kind;

TranscriberOptions TestTranscriber() {
  TranscriberOptions options;
  options.features.do_normalize = false;
  options.chunks = {.max_samples = 320 * 100, .stride_samples = 320 * 10, .min_silence_samples = 4'800};
  return options;
}

// A transcriber of letters, whose runs are its windows.
class LetterRecognizer : public Recognizer {
 public:
  explicit LetterRecognizer(std::unique_ptr<Transcriber> transcriber)
      : transcriber_(std::move(transcriber)) {}

  void Feed(std::span<const std::vector<float>> channels) override { transcriber_->Feed(channels); }
  void End() override { transcriber_->End(); }
  std::optional<std::vector<Tensor>> NextRun() override {
    const auto window = transcriber_->NextWindow();
    if (!window) return std::nullopt;
    return std::vector<Tensor>{TensorOf(*window)};
  }
  base::Status TakeAnswer(std::span<const Tensor> outputs) override {
    const std::vector<float> logits = NumbersOf(outputs.front());
    return transcriber_->TakeLogits(logits, outputs.front().shape[1]);
  }
  bool done() const override { return transcriber_->done(); }
  double seconds_done() const override { return transcriber_->seconds_done(); }
  std::vector<vocabulary::Segment> TakeFinished() override { return {}; }
  base::Result<Transcript> Finish() override { return transcriber_->Finish(); }
  std::unique_ptr<Recognizer> Copy() const override {
    return std::make_unique<LetterRecognizer>(transcriber_->Copy());
  }

  static Tensor TensorOf(const std::vector<float>& numbers, std::int64_t frames = 0) {
    base::Bytes bytes(numbers.size() * sizeof(float));
    if (!bytes.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
    return {"", vocabulary::Datatype::kFp32, {1, frames, 0}, std::move(bytes)};
  }
  static std::vector<float> NumbersOf(const Tensor& tensor) {
    std::vector<float> numbers(tensor.data.size() / sizeof(float));
    if (!numbers.empty()) std::memcpy(numbers.data(), tensor.data.data(), tensor.data.size());
    return numbers;
  }

 private:
  const std::unique_ptr<Transcriber> transcriber_;
};

std::unique_ptr<Recognizer> MakeLetters() {
  return std::make_unique<LetterRecognizer>(
      std::make_unique<Transcriber>(Letters(), TestTranscriber(), /*channels=*/1));
}

StreamingOptions TestOptions(bool endpoints = true) {
  StreamingOptions options;
  options.window_samples = TestTranscriber().chunks.max_samples;
  if (!endpoints) options.endpoints.reset();
  return options;
}

// What the model says to a run.
std::vector<Tensor> Answer(const std::vector<Tensor>& run) {
  const std::vector<float> window = LetterRecognizer::NumbersOf(run.front());
  return {LetterRecognizer::TensorOf(Hear(window), tests::FramesIn(window.size()))};
}

// A stream whose model answers at once, unless the test takes the runs itself.
class Stream {
 public:
  explicit Stream(StreamingOptions options = TestOptions()) : transcriber(MakeLetters, std::move(options)) {}

  void Feed(std::string_view text) { Feed(SoundOf(text)); }
  void Feed(const std::vector<float>& sound, std::size_t piece = 640) {
    for (std::size_t at = 0; at < sound.size(); at += piece) {
      transcriber.Feed(std::span(sound).subspan(at, std::min(piece, sound.size() - at)));
      Run();
    }
  }
  void Commit() {
    EXPECT_TRUE(transcriber.Commit().ok());
    Run();
  }
  void Run() {
    while (const auto run = transcriber.NextRun()) {
      ++runs;
      longest = std::max(longest, run->front().data.size() / sizeof(float));
      EXPECT_TRUE(transcriber.TakeAnswer(Answer(*run)).ok());
    }
    Collect();
  }
  void Collect() {
    for (StreamEvent& event : transcriber.TakeEvents()) events.push_back(std::move(event));
  }

  // "1+ 1? 1- 1=AB": what happened to which utterance.
  std::string Told() {
    std::string told;
    for (const StreamEvent& event : events) {
      const char* mark = event.kind == Kind::kStarted   ? "+"
                         : event.kind == Kind::kEnded   ? "-"
                         : event.kind == Kind::kPartial ? "?"
                         : event.kind == Kind::kSettled ? ">"
                         : event.kind == Kind::kFinal   ? "="
                                                        : "!";
      told += (told.empty() ? "" : " ") + std::to_string(event.utterance) + mark + event.transcript.Text();
    }
    events.clear();
    return told;
  }
  std::string Text() const {
    std::string text;
    for (const StreamEvent& event : events) {
      const std::string more = event.kind == Kind::kFinal ? event.transcript.Text() : "";
      text += (text.empty() || more.empty() ? "" : " ") + more;
    }
    return text;
  }

  StreamingTranscriber transcriber;
  std::vector<StreamEvent> events;
  int runs = 0;
  std::size_t longest = 0;
};

// What the path of files makes of the same samples.
Transcript FileTranscript(const std::vector<float>& sound, const TranscriberOptions& options) {
  Transcriber transcriber(Letters(), options, 1);
  transcriber.Feed(std::vector<std::vector<float>>{sound});
  transcriber.End();
  while (const auto window = transcriber.NextWindow()) {
    EXPECT_TRUE(transcriber.TakeLogits(Hear(*window), tests::FramesIn(window->size())).ok());
  }
  return transcriber.Finish();
}

std::string Silence(int frames) { return Times(".", frames); }

void ExpectSame(const Transcript& live, const Transcript& file, double shift_s) {
  EXPECT_EQ(live.Text(), file.Text());
  EXPECT_DOUBLE_EQ(live.duration_s, file.duration_s);
  ASSERT_EQ(live.segments.size(), file.segments.size());
  for (std::size_t i = 0; i < file.segments.size(); ++i) {
    ASSERT_EQ(live.segments[i].words.size(), file.segments[i].words.size());
    for (std::size_t w = 0; w < file.segments[i].words.size(); ++w) {
      const auto& got = live.segments[i].words[w];
      const auto& wanted = file.segments[i].words[w];
      EXPECT_EQ(got.text, wanted.text);
      EXPECT_NEAR(got.start_s, wanted.start_s + shift_s, 1e-9);
      EXPECT_NEAR(got.end_s, wanted.end_s + shift_s, 1e-9);
      EXPECT_DOUBLE_EQ(got.confidence, wanted.confidence);
    }
  }
}

TEST(StreamingTranscriber, AnUtteranceIsToldFromItsStartToItsFinal) {
  Stream stream;
  stream.Feed(Silence(50) + "AB|CD" + Silence(40));
  ASSERT_EQ(stream.events.size(), 3u);
  const StreamEvent& started = stream.events[0];
  EXPECT_EQ(started.kind, Kind::kStarted);
  EXPECT_NEAR(started.start_s, 0.7, 1e-9) << "300 ms before the first loud frame";
  const StreamEvent& final = stream.events[2];
  EXPECT_EQ(final.kind, Kind::kFinal);
  EXPECT_NEAR(final.end_s, 1.3, 1e-9) << "200 ms after the last loud frame";
  ASSERT_EQ(final.transcript.segments.size(), 1u);
  const auto& words = final.transcript.segments[0].words;
  ASSERT_EQ(words.size(), 2u);
  EXPECT_NEAR(words[0].start_s, 1.0, 1e-9);
  EXPECT_NEAR(words[0].end_s, 1.04, 1e-9);
  EXPECT_NEAR(words[1].end_s, 1.1, 1e-9);
  EXPECT_EQ(stream.Told(), "1+ 1- 1=AB CD");
}

TEST(StreamingTranscriber, TheFinalIsThereWhenTheSilenceIsLongEnoughBecauseItWasHeardBefore) {
  Stream stream;
  stream.Feed("ABCD" + Silence(24));
  EXPECT_EQ(stream.Told(), "1+");
  const int runs = stream.runs;
  stream.Feed(SoundOf("."), 320);
  ASSERT_EQ(stream.events.size(), 2u);
  EXPECT_NEAR(stream.events[1].latency_s, 0.5, 1e-9);
  EXPECT_EQ(stream.Told(), "1- 1=ABCD");
  EXPECT_EQ(stream.runs, runs) << "the model was not asked again";
}

TEST(StreamingTranscriber, PartialsAreMarkedAndGrow) {
  StreamingOptions options = TestOptions();
  options.partials = true;
  Stream stream(options);
  stream.Feed(Times("ABCD|", 3) + Times("A.B.", 5) + Silence(30));
  EXPECT_THAT(stream.Told(), testing::StartsWith("1+ 1?ABCD ABCD ABCD 1?"));
}

TEST(StreamingTranscriber, TheFirstPartialComesWithinThreeHundredMillisecondsOfSpeech) {
  StreamingOptions options = TestOptions();
  options.partials = true;
  Stream stream(options);
  stream.Feed(Silence(50) + Times("A.", 8));
  EXPECT_EQ(stream.Told(), "1+ 1?AAAAAAAA");
}

TEST(StreamingTranscriber, WordsAreToldForGoodWhileTheUtteranceGoesOn) {
  StreamingOptions options = TestOptions();
  options.settle_s = 0.2;
  Stream stream(options);
  stream.Feed("AB|CD|" + Silence(9) + "DDCC|BBAA|" + Silence(9) + "ABAB|" + Times("C", 9) + Silence(40));
  EXPECT_EQ(stream.Told(), "1+ 1>AB CD 1> DC BA 1> ABAB C 1- 1=AB CD DC BA ABAB C");
}

TEST(StreamingTranscriber, SettledWordsAreTheBeginningOfTheFinal) {
  std::mt19937 random(5);
  std::size_t settled = 0;
  for (int round = 0; round < 20; ++round) {
    std::string text;
    while (text.size() < 1'000) {
      for (unsigned i = 0; i < 1 + random() % 60; ++i) text += "ABCD|."[random() % 6];
      text += Silence(static_cast<int>(random() % 40));
    }
    StreamingOptions options = TestOptions();
    options.settle_s = 0.1 * static_cast<double>(random() % 10);
    options.partials = round % 2 == 0;
    Stream stream(options);
    stream.Feed(SoundOf(text + Silence(40)), 1 + random() % 3'000);
    std::string told;
    for (const StreamEvent& event : stream.events) {
      if (event.kind == Kind::kSettled) told += event.transcript.Text();
      if (event.kind != Kind::kFinal) continue;
      EXPECT_THAT(event.transcript.Text(), testing::StartsWith(told));
      settled += told.size();
      told.clear();
    }
  }
  EXPECT_GT(settled, 1'000U);
}

TEST(StreamingTranscriber, AnUtteranceEqualsTheFileOfItsSamples) {
  std::mt19937 random(3);
  for (int round = 0; round < 30; ++round) {
    std::string text;
    while (text.size() < 1'500) {
      for (unsigned i = 0; i < 1 + random() % 60; ++i) text += "ABCD|."[random() % 6];
      text += Silence(static_cast<int>(random() % 60));
    }
    text += Silence(40);
    const std::vector<float> sound = SoundOf(text);
    StreamingOptions options = TestOptions();
    options.partials = round % 2 == 0;
    Stream stream(options);
    stream.Feed(sound, 1 + random() % 9'000);
    std::int64_t before = 0;
    int finals = 0;
    for (const StreamEvent& event : stream.events) {
      if (event.kind != Kind::kFinal) continue;
      const auto begin = std::llround(event.start_s * 16'000);
      const auto end = std::llround(event.end_s * 16'000);
      EXPECT_GE(begin, before) << "no sample is in two utterances";
      before = end;
      const std::vector<float> part(sound.begin() + begin, sound.begin() + end);
      ExpectSame(event.transcript, FileTranscript(part, TestTranscriber()), event.start_s);
      ++finals;
    }
    EXPECT_GT(finals, 0);
  }
}

TEST(StreamingTranscriber, NoWordIsLostBetweenUtterances) {
  std::mt19937 random(9);
  for (int round = 0; round < 20; ++round) {
    std::string text;
    std::string wanted;
    for (int word = 0; word < 60; ++word) {
      const std::string letters(3 + random() % 4, "ABCD"[random() % 4]);
      text += letters + "|" + Silence(static_cast<int>(random() % 50));
      wanted += (wanted.empty() ? "" : " ") + letters.substr(0, 1);
    }
    Stream stream;
    stream.Feed(text + Silence(40));
    EXPECT_EQ(stream.Text(), wanted) << "round " << round;
  }
}

TEST(StreamingTranscriber, CommittedByHandAWholeRecordingEqualsItsFile) {
  std::mt19937 random(4);
  for (int round = 0; round < 10; ++round) {
    std::string text;
    for (unsigned i = 0; i < 200 + random() % 900; ++i) text += "ABCD|.~"[random() % 7];
    std::vector<float> sound = SoundOf(text);
    sound.resize(sound.size() - random() % 320);
    const StreamingOptions options = TestOptions(false);
    Stream stream(options);
    stream.Feed(sound, 1 + random() % 9'000);
    EXPECT_EQ(stream.Told(), "") << "nothing ends by itself";
    stream.Commit();
    ASSERT_EQ(stream.events.size(), 2u);
    ExpectSame(stream.events[1].transcript, FileTranscript(sound, TestTranscriber()), 0);
    EXPECT_DOUBLE_EQ(stream.events[1].end_s, static_cast<double>(sound.size()) / 16'000);
  }
}

TEST(StreamingTranscriber, CommitsFollowEachOtherWithoutAGap) {
  Stream stream(TestOptions(false));
  stream.Feed("ABC|..");
  stream.Commit();
  stream.Feed("DDAA..");
  stream.Commit();
  EXPECT_DOUBLE_EQ(stream.events[3].start_s, stream.events[1].end_s);
  EXPECT_EQ(stream.Told(), "1- 1=ABC 2- 2=DA");
}

TEST(StreamingTranscriber, ACommitEndsAnUtteranceThatEndpointsWouldLetGoOn) {
  Stream stream;
  stream.Feed("ABCDABB");
  stream.Commit();
  EXPECT_EQ(stream.Told(), "1+ 1- 1=ABCDAB");
  stream.Feed("CCCC" + Silence(30));
  EXPECT_EQ(stream.Told(), "2+ 2- 2=C");
}

TEST(StreamingTranscriber, ACommitOfNothingIsAnError) {
  for (const bool endpoints : {true, false}) {
    Stream stream(TestOptions(endpoints));
    for (const std::string_view sound : {"", "...."}) {
      stream.Feed(sound);
      const auto committed = stream.transcriber.Commit();
      ASSERT_FALSE(committed.ok());
      EXPECT_EQ(committed.error().code, "input_audio_buffer_commit_empty");
    }
    stream.Feed("ABCD.");
    stream.Commit();
    EXPECT_THAT(stream.Told(), testing::EndsWith("ABCD")) << "the stream goes on";
  }
}

TEST(StreamingTranscriber, WhatIsClearedIsNotHeard) {
  for (const bool endpoints : {true, false}) {
    Stream stream(TestOptions(endpoints));
    stream.Feed("AAAABBBB");
    stream.transcriber.Clear();
    stream.Feed("CCCCC|DDDDDD");
    stream.Commit();
    EXPECT_EQ(stream.Text(), "C D");
  }
}

TEST(StreamingTranscriber, AnAnswerAboutAClearedUtteranceIsIgnored) {
  Stream stream(TestOptions(false));
  stream.transcriber.Feed(SoundOf(Times("ABCD|", 30)));
  const auto run = stream.transcriber.NextRun();
  ASSERT_TRUE(run);
  stream.transcriber.Clear();
  ASSERT_TRUE(stream.transcriber.TakeAnswer(Answer(*run)).ok());
  stream.Feed("DDDDDD");
  stream.Commit();
  EXPECT_EQ(stream.Told(), "2- 2=D");
}

TEST(StreamingTranscriber, NoiseInWhichNothingIsHeardEndsAndIsNotAskedAboutAgain) {
  Stream stream;
  stream.Feed(Times("~", 400));
  EXPECT_EQ(stream.Told(), "1+ 1- 1=");
  stream.Feed("DDDDDDDD" + Times("~", 200));
  EXPECT_EQ(stream.Told(), "2+ 2- 2=D") << "a voice above the noise is heard";
}

TEST(StreamingTranscriber, SpeechInNoiseEndsWhereTheModelHearsNoMore) {
  Stream stream;
  stream.Feed("AAAA|BBBB" + Times("~", 300));
  EXPECT_THAT(stream.Told(), testing::StartsWith("1+ 1- 1=A B"));
}

TEST(StreamingTranscriber, SpeechWithoutAPauseEndsAtABreathOrAtTheLongestUtterance) {
  Stream stream;
  // A breath of 100 ms each five seconds is enough after half a minute.
  stream.Feed(Times(Times("ABCD|", 49) + Silence(5), 10));
  ASSERT_GE(stream.events.size(), 3u);
  EXPECT_NEAR(stream.events[2].end_s, 30, 5);
  Stream without;
  without.Feed(Times("ABCD|", 700) + Silence(40));
  std::vector<std::string> words;
  EXPECT_NEAR(without.events[2].end_s, 60, 0.1);
  EXPECT_EQ(without.Text().size(), 700u * 5 - 1) << "and nothing is lost at the cut";
}

TEST(StreamingTranscriber, WhatIsHeldDoesNotGrowWithTheStream) {
  Stream stream;
  for (int minute = 0; minute < 20; ++minute) {
    stream.Feed(SoundOf(Times(Times("ABCD|", 40) + Silence(30), 10) + Silence(700)), 4'800);
    EXPECT_EQ(stream.transcriber.backlog_samples(), 0);
    EXPECT_EQ(stream.events.size(), 30u);
    stream.events.clear();
  }
  EXPECT_LE(stream.longest, 32'000u);
}

TEST(StreamingTranscriber, ABacklogIsToldWhileTheModelIsBusy) {
  Stream stream(TestOptions(false));
  stream.transcriber.Feed(SoundOf(Times("ABCD|", 30)));
  ASSERT_TRUE(stream.transcriber.NextRun());
  EXPECT_EQ(stream.transcriber.backlog_samples(), 50 * 320);
  stream.transcriber.Feed(SoundOf(Times("ABCD|", 30)));
  EXPECT_EQ(stream.transcriber.backlog_samples(), 200 * 320);
}

TEST(StreamingTranscriber, WithoutEndpointsItIsFullAfterTheLongestCommit) {
  Stream stream(TestOptions(false));
  const std::vector<float> minute(60 * 16'000);
  for (int i = 0; i < 30; ++i) {
    EXPECT_FALSE(stream.transcriber.full());
    stream.Feed(minute, minute.size());
  }
  EXPECT_TRUE(stream.transcriber.full());
  stream.Commit();
  EXPECT_FALSE(stream.transcriber.full());
}

TEST(StreamingTranscriber, AModelThatFailsCostsOneUtteranceAndNotTheStream) {
  Stream stream(TestOptions(false));
  stream.transcriber.Feed(SoundOf("ABCDABCD"));
  ASSERT_TRUE(stream.transcriber.Commit().ok());
  ASSERT_TRUE(stream.transcriber.NextRun());
  stream.transcriber.DropRun();
  stream.Feed("CCCCCC");
  stream.Commit();
  EXPECT_EQ(stream.Told(), "1- 1! 2- 2=C");
}

TEST(StreamingTranscriber, APartialThatFailsIsLeftOut) {
  StreamingOptions options = TestOptions();
  options.partials = true;
  Stream stream(options);
  stream.transcriber.Feed(SoundOf(Times("ABCD", 6)));
  ASSERT_TRUE(stream.transcriber.NextRun());
  stream.transcriber.DropRun();
  stream.Run();
  EXPECT_EQ(stream.Told(), "1+");
  stream.Feed(Silence(40));
  EXPECT_EQ(stream.Told(), "1?ABCDABCDABCDABCDABCDABCD 1- 1=ABCDABCDABCDABCDABCDABCD");
}

TEST(StreamingTranscriber, AFailureInTheMiddleOfALongUtteranceEndsIt) {
  Stream stream;
  stream.transcriber.Feed(SoundOf(Times("ABCD|", 60)));
  ASSERT_TRUE(stream.transcriber.NextRun());
  stream.transcriber.DropRun();
  stream.Feed("AAAAAA" + Silence(40));
  EXPECT_EQ(stream.Told(), "1+ 1- 1! 2+ 2- 2=A");
}

TEST(StreamingTranscriber, LogitsOfAnotherShapeAreRefused) {
  Stream stream(TestOptions(false));
  stream.transcriber.Feed(SoundOf("ABCDABCD"));
  ASSERT_TRUE(stream.transcriber.Commit().ok());
  ASSERT_TRUE(stream.transcriber.NextRun());
  const auto taken = stream.transcriber.TakeAnswer(
      std::vector<Tensor>{LetterRecognizer::TensorOf(std::vector<float>(9), 1)});
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, "model-frames");
  stream.transcriber.DropRun();
  stream.Collect();
  EXPECT_EQ(stream.Told(), "1- 1!");
}

TEST(SampleBuffer, SamplesKeepTheirNumbers) {
  SampleBuffer buffer;
  std::mt19937 random(2);
  std::int64_t next = 0;
  for (int step = 0; step < 2'000; ++step) {
    std::vector<float> more(random() % 50);
    for (float& sample : more) sample = static_cast<float>(next++);
    buffer.Append(more);
    buffer.DropBefore(buffer.begin() + static_cast<std::int64_t>(random() % 60));
    ASSERT_EQ(buffer.end(), next);
    const auto view = buffer.View(buffer.begin(), buffer.end());
    for (std::size_t i = 0; i < view.size(); ++i) {
      ASSERT_EQ(view[i], static_cast<float>(buffer.begin() + static_cast<std::int64_t>(i)));
    }
  }
}

}  // namespace
}  // namespace blindai::speech
