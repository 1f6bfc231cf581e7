// The small files of a Whisper model with few tokens, and where the real one lies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "support/paths.h"

namespace blindai::tests {

// Tokens 0 to 255 are the bytes, 256 "he", 257 "ll", 258 "hell", 259 " hell", then the special ones from 260 on in
// Whisper's order: <|endoftext|> 260, <|startoftranscript|> 261, and so on (whisper_tokens_test.cc).
std::string WhisperTokenizerJson(bool multilingual);
std::string WhisperGenerationJson(bool multilingual);
inline constexpr const char* kWhisperPreprocessorJson =
    R"({"feature_size":80,"sampling_rate":16000,"n_fft":400,"hop_length":160,"chunk_length":30})";

// What `./run model whisper-tiny-en` makes.
inline std::filesystem::path WhisperModelDir() {
  return SourceDir() / "build" / "models" / "whisper-tiny-en";
}
inline bool HasWhisperModel() { return std::filesystem::exists(WhisperModelDir() / "encoder_model.onnx"); }
// A file of it, whole: up to 120 MB, so not letter by letter.
std::vector<std::uint8_t> WhisperModelFile(const std::string& name);
constexpr const char* kNoWhisperModel = "SKIPPED: no Whisper model; `./run model whisper-tiny-en` makes it";

}  // namespace blindai::tests
