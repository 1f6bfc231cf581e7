// What a client asks for with `POST /v1/audio/transcriptions`: OpenAI's form fields and a few of ours, both directions.
// Unknown fields are ignored; a known field with a value that cannot be honoured is refused, never ignored. The file is
// not here: it is streamed (wire/multipart.h).
// https://platform.openai.com/docs/api-reference/audio/createTranscription
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace blindai::wire {

enum class TranscriptionFormat { kJson, kText, kSrt, kVerboseJson, kVtt, kDiarizedJson };

std::string_view TranscriptionFormatName(TranscriptionFormat format);  // "verbose_json"
std::optional<TranscriptionFormat> TranscriptionFormatFromName(std::string_view name);

struct TranscriptionRequest {
  // Empty, "default" or OpenAI's "whisper-1": the caller's default model (service/speech_model.h).
  std::string model;
  // What the recording is in, ISO 639-1, as the caller says it; a CTC model knows one language and has no say in it, a
  // Whisper model finds out when it is empty.
  std::string language;
  std::vector<std::string> keywords;
  // Free text that steers how a Whisper model writes names.
  std::string prompt;
  // `POST /v1/audio/translations`: into English. No field of the form.
  bool translate = false;
  // beam_size, ours: how many texts a Whisper model weighs against each other; nothing: the likeliest token, each time.
  std::optional<std::uint32_t> beam_size;
  // With prompt_alignment: what was said, word for word; the answer is this text with its times.
  std::string alignment;
  TranscriptionFormat format = TranscriptionFormat::kJson;
  bool words = false;     // timestamp_granularities[]
  bool segments = true;   //
  bool logprobs = false;  // include[]
  bool coverage = false;  // ours: what became of each moment (vocabulary/transcript.h)
  bool progress = false;  // ours: how far the work is, in the stream
  bool stream = false;
  // Silence that a recording may be cut in (chunking_strategy); nothing: the server's own.
  std::optional<std::uint32_t> silence_ms;
  // Names of the speakers of a two-channel recording, in the order of its channels; the rest are A, B, …
  std::vector<std::string> speaker_names;
};

// Longest value of a field, and most fields that are kept.
constexpr std::size_t kMaxFieldBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxListedValues = 1000;
constexpr std::uint32_t kMaxBeamSize = 5;

// Collects the fields of a form as they come.
class TranscriptionFields {
 public:
  // A list may be named with or without "[]". Codes: form-field (a value twice or too many; param = its name).
  base::Status Take(std::string_view name, std::string value);

  // What `model` says, when it has come.
  const std::string& model() const { return request_.model; }
  // After the last field. Codes: form-field (missing, wrong, or one that cannot be honoured; param = its name).
  base::Result<TranscriptionRequest> Finish();

 private:
  base::Status TakeKnown(std::string_view name, std::string value);
  base::Status TakeChunking(std::string_view name, std::string_view value);

  TranscriptionRequest request_;
  std::vector<std::string> seen_;
  std::vector<std::string> granularities_;
  std::string prompt_;
  bool align_ = false;
};

// The fields that say this, in order; what is the default is left out.
std::vector<std::pair<std::string, std::string>> EncodeTranscriptionRequest(
    const TranscriptionRequest& request);

}  // namespace blindai::wire
