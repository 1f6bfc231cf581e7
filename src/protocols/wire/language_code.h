// Whether a text is a language as OpenAI's fields name it: a code of ISO 639-1
// (https://www.loc.gov/standards/iso639-2/php/code_list.php).
#pragma once

#include <string_view>

namespace blindai::wire {

// Two lower-case letters that the standard gives to a language; "jw" too, the withdrawn code by which Whisper's
// vocabularies name Javanese.
bool IsLanguageCode(std::string_view code);

}  // namespace blindai::wire
