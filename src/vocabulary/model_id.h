// The name of a model. Letters, digits, '.', '_' and '-', starting with a letter or digit, 1 to 128
// characters; one '/' may separate an owner from a name ("user/model", BlindAI 0.5). Checked once, here, so
// that every other room may treat it as a plain word: it is safe in a URL and never used as a path.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace blindai::vocabulary {

// What a transcription may say instead of a name: the caller's default model.
inline constexpr std::string_view kDefaultModel = "default";

class ModelId {
 public:
  // Code: model-id.
  static base::Result<ModelId> Parse(std::string_view text);

  const std::string& text() const { return text_; }
  friend bool operator==(const ModelId&, const ModelId&) = default;
  friend bool operator<(const ModelId& a, const ModelId& b) { return a.text_ < b.text_; }

 private:
  explicit ModelId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace blindai::vocabulary
