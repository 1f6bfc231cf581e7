// rooms: base encoding speech
// tokenizer.json, generation_config.json and preprocessor_config.json of a stranger, a line of zeros between the first
// two: refused, or tokens that give every text back.
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "encoding/utf8.h"
#include "speech/log_mel.h"
#include "speech/whisper_tokens.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const std::string_view text = base::AsText({data, size});
  (void)speech::ParseWhisperPreprocessor(text);
  const std::size_t seam = text.find('\0');
  const auto tokens = speech::WhisperTokens::Parse(
      text.substr(0, seam), seam == std::string_view::npos ? "{}" : text.substr(seam + 1));
  if (!tokens.ok()) return 0;
  BLINDAI_CHECK(tokens->special().end_of_text >= 0 && tokens->special().start_of_transcript >= 0);
  if (encoding::IsUtf8(text)) BLINDAI_CHECK(tokens->Decode(tokens->Encode(text)) == text);
  BLINDAI_CHECK(encoding::IsUtf8(tokens->Decode(tokens->Encode(text))));
  return 0;
}
