// rooms: base speech
// vocab.json and preprocessor_config.json of a stranger: refused, or a vocabulary in which every written token that is
// one character is found again, and keywords are made of what can be written.
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "speech/ctc_beam.h"
#include "speech/ctc_vocabulary.h"
#include "speech/wav2vec2_features.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const std::string_view text = base::AsText({data, size});
  (void)speech::ParsePreprocessorConfig(text);
  const auto vocabulary = speech::CtcVocabulary::Parse(text);
  if (!vocabulary.ok()) return 0;
  const auto in_range = [&](int id) { return id >= 0 && static_cast<std::size_t>(id) < vocabulary->size(); };
  BLINDAI_CHECK(in_range(vocabulary->blank()) && in_range(vocabulary->delimiter()));
  for (int id = 0; in_range(id) && id < 64; ++id) {
    const std::string& token = vocabulary->Token(id);
    const auto ids = vocabulary->Encode(token);
    if (!ids) continue;
    for (const int found : *ids) BLINDAI_CHECK(in_range(found) && found != vocabulary->blank());
    const std::vector<std::string> words = {token};
    BLINDAI_CHECK(speech::Keywords::Make(words, *vocabulary).ok() == (!ids->empty() && ids->size() <= 100));
  }
  return 0;
}
