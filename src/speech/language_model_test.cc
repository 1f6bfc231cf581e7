#include "speech/language_model.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <random>
#include <string>

#include "support/letter_sounds.h"

namespace blindai::speech {
namespace {

using tests::Letters;  // A to D

constexpr const char* kSmall =
    "a comment before the data\n"
    "\\data\\\n"
    "ngram 1=7\n"
    "ngram 2=4\n"
    "ngram 3=1\n"
    "\n"
    "\\1-grams:\n"
    "-2.0\t<unk>\n"
    "-99\t<s>\t-0.5\n"
    "-1.5\t</s>\n"
    "-1.0\tab\t-0.3\n"
    "-0.8\tcab\t-0.2\n"
    "-1.2\tABBA\n"
    "-0.9\tcafé\t-0.1\n"
    "\n"
    "\\2-grams:\n"
    "-0.4\t<s> ab\t-0.6\n"
    "-0.7\tab cab\t-0.25\n"
    "-0.2\tcab </s>\n"
    "-0.1\tcafé cab\n"
    "\n"
    "\\3-grams:\n"
    "-0.3\t<s> ab cab\n"
    "\n"
    "\\end\\\n";

LanguageModel Parse(const std::string& text) { return LanguageModel::ParseArpa(text, Letters()).value(); }

std::optional<std::uint32_t> WordOf(const LanguageModel& model, std::string_view text) {
  LanguageModel::Spelling spelling = model.Nothing();
  const std::vector<int> ids = Letters().Encode(text).value();
  for (const int id : ids) {
    const auto next = model.Next(spelling, id);
    if (!next) return std::nullopt;
    spelling = *next;
  }
  return model.Word(spelling);
}

double Log10(double natural) { return natural / std::numbers::ln10; }

std::string MessageOf(const std::string& text, const LanguageModelLimits& limits = {}) {
  const auto model = LanguageModel::ParseArpa(text, Letters(), limits);
  if (model.ok()) return "";
  EXPECT_EQ(model.error().code, "language-model");
  EXPECT_EQ(model.error().param, "language_model");
  return model.error().message;
}

std::string Replace(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

TEST(LanguageModel, WordsAreFoundInTheSpeechModelsCaseByTheirLetters) {
  const LanguageModel model = Parse(kSmall);
  EXPECT_EQ(model.words(), 3u) << "ab, cab and ABBA; an é cannot be written";
  EXPECT_TRUE(WordOf(model, "AB"));
  EXPECT_TRUE(WordOf(model, "cab"));
  EXPECT_TRUE(WordOf(model, "Abba"));
  EXPECT_FALSE(WordOf(model, "A")) << "a beginning is no word";
  EXPECT_FALSE(WordOf(model, "ABC"));
  EXPECT_FALSE(WordOf(model, "D"));
}

TEST(LanguageModel, TheLongestNgramCountsAndTheRestBacksOff) {
  const LanguageModel model = Parse(kSmall);
  const std::uint32_t ab = *WordOf(model, "ab");
  const std::uint32_t cab = *WordOf(model, "cab");
  const std::uint32_t abba = *WordOf(model, "abba");
  const auto after_ab = model.Score(model.start(), ab);
  EXPECT_NEAR(Log10(after_ab.log_probability), -0.4, 1e-6);
  EXPECT_NEAR(Log10(model.Score(after_ab.context, cab).log_probability), -0.3, 1e-6) << "<s> ab cab";
  EXPECT_NEAR(Log10(model.Score({}, ab).log_probability), -1.0, 1e-6);
  const auto ab_anywhere = model.Score({}, ab);
  EXPECT_NEAR(Log10(model.Score(ab_anywhere.context, cab).log_probability), -0.7, 1e-6) << "ab cab";
  EXPECT_NEAR(Log10(model.Score(after_ab.context, abba).log_probability), -0.6 - 0.3 - 1.2, 1e-6)
      << "two back-offs";
  EXPECT_NEAR(Log10(model.ScoreUnknown(after_ab.context).log_probability), -0.6 - 0.3 - 2.0, 1e-6);
}

// The definition itself, over a table by text.
class Oracle {
 public:
  std::map<std::string, std::pair<double, double>> ngrams;  // words with spaces: probability, back-off

  double Score(std::vector<std::string> context, const std::string& word) const {
    std::string history;
    for (const std::string& past : context) history += past + " ";
    if (const auto found = ngrams.find(history + word); found != ngrams.end()) return found->second.first;
    if (context.empty()) return -100 / std::numbers::ln10;
    history.pop_back();
    const auto found = ngrams.find(history);
    context.erase(context.begin());
    return (found != ngrams.end() ? found->second.second : 0) + Score(std::move(context), word);
  }
};

TEST(LanguageModel, AgreesWithTheDefinitionOnRandomModels) {
  std::mt19937 random(11);
  const std::vector<std::string> words = {"A", "AB", "ABC", "B", "BA", "CAB", "D"};
  for (int round = 0; round < 50; ++round) {
    Oracle oracle;
    const std::size_t orders = 1 + random() % 4;
    std::vector<std::vector<std::string>> by_order(orders);
    const auto number = [&](double least) { return least * static_cast<double>(random() % 1'000) / 1'000; };
    for (std::size_t order = 0; order < orders; ++order) {
      const std::vector<std::string> contexts =
          order == 0 ? std::vector<std::string>{""} : by_order[order - 1];
      for (const std::string& context : contexts) {
        for (const std::string& word : words) {
          if (order > 0 && random() % 3 != 0) continue;
          const std::string ngram = context.empty() ? word : context + " " + word;
          by_order[order].push_back(ngram);
          oracle.ngrams[ngram] = {number(-4), number(-1)};
        }
      }
    }
    std::string text = "\\data\\\n";
    for (std::size_t order = 0; order < orders; ++order)
      text += fmt::format("ngram {}={}\n", order + 1, by_order[order].size());
    for (std::size_t order = 0; order < orders; ++order) {
      text += fmt::format("\n\\{}-grams:\n", order + 1);
      std::shuffle(by_order[order].begin(), by_order[order].end(), random);
      for (const std::string& ngram : by_order[order]) {
        const auto& [probability, back_off] = oracle.ngrams[ngram];
        text += fmt::format("{:.6f}\t{}\t{:.6f}\n", probability, ngram, back_off);
      }
    }
    const LanguageModel model = Parse(text + "\n\\end\\\n");
    ASSERT_EQ(model.ngrams(), oracle.ngrams.size());
    LanguageModel::Context context;
    std::vector<std::string> past;
    for (int step = 0; step < 200; ++step) {
      const std::string& word = words[random() % words.size()];
      const auto scored = model.Score(context, *WordOf(model, word));
      ASSERT_NEAR(Log10(scored.log_probability), oracle.Score(past, word), 1e-5) << text;
      context = scored.context;
      past.push_back(word);
      if (past.size() >= orders) past.erase(past.begin());
    }
  }
}

TEST(LanguageModel, WordsThatDifferInCaseAreOneAndAsProbableAsTheMoreProbable) {
  const LanguageModel model = Parse(
      "\\data\\\nngram 1=2\nngram 2=2\n\\1-grams:\n-2 Ab -1\n-1 aB -0.5\n\\2-grams:\n-3 Ab aB\n-2 aB "
      "Ab\n\\end\\");
  EXPECT_EQ(model.words(), 1u);
  const auto scored = model.Score({}, 0);
  EXPECT_NEAR(Log10(scored.log_probability), -1, 1e-6);
  EXPECT_NEAR(Log10(model.Score(scored.context, 0).log_probability), -2, 1e-6);
}

TEST(LanguageModel, LinesMayEndAsOnWindowsAndUseSpaces) {
  EXPECT_EQ(MessageOf("\\data\\\r\nngram 1=1\r\n\r\n\\1-grams:\r\n-0.5   ab   -1\r\n\\end\\\r\n"), "");
}

TEST(LanguageModel, WhatIsNoArpaFileIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("mmap lm http://kheafield.com/code format version 5\n"),
        std::string("\\data\\\n"), std::string("\\data\\\nngram 2=1\n"), std::string("\\data\\\nngram 1=x\n"),
        std::string("\\data\\\nngram 1\n")}) {
    EXPECT_NE(MessageOf(text), "") << text;
  }
}

TEST(LanguageModel, EveryCutIsRefused) {
  const std::string whole(kSmall);
  ASSERT_EQ(MessageOf(whole), "");
  for (std::size_t size = 0; size + 2 < whole.size(); ++size) {
    ASSERT_NE(MessageOf(whole.substr(0, size)), "") << size;
  }
}

TEST(LanguageModel, CountsThatDoNotHoldAreRefused) {
  EXPECT_NE(MessageOf(Replace(kSmall, "ngram 1=7", "ngram 1=6")), "");
  EXPECT_NE(MessageOf(Replace(kSmall, "ngram 1=7", "ngram 1=8")), "");
  EXPECT_NE(MessageOf(Replace(kSmall, "ngram 3=1", "ngram 3=2")), "");
  EXPECT_NE(MessageOf(Replace(kSmall, "ngram 3=1\n", "")), "");
}

TEST(LanguageModel, NumbersThatAreNoProbabilitiesAreRefused) {
  for (const char* number : {"0.1", "nan", "inf", "-1e", "", "x"}) {
    EXPECT_NE(MessageOf(Replace(kSmall, "-1.0\tab", fmt::format("{}\tab", number))), "") << number;
  }
  for (const char* number : {"nan", "inf", "1e30", "-0.3 x"}) {
    EXPECT_NE(MessageOf(Replace(kSmall, "ab\t-0.3", fmt::format("ab\t{}", number))), "") << number;
  }
}

TEST(LanguageModel, NgramsOfUnknownWordsOrWithoutTheirContextAreRefused) {
  EXPECT_NE(MessageOf(Replace(kSmall, "-0.7\tab cab", "-0.7\tab bad")), "");
  EXPECT_NE(MessageOf(Replace(kSmall, "<s> ab cab", "cab ab cab")), "");
  EXPECT_NE(MessageOf(Replace(kSmall, "ABBA", "ab")), "") << "a word twice";
}

TEST(LanguageModel, AModelThatSharesNoWordWithTheSpeechModelIsRefused) {
  EXPECT_NE(MessageOf("\\data\\\nngram 1=1\n\\1-grams:\n-1 xyz\n\\end\\"), "");
}

TEST(LanguageModel, LimitsAreRefusedBeforeMemoryIsTaken) {
  EXPECT_NE(MessageOf("\\data\\\nngram 1=4000000000\n\\1-grams:\n"), "");
  EXPECT_NE(MessageOf("\\data\\\nngram 1=3000000\nngram 2=3000000\n\\1-grams:\n"), "");
  EXPECT_NE(MessageOf(kSmall, {.max_order = 2}), "");
  EXPECT_NE(MessageOf(kSmall, {.max_ngrams = 11}), "");
  EXPECT_EQ(MessageOf(kSmall, {.max_ngrams = 12}), "");
  EXPECT_NE(MessageOf(kSmall, {.max_bytes = 100}), "");
}

TEST(LanguageModel, ASectionThatIsNotWhereTheCountsPutItIsNamed) {
  EXPECT_EQ(MessageOf("\\data\\\nngram 1=2\n"),
            "language model: wanted \\1-grams: behind the counts; the file may be cut short");
  EXPECT_EQ(MessageOf(Replace(kSmall, "ngram 1=7", "ngram 1=6")),
            "language model: wanted \\2-grams: behind the 6 1-grams that the counts announce");
}

TEST(LanguageModel, MessagesShowNothingOfTheFile) {
  EXPECT_EQ(MessageOf(Replace(kSmall, "-0.7\tab cab", "-0.7\tab secretword")).find("secretword"),
            std::string::npos);
}

}  // namespace
}  // namespace blindai::speech
