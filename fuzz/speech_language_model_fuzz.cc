// rooms: base speech
// Any bytes, as an ARPA file or a KenLM binary, are refused or become a model in which every word is found by its
// letters, and every probability that can be asked for is a number.
#include "speech/language_model.h"

#include <cmath>

#include "base/bytes.h"
#include "base/check.h"

namespace {

using namespace blindai::speech;

const CtcVocabulary& Letters() {
  static const CtcVocabulary vocabulary =
      CtcVocabulary::Parse(R"({"<pad>":0,"|":1,"A":2,"B":3,"C":4,"'":5})").value();
  return vocabulary;
}

// All words below a spelling, in order.
void Walk(const LanguageModel& model, const LanguageModel::Spelling& spelling, std::uint32_t& next) {
  if (const auto word = model.Word(spelling)) BLINDAI_CHECK(*word == next++);
  for (int id = 0; id < static_cast<int>(Letters().size()); ++id) {
    if (const auto longer = model.Next(spelling, id)) Walk(model, *longer, next);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto model =
      LanguageModel::Parse(blindai::base::AsText({data, size}), Letters(), {.max_ngrams = 10'000});
  if (!model.ok()) return 0;
  std::uint32_t found = 0;
  Walk(*model, model->Nothing(), found);
  BLINDAI_CHECK(found == model->words());
  // A walk through contexts that the input itself chooses.
  LanguageModel::Context context = model->start();
  for (std::size_t i = 0; i < size && i < 500; ++i) {
    BLINDAI_CHECK(std::isfinite(model->ScoreUnknown(context).log_probability));
    const auto scored = model->Score(context, data[i] % model->words());
    BLINDAI_CHECK(std::isfinite(scored.log_probability) && scored.context.node <= model->ngrams());
    context = scored.context;
  }
  return 0;
}
