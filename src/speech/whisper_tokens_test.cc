#include "speech/whisper_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encoding/utf8.h"
#include "support/whisper_files.h"

namespace blindai::speech {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

WhisperTokens Tokens(bool multilingual = false) {
  auto tokens = WhisperTokens::Parse(tests::WhisperTokenizerJson(multilingual),
                                     tests::WhisperGenerationJson(multilingual));
  EXPECT_TRUE(tokens.ok());
  return std::move(tokens).value();
}

std::string CodeOf(const std::string& tokenizer, const std::string& generation) {
  const auto tokens = WhisperTokens::Parse(tokenizer, generation);
  return tokens.ok() ? "none" : tokens.error().code;
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(WhisperTokens, KnowsTheSpecialTokensOfAnEnglishModel) {
  const WhisperTokens tokens = Tokens();
  EXPECT_EQ(tokens.special().end_of_text, 260);
  EXPECT_EQ(tokens.special().start_of_transcript, 261);
  EXPECT_EQ(tokens.special().previous_text, 265);
  EXPECT_EQ(tokens.special().no_speech, 266);
  EXPECT_EQ(tokens.special().no_timestamps, 267);
  EXPECT_EQ(tokens.first_timestamp(), 268);
  EXPECT_EQ(tokens.size(), 268 + 1501);
  EXPECT_EQ(tokens.special().transcribe, WhisperTokens::kNone);
  EXPECT_EQ(tokens.special().translate, WhisperTokens::kNone);
  EXPECT_THAT(tokens.languages(), IsEmpty());
}

TEST(WhisperTokens, KnowsTheLanguagesAndTasksOfAMultilingualModel) {
  const WhisperTokens tokens = Tokens(true);
  EXPECT_THAT(tokens.languages(),
              ElementsAre(std::pair("en", 262), std::pair("fr", 263), std::pair("haw", 264)));
  EXPECT_EQ(tokens.special().translate, 265);
  EXPECT_EQ(tokens.special().transcribe, 266);
}

TEST(WhisperTokens, ReadsWhatIsNeverSaid) {
  const WhisperTokens tokens = Tokens();
  EXPECT_THAT(tokens.suppressed_at_begin(), ElementsAre(32, 260));
  // What the file lists, and every token that steers but the end.
  EXPECT_THAT(tokens.suppressed(), IsSupersetOf({1, 2, 261, 262, 263, 264, 265, 266, 267}));
  EXPECT_THAT(tokens.suppressed(), Not(Contains(260)));
  EXPECT_EQ(tokens.most_tokens(), 448);
  EXPECT_EQ(tokens.last_initial_timestamp(), 50);
}

TEST(WhisperTokens, EncodesByTheLowestMergeFirst) {
  const WhisperTokens tokens = Tokens();
  EXPECT_THAT(tokens.Encode("hello"), ElementsAre(258, 'o'));
  EXPECT_THAT(tokens.Encode(" hello"), ElementsAre(259, 'o'));
  EXPECT_THAT(tokens.Encode("a  hell"), ElementsAre('a', ' ', 259));
  EXPECT_THAT(tokens.Encode("he'll"), ElementsAre(256, '\'', 257));
  EXPECT_THAT(tokens.Encode("he12 \n"), ElementsAre(256, '1', '2', ' ', '\n'));
  EXPECT_THAT(tokens.Encode(""), IsEmpty());
}

TEST(WhisperTokens, DecodingGivesTheTextThatWasEncoded) {
  const WhisperTokens tokens = Tokens();
  for (const std::string text :
       {"Hello, world! 42", "  two spaces", "Zażółć gęślą jaźń 世界 🎉", "\tx\r\n", "'s 't"}) {
    EXPECT_EQ(tokens.Decode(tokens.Encode(text)), text);
  }
  EXPECT_EQ(tokens.Decode(tokens.Encode(std::string(1'000, 'l'))), std::string(1'000, 'l'));
}

TEST(WhisperTokens, DecodingLeavesOutTimestampsSpecialTokensAndBrokenCharacters) {
  const WhisperTokens tokens = Tokens();
  const std::vector<int> mixed = {261, 268, 259, 'o', 0xe4, 0xb8, 300, 260, -1, 99'999};
  EXPECT_EQ(tokens.Decode(mixed), " hello");
  const std::vector<int> broken = {'a', 0xff, 0x80, 0xc3, 0xa9, 0xc3};
  EXPECT_EQ(tokens.Decode(broken), "a\xc3\xa9");
}

TEST(WhisperTokens, RefusesFilesThatAreNoTokenizer) {
  const std::string good = tests::WhisperTokenizerJson(false);
  const std::string generation = tests::WhisperGenerationJson(false);
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("{}"), Replaced(good, "\"merges\"", "\"marges\""),
        Replaced(good, "\"h e\"", "\"he\""), Replaced(good, "\"h e\"", "\"h qq\""),
        Replaced(good, "\"h e\"", "7"), Replaced(good, "\"he\":256", "\"he\":-1"),
        Replaced(good, "\"he\":256", "\"he\":100000"), Replaced(good, "\"he\":256", "\"he\":257"),
        Replaced(good, "\"A\":65", "\"AA\":65"), Replaced(good, "\"he\":256", "\"h世\":256"),
        Replaced(good, "<|endoftext|>", "</s>"), Replaced(good, "<|notimestamps|>", "<|timestamps|>"),
        Replaced(good, "\"id\":260", "\"id\":\"260\""),
        Replaced(good, "\"he\":256", "\"" + std::string(257, 'h') + "\":256")}) {
    EXPECT_EQ(CodeOf(bad, generation), "tokenizer") << bad.substr(0, 60);
  }
}

TEST(WhisperTokens, KnowsTheHeadsThatLookWhereTheSpeakerIs) {
  const std::string tokenizer = tests::WhisperTokenizerJson(false);
  const auto heads = [&tokenizer](const char* generation) {
    return WhisperTokens::Parse(tokenizer, generation)->alignment_heads();
  };
  EXPECT_THAT(heads(R"({"alignment_heads":[[1,0],[2,5]]})"),
              ElementsAre(model::AttentionHead{1, 0}, model::AttentionHead{2, 5}));
  EXPECT_THAT(heads(R"({"alignment_heads":null})"), IsEmpty());
  EXPECT_THAT(heads("{}"), IsEmpty());
}

TEST(WhisperTokens, RefusesAGenerationConfigThatCannotBeMeant) {
  const std::string tokenizer = tests::WhisperTokenizerJson(false);
  for (const char* bad :
       {"", "[]", R"({"max_length":2})", R"({"max_length":"448"})", R"({"max_length":1000000})",
        R"({"suppress_tokens":7})", R"({"suppress_tokens":["a"]})", R"({"suppress_tokens":[-1]})",
        R"({"max_initial_timestamp_index":1501})", R"({"alignment_heads":7})", R"({"alignment_heads":[1]})",
        R"({"alignment_heads":[[1]]})", R"({"alignment_heads":[[1,-1]]})",
        R"({"alignment_heads":[["1",1]]})"}) {
    EXPECT_EQ(CodeOf(tokenizer, bad), "generation-config") << bad;
  }
  EXPECT_EQ(CodeOf(tokenizer, R"({"is_multilingual":true})"), "tokenizer");  // without a language
}

TEST(WhisperTokens, OfTheRealModelAreOpenAis) {
  if (!tests::HasWhisperModel()) GTEST_SKIP() << tests::kNoWhisperModel;
  const auto read = [](const char* name) {
    const auto bytes = tests::ReadFile(tests::WhisperModelDir() / name);
    return std::string(bytes.begin(), bytes.end());
  };
  const auto tokens = WhisperTokens::Parse(read("tokenizer.json"), read("generation_config.json"));
  ASSERT_TRUE(tokens.ok()) << tokens.error().message;
  EXPECT_EQ(tokens->special().end_of_text, 50'256);
  EXPECT_EQ(tokens->special().start_of_transcript, 50'257);
  EXPECT_EQ(tokens->special().no_timestamps, 50'362);
  EXPECT_EQ(tokens->size(), 51'864);
  EXPECT_THAT(tokens->languages(), IsEmpty());
  EXPECT_THAT(tokens->Encode(" Hello world, ten meters."), ElementsAre(18'435, 995, 11, 3'478, 10'700, 13));
}

}  // namespace
}  // namespace blindai::speech
