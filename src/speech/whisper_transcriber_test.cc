#include "speech/whisper_transcriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "support/voices.h"
#include "support/whisper_files.h"

namespace blindai::speech {
namespace {

using model::WhisperRules;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using vocabulary::CoverageKind;
using vocabulary::Segment;
using vocabulary::Tensor;
using vocabulary::Transcript;

constexpr int kVocabulary = 1'772;  // of the multilingual files; the English ones have three less

WhisperTokens Tokens(bool multilingual = false) {
  return WhisperTokens::Parse(tests::WhisperTokenizerJson(multilingual),
                              tests::WhisperGenerationJson(multilingual))
      .value();
}

std::vector<float> Silence(double seconds) {
  return std::vector<float>(static_cast<std::size_t>(seconds * 16'000));
}
std::vector<float> Tone(double seconds, double hz = 300, float amplitude = 0.3F) {
  std::vector<float> tone = Silence(seconds);
  for (std::size_t i = 0; i < tone.size(); ++i)
    tone[i] = amplitude * static_cast<float>(std::sin(hz * 6.283185307 * static_cast<double>(i) / 16'000));
  return tone;
}
std::vector<float> operator+(std::vector<float> left, const std::vector<float>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

struct Answer {
  std::vector<std::int32_t> tokens;
  float belief = -0.2F;
  float no_speech = 0.01F;
  std::vector<std::int32_t> starts = {};  // of its text tokens, and the end
};

// What a run asked for.
struct Asked {
  WhisperRules rules;
  double heard_s = 0;     // seconds with sound among its features
  double sound_to_s = 0;  // where the last of it ends
};

// A model that answers each run by a function of what was asked, and keeps what was asked.
class Model {
 public:
  using Say = std::function<Answer(const Asked&)>;
  Model(const WhisperTokens& tokens, Say say) : tokens_(tokens), say_(std::move(say)) {}

  std::vector<Tensor> Run(const std::vector<Tensor>& inputs) {
    std::vector<base::ByteView> views;
    for (const Tensor& tensor : inputs) views.emplace_back(tensor.data);
    Asked asked{.rules = model::WhisperRulesOf(views, kVocabulary).value()};
    Listen(inputs.front(), asked);
    asked_.push_back(asked);
    const Answer answer = say_(asked);
    std::vector<float> beliefs(answer.tokens.size() + 1, answer.belief);
    std::vector<float> start(kVocabulary, 0);
    start[static_cast<std::size_t>(tokens_.special().no_speech)] = answer.no_speech;
    if (const auto french = tokens_.languages().find("fr"); french != tokens_.languages().end())
      start[static_cast<std::size_t>(french->second)] = 0.7F;
    std::vector<Tensor> outputs = {{"tokens", vocabulary::Datatype::kInt32, {}, BytesOf(answer.tokens)},
                                   {"log_probabilities", vocabulary::Datatype::kFp32, {}, BytesOf(beliefs)},
                                   {"start_probabilities", vocabulary::Datatype::kFp32, {}, BytesOf(start)}};
    if (asked.rules.aligned_positions > 0)
      outputs.push_back({"token_starts", vocabulary::Datatype::kInt32, {}, BytesOf(answer.starts)});
    return outputs;
  }
  const std::vector<Asked>& asked() const { return asked_; }

 private:
  template <typename Number>
  static base::Bytes BytesOf(const std::vector<Number>& numbers) {
    base::Bytes bytes(numbers.size() * sizeof(Number));
    if (!bytes.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
    return bytes;
  }
  // Frames in which some bin is well above the quietest.
  static void Listen(const Tensor& features, Asked& asked) {
    std::vector<float> values(features.data.size() / sizeof(float));
    std::memcpy(values.data(), features.data.data(), features.data.size());
    for (std::size_t frame = 0; frame < kWhisperFrames; ++frame) {
      for (std::size_t bin = 0; bin < 80; ++bin) {
        if (values[bin * kWhisperFrames + frame] < 0.5F) continue;
        asked.heard_s += 0.01;
        asked.sound_to_s = 0.01 * static_cast<double>(frame + 1);
        break;
      }
    }
  }

  const WhisperTokens& tokens_;
  const Say say_;
  std::vector<Asked> asked_;
};

std::int32_t Time(const WhisperTokens& tokens, double seconds) {
  return tokens.first_timestamp() + static_cast<std::int32_t>(std::lround(seconds / kSecondsPerTimestamp));
}

// "hello" from the start to the last sound.
Model::Say SayHello(const WhisperTokens& tokens) {
  return [&tokens](const Asked& asked) {
    return Answer{{Time(tokens, 0), 259, 'o', Time(tokens, std::min(30.0, asked.sound_to_s))}};
  };
}

Transcript Transcribe(const WhisperTokens& tokens, Model& model,
                      const std::vector<std::vector<float>>& channels, WhisperOptions options = {},
                      std::size_t piece = 16'000, bool aligns = false) {
  const model::WhisperDimensions dimensions{
      .bins = 80, .frames = kWhisperFrames, .vocabulary = kVocabulary, .aligns = aligns};
  WhisperTranscriber transcriber(tokens, dimensions, std::move(options), static_cast<int>(channels.size()));
  std::size_t at = 0;
  while (!transcriber.done()) {
    if (const auto inputs = transcriber.NextRun()) {
      EXPECT_TRUE(transcriber.TakeAnswer(model.Run(*inputs)).ok());
    } else if (at < channels[0].size()) {
      const std::size_t to = std::min(channels[0].size(), at + piece);
      std::vector<std::vector<float>> pieces;
      for (const auto& channel : channels)
        pieces.emplace_back(channel.begin() + static_cast<std::ptrdiff_t>(at),
                            channel.begin() + static_cast<std::ptrdiff_t>(to));
      transcriber.Feed(pieces);
      at = to;
    } else if (!transcriber.done()) {
      transcriber.End();
    }
  }
  return transcriber.Finish();
}

double CoveredSeconds(const Transcript& transcript, CoverageKind kind) {
  double sum = 0;
  for (const auto& span : transcript.coverage) {
    if (span.kind == kind) sum += span.end_s - span.start_s;
  }
  return sum;
}

TEST(WhisperTranscriber, SilenceIsNeverHeardAndGivesAnEmptyTranscript) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  const Transcript transcript = Transcribe(tokens, model, {Silence(100)});
  EXPECT_THAT(model.asked(), IsEmpty());
  EXPECT_THAT(transcript.segments, IsEmpty());
  EXPECT_EQ(transcript.duration_s, 100);
  EXPECT_NEAR(CoveredSeconds(transcript, CoverageKind::kSilence), 100, 1e-9);
}

TEST(WhisperTranscriber, NothingIsDoneAtOnce) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  EXPECT_EQ(Transcribe(tokens, model, {{}}).duration_s, 0);
}

TEST(WhisperTranscriber, WithoutTimesOfTokensASentenceHasTheTimesThatTheModelClaimsAndNoWords) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  const Transcript transcript = Transcribe(tokens, model, {Silence(2) + Tone(3) + Silence(1)});
  ASSERT_THAT(transcript.segments, SizeIs(1));
  const Segment& segment = transcript.segments[0];
  EXPECT_EQ(segment.text, "hello");
  EXPECT_NEAR(segment.start_s, 1.8, 0.03);
  EXPECT_NEAR(segment.end_s, 5.0, 0.1);
  EXPECT_NEAR(segment.mean_log_probability, -0.2, 1e-6);
  EXPECT_EQ(segment.speaker, vocabulary::kNoSpeaker);
  EXPECT_THAT(segment.words, IsEmpty());
  EXPECT_EQ(transcript.language, "en");
  EXPECT_NEAR(CoveredSeconds(transcript, CoverageKind::kTranscribed), 3.2, 0.1);
}

// "hello" and "o o" from the start to half of the window and from there to its end; tokens a quarter of it long.
Model::Say SayThreeWords(const WhisperTokens& tokens) {
  return [&tokens](const Asked& asked) {
    const std::int32_t step = asked.rules.aligned_positions / 4;
    const double end_s = step * 4 * kSecondsPerTimestamp;
    return Answer{.tokens = {Time(tokens, 0), 259, 'o', Time(tokens, end_s / 2), Time(tokens, end_s / 2), ' ',
                             'o', ' ', 'o', Time(tokens, end_s)},
                  .starts = {0, step, 2 * step, 2 * step, 3 * step, 3 * step, 4 * step}};
  };
}
Transcript WithWords(const WhisperTokens& tokens, Model& model,
                     const std::vector<std::vector<float>>& channels) {
  return Transcribe(tokens, model, channels, {}, 16'000, /*aligns=*/true);
}

TEST(WhisperTranscriber, WordsHaveTheTimesOfTheirTokensAndSegmentsThoseOfTheirWords) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayThreeWords(tokens));
  const Transcript transcript = WithWords(tokens, model, {Silence(5) + Tone(1.8) + Silence(0.5)});
  ASSERT_THAT(transcript.segments, SizeIs(2));
  const Segment& hello = transcript.segments[0];
  const Segment& more = transcript.segments[1];
  ASSERT_THAT(hello.words, SizeIs(1));
  ASSERT_THAT(more.words, SizeIs(2));
  EXPECT_EQ(hello.words[0].text, "hello");
  EXPECT_NEAR(hello.words[0].confidence, std::exp(-0.2), 1e-6);
  // The window begins 0.2 s before the sound and ends with the recording; the words are where it is loud.
  const double window_s = 2.5;
  EXPECT_NEAR(hello.start_s, 5, 0.03);
  EXPECT_NEAR(hello.end_s, 4.8 + window_s / 2, 0.05);
  EXPECT_NEAR(more.words[0].end_s, 4.8 + window_s * 3 / 4, 0.05);
  EXPECT_NEAR(more.end_s, 6.8, 0.03);
  EXPECT_EQ(more.end_s, more.words[1].end_s);
}

TEST(WhisperTranscriber, WordsNeverGoBackAndAreTheText) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayThreeWords(tokens));
  std::vector<float> recording;
  for (int i = 0; i < 9; ++i) recording = std::move(recording) + Tone(7) + Silence(1);
  const Transcript transcript = WithWords(tokens, model, {recording});
  ASSERT_THAT(transcript.segments, testing::Not(IsEmpty()));
  double at_s = 0;
  for (const Segment& segment : transcript.segments) {
    std::string text;
    for (const vocabulary::Word& word : segment.words) {
      EXPECT_LE(at_s, word.start_s);
      EXPECT_LE(word.start_s, word.end_s);
      EXPECT_LE(segment.start_s, word.start_s);
      EXPECT_LE(word.end_s, segment.end_s);
      at_s = word.end_s;
      text += (text.empty() ? "" : " ") + word.text;
    }
    EXPECT_EQ(text, segment.text);
  }
}

TEST(WhisperTranscriber, ASegmentThatClaimsToGoOnEndsWithItsLastWord) {
  const WhisperTokens tokens = Tokens();
  // It claims five seconds; the word is in the first one.
  Model model(tokens, [&tokens](const Asked&) {
    return Answer{.tokens = {Time(tokens, 0), 259, 'o', Time(tokens, 5)}, .starts = {0, 25, 50}};
  });
  const Transcript transcript =
      WithWords(tokens, model, {Tone(1) + Silence(5), Silence(2) + Tone(1, 500) + Silence(3)});
  ASSERT_THAT(transcript.segments, SizeIs(2));
  EXPECT_NEAR(transcript.segments[0].end_s, 1, 0.03);
  EXPECT_GE(transcript.segments[1].start_s, transcript.segments[0].end_s);
}

TEST(WhisperTranscriber, StartsThatDoNotGoWithTheTextGiveNoWords) {
  const WhisperTokens tokens = Tokens();
  for (const std::vector<std::int32_t>& starts : {std::vector<std::int32_t>{}, {0}, {0, 1, 2, 3}}) {
    Model model(tokens, [&](const Asked&) {
      return Answer{.tokens = {Time(tokens, 0), 259, 'o', Time(tokens, 2)}, .starts = starts};
    });
    const Transcript transcript = WithWords(tokens, model, {Tone(2)});
    ASSERT_THAT(transcript.segments, SizeIs(1));
    EXPECT_THAT(transcript.segments[0].words, IsEmpty());
    EXPECT_NEAR(transcript.segments[0].end_s, 2, 1e-6);
  }
}

TEST(WhisperTranscriber, AsksForTheTimesOfTheSoundOnly) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayThreeWords(tokens));
  (void)WithWords(tokens, model, {Tone(3)});
  ASSERT_THAT(model.asked(), SizeIs(1));
  EXPECT_EQ(model.asked()[0].rules.aligned_positions, 150);
  EXPECT_THAT(model.asked()[0].rules.alignment_heads, ElementsAre(model::AttentionHead{0, 0}));
}

TEST(WhisperTranscriber, AsksInTheModelsOwnWay) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  (void)Transcribe(tokens, model, {Tone(3)});
  ASSERT_THAT(model.asked(), SizeIs(1));
  const WhisperRules& rules = model.asked()[0].rules;
  EXPECT_THAT(rules.prompt, ElementsAre(tokens.special().start_of_transcript));
  EXPECT_EQ(rules.end_of_text, 260);
  EXPECT_EQ(rules.first_timestamp, tokens.first_timestamp());
  EXPECT_EQ(rules.last_initial_timestamp, 50);
  EXPECT_EQ(rules.most_tokens, 224);
  EXPECT_EQ(rules.temperature, 0);
  EXPECT_EQ(rules.beams, 1);
}

TEST(WhisperTranscriber, ALongRecordingIsCutInSilenceAndHeardOnce) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  std::vector<float> recording;
  for (int i = 0; i < 12; ++i) recording = std::move(recording) + Tone(7) + Silence(1);
  const Transcript transcript = Transcribe(tokens, model, {recording});
  double heard_s = 0;
  for (const Asked& asked : model.asked()) heard_s += asked.heard_s;
  EXPECT_NEAR(heard_s, 84, 2);
  EXPECT_THAT(model.asked(), SizeIs(4));
  EXPECT_THAT(transcript.segments, SizeIs(4));
}

TEST(WhisperTranscriber, WithoutSilenceTheTimestampsSayWhereToGoOn) {
  const WhisperTokens tokens = Tokens();
  // Two sentences: one to 20 s, one that is cut off.
  Model model(tokens, [&tokens](const Asked& asked) {
    if (asked.heard_s < 29) return Answer{{Time(tokens, 0), 'c', Time(tokens, asked.heard_s)}};
    return Answer{{Time(tokens, 0), 'a', Time(tokens, 20), Time(tokens, 20), 'b'}};
  });
  const Transcript transcript = Transcribe(tokens, model, {Tone(45)});
  ASSERT_THAT(transcript.segments, SizeIs(2));
  EXPECT_EQ(transcript.segments[0].text, "a");
  EXPECT_NEAR(transcript.segments[0].end_s, 20, 1e-6);
  EXPECT_EQ(transcript.segments[1].text, "c");
  EXPECT_NEAR(transcript.segments[1].start_s, 20, 1e-6);
  EXPECT_NEAR(transcript.segments[1].end_s, 45, 0.1);
}

TEST(WhisperTranscriber, SoundBehindTheLastTimestampIsHeardAgain) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, [&tokens](const Asked& asked) {
    return Answer{{Time(tokens, 0), 'a', Time(tokens, asked.heard_s > 10 ? 8 : asked.heard_s)}};
  });
  const Transcript transcript = Transcribe(tokens, model, {Tone(14)});
  ASSERT_THAT(transcript.segments, SizeIs(2));
  EXPECT_NEAR(transcript.segments[1].start_s, 8, 1e-6);
  EXPECT_NEAR(transcript.segments[1].end_s, 14, 0.1);
}

TEST(WhisperTranscriber, ATextThatIsNotBelievedInIsAskedForAtHigherTemperatures) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, [&tokens](const Asked& asked) {
    return Answer{{Time(tokens, 0), 'a', Time(tokens, 3)}, asked.rules.temperature > 0.3F ? -0.5F : -1.5F};
  });
  const Transcript transcript = Transcribe(tokens, model, {Tone(3)}, {.beams = 5});
  ASSERT_THAT(model.asked(), SizeIs(3));
  EXPECT_EQ(model.asked()[0].rules.beams, 5);
  EXPECT_FLOAT_EQ(model.asked()[1].rules.temperature, 0.2F);
  EXPECT_EQ(model.asked()[1].rules.beams, 1);
  EXPECT_FLOAT_EQ(model.asked()[2].rules.temperature, 0.4F);
  ASSERT_THAT(transcript.segments, SizeIs(1));
  EXPECT_NEAR(transcript.segments[0].mean_log_probability, -0.5, 1e-6);
  EXPECT_NEAR(transcript.segments[0].temperature, 0.4, 1e-6);
}

TEST(WhisperTranscriber, EverySegmentHasTheMeasuresOfItsWindow) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, [&tokens](const Asked&) {
    Answer answer{{Time(tokens, 0)}, -0.25F, 0.125F};
    for (int i = 0; i < 20; ++i) answer.tokens.push_back('a');
    answer.tokens.insert(answer.tokens.end(), {Time(tokens, 1), Time(tokens, 1), 'b', Time(tokens, 3)});
    return answer;
  });
  const Transcript transcript = Transcribe(tokens, model, {Tone(3)});
  ASSERT_THAT(transcript.segments, SizeIs(2));
  for (const Segment& segment : transcript.segments) {
    EXPECT_EQ(segment.temperature, 0);
    EXPECT_EQ(segment.mean_log_probability, -0.25);
    EXPECT_EQ(segment.no_speech_probability, 0.125);
    // "aaaaaaaaaaaaaaaaaaaab", of which zlib makes a dozen bytes.
    EXPECT_NEAR(segment.compression_ratio, 21.0 / 12, 0.2);
  }
}

TEST(WhisperTranscriber, ATextThatRepeatsItselfIsAskedForAgainAndMarkedInTheEnd) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, [&tokens](const Asked&) {
    Answer answer{{Time(tokens, 0)}};
    for (int i = 0; i < 100; ++i) answer.tokens.push_back(259);
    answer.tokens.push_back(Time(tokens, 3));
    return answer;
  });
  (void)Transcribe(tokens, model, {Tone(3)});
  EXPECT_THAT(model.asked(), SizeIs(6));
}

TEST(WhisperTranscriber, WhatIsDoubtedInTheEndIsOfLowConfidence) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, [&tokens](const Asked&) {
    return Answer{{Time(tokens, 0), 'a', Time(tokens, 3)}, -1.5F};
  });
  const Transcript transcript = Transcribe(tokens, model, {Tone(3)});
  EXPECT_THAT(model.asked(), SizeIs(6));
  EXPECT_NEAR(CoveredSeconds(transcript, CoverageKind::kLowConfidence), 3, 1e-6);
}

TEST(WhisperTranscriber, AWindowWithoutSpeechHasNoText) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, [&tokens](const Asked&) {
    return Answer{{Time(tokens, 0), 'a', Time(tokens, 3)}, -1.5F, 0.7F};
  });
  const Transcript transcript = Transcribe(tokens, model, {Tone(50)});
  EXPECT_THAT(transcript.segments, IsEmpty());
  EXPECT_NEAR(CoveredSeconds(transcript, CoverageKind::kSilence), 50, 1e-6);
  EXPECT_THAT(model.asked(), SizeIs(2));
}

TEST(WhisperTranscriber, PunctuationAloneIsNoText) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, [&tokens](const Asked&) {
    // " . .", a dash, a note; then a word with an accent.
    return Answer{{Time(tokens, 0), ' ', '.', ' ', '.', Time(tokens, 1), Time(tokens, 1), 0xe2, 0x80, 0x94,
                   0xe2, 0x99, 0xaa, Time(tokens, 2), Time(tokens, 2), 0xc3, 0xa9, Time(tokens, 3)}};
  });
  const Transcript transcript = Transcribe(tokens, model, {Tone(3)});
  ASSERT_THAT(transcript.segments, SizeIs(1));
  EXPECT_EQ(transcript.segments[0].text, "é");
  EXPECT_NEAR(CoveredSeconds(transcript, CoverageKind::kSilence), 2, 1e-6);
}

// A tone of more than 0.4 is noise: louder than a voice, and none.
float HearTones(std::span<const float> frame) {
  const float peak = std::ranges::max(frame);
  return peak > 0.001F && peak < 0.4F ? 0.9F : 0.1F;
}
std::vector<float> Noise(double seconds) { return Tone(seconds, 700, 0.6F); }

Transcript TranscribeVoices(const WhisperTokens& tokens, Model& model,
                            const std::vector<std::vector<float>>& channels, std::size_t piece = 16'000) {
  Voices voices(static_cast<int>(channels.size()));
  tests::HearAll(voices, channels, HearTones);
  WhisperOptions options;
  options.voices = &voices;
  return Transcribe(tokens, model, channels, std::move(options), piece);
}

TEST(WhisperTranscriber, NoiseInWhichNobodySpeaksIsNeverHeard) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  const Transcript transcript = TranscribeVoices(tokens, model, {Noise(100)});
  EXPECT_THAT(model.asked(), IsEmpty());
  EXPECT_THAT(transcript.segments, IsEmpty());
  EXPECT_NEAR(CoveredSeconds(transcript, CoverageKind::kSilence), 100, 1e-9);
}

TEST(WhisperTranscriber, AWindowBeginsWithTheVoiceAndIsCutWhereThereIsNone) {
  const WhisperTokens tokens = Tokens();
  for (const std::size_t piece : {16'000U, 5'001U}) {
    Model model(tokens, SayHello(tokens));
    const Transcript transcript =
        TranscribeVoices(tokens, model, {Noise(20) + Tone(3) + Noise(10) + Tone(12) + Noise(20)}, piece);
    ASSERT_THAT(transcript.segments, testing::Not(IsEmpty()));
    // A second before it, which the model may find a quiet word in.
    EXPECT_NEAR(transcript.segments[0].start_s, 19, 0.1);
    // The last voice ends at 45 s, and what comes behind it is nobody's.
    EXPECT_LT(transcript.segments.back().start_s, 45);
    ASSERT_THAT(model.asked(), SizeIs(1));
    EXPECT_NEAR(model.asked()[0].sound_to_s, 1 + 25 + 1, 0.1);
  }
}

TEST(WhisperTranscriber, AQuietVoiceIsHeardWhereItIsKnown) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  const std::vector<std::vector<float>> sound = {Silence(2) + Tone(3, 300, 0.003F) + Silence(2)};
  EXPECT_THAT(Transcribe(tokens, model, sound).segments, IsEmpty());
  EXPECT_THAT(TranscribeVoices(tokens, model, sound).segments, SizeIs(1));
}

TEST(WhisperTranscriber, TwoPeopleAreTwoSpeakers) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  const Transcript transcript =
      Transcribe(tokens, model, {Tone(3) + Silence(5), Silence(4) + Tone(3, 500) + Silence(1)});
  ASSERT_THAT(transcript.segments, SizeIs(2));
  EXPECT_EQ(transcript.segments[0].speaker, 0);
  EXPECT_EQ(transcript.segments[1].speaker, 1);
  EXPECT_NEAR(transcript.segments[1].start_s, 3.8, 0.05);
  EXPECT_NEAR(CoveredSeconds(transcript, CoverageKind::kSilence) +
                  CoveredSeconds(transcript, CoverageKind::kTranscribed),
              16, 1e-6);
}

TEST(WhisperTranscriber, TheSameSoundInBothChannelsIsOneRecordingAndHeardOnce) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  const auto sound = Tone(3) + Silence(1) + Tone(2.4, 400);
  const Transcript transcript = Transcribe(tokens, model, {sound, sound});
  EXPECT_THAT(model.asked(), SizeIs(1));
  ASSERT_THAT(transcript.segments, SizeIs(1));
  EXPECT_EQ(transcript.segments[0].speaker, vocabulary::kNoSpeaker);
}

TEST(WhisperTranscriber, ACopySaysWhatTheTranscriptWouldBeIfItEndedHereAndChangesNothing) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  const model::WhisperDimensions dimensions{.bins = 80, .frames = kWhisperFrames, .vocabulary = kVocabulary};
  const auto finish = [&model](WhisperTranscriber& transcriber) {
    transcriber.End();
    while (const auto inputs = transcriber.NextRun())
      EXPECT_TRUE(transcriber.TakeAnswer(model.Run(*inputs)).ok());
    return transcriber.Finish();
  };
  WhisperTranscriber transcriber(tokens, dimensions, {}, 1);
  for (int second = 1; second <= 33; ++second) {
    transcriber.Feed(std::vector<std::vector<float>>{second % 11 == 0 ? Silence(1) : Tone(1)});
    while (const auto inputs = transcriber.NextRun())
      EXPECT_TRUE(transcriber.TakeAnswer(model.Run(*inputs)).ok());
    if (second % 8 != 0) continue;
    const auto copy = transcriber.Copy();
    const Transcript now = finish(*copy);
    EXPECT_EQ(now.duration_s, second);
    EXPECT_THAT(now.segments, testing::Not(IsEmpty()));
  }
  const Transcript whole = finish(transcriber);
  Model again(tokens, SayHello(tokens));
  std::vector<float> recording;
  for (int second = 1; second <= 33; ++second)
    recording = std::move(recording) + (second % 11 == 0 ? Silence(1) : Tone(1));
  const Transcript file = Transcribe(tokens, again, {recording});
  EXPECT_EQ(whole.Text(), file.Text());
  EXPECT_EQ(whole.segments.size(), file.segments.size());
}

TEST(WhisperTranscriber, ALanguageThatACopyHasHeardIsNotAskedForAgain) {
  const WhisperTokens tokens = Tokens(true);
  Model model(tokens, SayHello(tokens));
  WhisperTranscriber transcriber(tokens, {.bins = 80, .frames = kWhisperFrames, .vocabulary = kVocabulary},
                                 {}, 1);
  transcriber.KnowLanguage("xx");  // it knows no such language
  transcriber.KnowLanguage("fr");
  transcriber.KnowLanguage("en");  // too late
  transcriber.Feed(std::vector<std::vector<float>>{Tone(3)});
  transcriber.End();
  while (const auto inputs = transcriber.NextRun())
    EXPECT_TRUE(transcriber.TakeAnswer(model.Run(*inputs)).ok());
  ASSERT_THAT(model.asked(), SizeIs(1));
  EXPECT_THAT(model.asked()[0].rules.prompt, ElementsAre(261, 263, 266));
  EXPECT_EQ(transcriber.Finish().language, "fr");
}

TEST(WhisperTranscriber, TheLanguageIsHeardFirst) {
  const WhisperTokens tokens = Tokens(true);
  Model model(tokens, SayHello(tokens));
  const Transcript transcript = Transcribe(tokens, model, {Tone(40)});
  ASSERT_GE(model.asked().size(), 3U);
  EXPECT_THAT(model.asked()[0].rules.prompt, ElementsAre(261));
  EXPECT_EQ(model.asked()[0].rules.most_tokens, 0);
  EXPECT_THAT(model.asked()[1].rules.prompt, ElementsAre(261, 263, 266));  // French, transcribe
  EXPECT_THAT(model.asked()[2].rules.prompt, ElementsAre(261, 263, 266));
  EXPECT_EQ(transcript.language, "fr");
}

TEST(WhisperTranscriber, TheLanguageAndTheTaskCanBeSaid) {
  const WhisperTokens tokens = Tokens(true);
  Model model(tokens, SayHello(tokens));
  const Transcript transcript = Transcribe(tokens, model, {Tone(3)}, {.language = "haw", .translate = true});
  ASSERT_THAT(model.asked(), SizeIs(1));
  EXPECT_THAT(model.asked()[0].rules.prompt, ElementsAre(261, 264, 265));
  EXPECT_EQ(transcript.language, "en");
}

TEST(WhisperTranscriber, RefusesALanguageOrATaskThatTheModelDoesNotKnow) {
  const auto code = [](const WhisperTokens& tokens, const WhisperOptions& options) {
    const auto status = WhisperTranscriber::Check(tokens, options);
    return status.ok() ? "" : status.error().code;
  };
  EXPECT_EQ(code(Tokens(), {}), "");
  EXPECT_EQ(code(Tokens(), {.language = "en"}), "");
  EXPECT_EQ(code(Tokens(), {.language = "fr"}), "language");
  EXPECT_EQ(code(Tokens(), {.translate = true}), "translations-unsupported");
  EXPECT_EQ(code(Tokens(true), {.language = "fr", .translate = true}), "");
  EXPECT_EQ(code(Tokens(true), {.language = "de"}), "language");
}

TEST(WhisperTranscriber, APromptGoesBeforeEveryWindowAndIsCutToTheModelsLength) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  (void)Transcribe(tokens, model, {Tone(40)}, {.prompt = "hello"});
  for (const Asked& asked : model.asked()) {
    EXPECT_THAT(asked.rules.prompt, ElementsAre(265, 259, 'o', 261));
    EXPECT_EQ(asked.rules.start_position, 3);
  }
  Model other(tokens, SayHello(tokens));
  (void)Transcribe(tokens, other, {Tone(3)}, {.prompt = std::string(1'000, 'x')});
  EXPECT_THAT(other.asked()[0].rules.prompt, SizeIs(1 + 223 + 1));
  EXPECT_EQ(other.asked()[0].rules.most_tokens, 448 - 225);
}

TEST(WhisperTranscriber, TheWayARecordingIsFedChangesNothing) {
  const WhisperTokens tokens = Tokens();
  const auto left = Tone(12) + Silence(2) + Tone(25, 400) + Silence(1) + Tone(3);
  const auto right = Silence(13) + Tone(2, 700) + Silence(28);
  std::vector<Transcript> transcripts;
  for (const std::size_t piece : {1'000U, 16'000U, 99'999U, 2'000'000U}) {
    Model model(tokens, SayHello(tokens));
    transcripts.push_back(Transcribe(tokens, model, {left, right}, {}, piece));
  }
  for (const Transcript& transcript : transcripts) {
    ASSERT_EQ(transcript.segments.size(), transcripts[0].segments.size());
    for (std::size_t i = 0; i < transcript.segments.size(); ++i) {
      EXPECT_NEAR(transcript.segments[i].start_s, transcripts[0].segments[i].start_s, 1e-9);
      EXPECT_NEAR(transcript.segments[i].end_s, transcripts[0].segments[i].end_s, 1e-9);
    }
  }
}

TEST(WhisperTranscriber, SegmentsAreFinishedAsTheirWindowsAre) {
  const WhisperTokens tokens = Tokens();
  Model model(tokens, SayHello(tokens));
  WhisperTranscriber transcriber(tokens, {80, kWhisperFrames, kVocabulary}, {}, 1);
  transcriber.Feed({{Tone(20) + Silence(1) + Tone(20)}});
  const auto first = transcriber.NextRun();
  ASSERT_TRUE(first);
  EXPECT_THAT(transcriber.TakeFinished(), IsEmpty());
  ASSERT_TRUE(transcriber.TakeAnswer(model.Run(*first)).ok());
  EXPECT_THAT(transcriber.TakeFinished(), SizeIs(1));
  EXPECT_THAT(transcriber.TakeFinished(), IsEmpty());
  EXPECT_NEAR(transcriber.seconds_done(), 20.5, 0.1);
}

TEST(WhisperTranscriber, AnAnswerThatIsNoneIsAnError) {
  const WhisperTokens tokens = Tokens();
  WhisperTranscriber transcriber(tokens, {80, kWhisperFrames, kVocabulary}, {}, 1);
  transcriber.Feed({{Tone(3)}});
  transcriber.End();
  ASSERT_TRUE(transcriber.NextRun());
  const auto status = transcriber.TakeAnswer({});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "model-tokens");
}

}  // namespace
}  // namespace blindai::speech
