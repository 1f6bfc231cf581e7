#include "protocols/wire/openai_audio_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <boost/json.hpp>

#include "encoding/utf8.h"
#include "protocols/wire/json_fields.h"
#include "protocols/wire/language_code.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::Result;
using base::Status;

// The position of a name is the value of the enumeration.
constexpr std::array<std::string_view, 6> kFormats = {"json",         "text", "srt",
                                                      "verbose_json", "vtt",  "diarized_json"};
constexpr std::size_t kMaxSpeakerNames = 4;
constexpr double kDefaultThreshold = 0.5;
constexpr std::uint32_t kLeastSilenceMs = 20;
constexpr std::uint32_t kMostSilenceMs = 10'000;

base::Error Wrong(std::string_view field, std::string_view what) {
  return base::MakeError(base::ErrorKind::kInvalid, "form-field", fmt::format("'{}' {}", field, what),
                         std::string(field));
}

Result<bool> Flag(std::string_view name, std::string_view value) {
  if (value == "true" || value == "True" || value == "1") return true;
  if (value == "false" || value == "False" || value == "0") return false;
  return Wrong(name, "is neither true nor false");
}

Result<double> Number(std::string_view name, std::string_view value) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || error != std::errc() || end != value.data() + value.size())
    return Wrong(name, "is not a number");
  return number;
}

// "include[]" and "include" are one field.
std::string_view ListName(std::string_view name) {
  if (name.ends_with("[]")) name.remove_suffix(2);
  return name;
}

bool IsList(std::string_view name) {
  constexpr std::array<std::string_view, 6> kLists = {"languages",
                                                      "keywords",
                                                      "include",
                                                      "timestamp_granularities",
                                                      "known_speaker_names",
                                                      "known_speaker_references"};
  return std::find(kLists.begin(), kLists.end(), name) != kLists.end();
}

bool IsSingle(std::string_view name) {
  constexpr std::array<std::string_view, 8> kSingles = {
      "model",           "language",    "prompt",    "prompt_alignment",
      "response_format", "temperature", "beam_size", "stream"};
  return std::find(kSingles.begin(), kSingles.end(), name) != kSingles.end() ||
         name.starts_with("chunking_strategy");
}

}  // namespace

std::string_view TranscriptionFormatName(TranscriptionFormat format) {
  return kFormats[static_cast<std::size_t>(format)];
}

std::optional<TranscriptionFormat> TranscriptionFormatFromName(std::string_view name) {
  const auto* const found = std::find(kFormats.begin(), kFormats.end(), name);
  if (found == kFormats.end()) return std::nullopt;
  return static_cast<TranscriptionFormat>(found - kFormats.begin());
}

Status TranscriptionFields::Take(std::string_view name, std::string value) {
  const std::string_view list = ListName(name);
  const std::string_view field = IsList(list) ? list : name;
  if (!IsList(field) && !IsSingle(field)) return base::Ok();
  if (value.size() > kMaxFieldBytes)
    return Wrong(field, fmt::format("is longer than {} bytes", kMaxFieldBytes));
  if (!encoding::IsUtf8(value)) return Wrong(field, "is not UTF-8");
  if (IsSingle(field)) {
    if (std::find(seen_.begin(), seen_.end(), field) != seen_.end()) return Wrong(field, "is given twice");
    seen_.emplace_back(field);
  }
  return TakeKnown(field, std::move(value));
}

Status TranscriptionFields::TakeKnown(std::string_view name, std::string value) {
  if (name == "model") {
    request_.model = std::move(value);
  } else if (name == "language" || name == "languages") {
    if (!IsLanguageCode(value)) return Wrong(name, "is not a language of ISO 639-1, such as en");
    if (!request_.language.empty() && request_.language != value)
      return Wrong(name, "names a second language; name one, or none");
    request_.language = std::move(value);
  } else if (name == "keywords") {
    if (request_.keywords.size() == kMaxListedValues)
      return Wrong(name, fmt::format("has more than {} values", kMaxListedValues));
    request_.keywords.push_back(std::move(value));
  } else if (name == "prompt") {
    prompt_ = std::move(value);
  } else if (name == "prompt_alignment") {
    BLINDAI_TRY(align_, Flag(name, value));
  } else if (name == "response_format") {
    const auto format = TranscriptionFormatFromName(value);
    if (!format) return Wrong(name, "is none of json, text, srt, verbose_json, vtt, diarized_json");
    request_.format = *format;
  } else if (name == "temperature") {
    BLINDAI_TRY(const double temperature, Number(name, value));
    if (temperature != 0)
      return Wrong(name, fmt::format("is {} and must be 0: a transcript is what is likeliest", temperature));
  } else if (name == "beam_size") {
    BLINDAI_TRY(const double beams, Number(name, value));
    if (!(beams >= 1 && beams <= kMaxBeamSize) || beams != std::floor(beams))
      return Wrong(name, fmt::format("is {} and not a whole number from 1 to {}", beams, kMaxBeamSize));
    request_.beam_size = static_cast<std::uint32_t>(beams);
  } else if (name == "include") {
    if (value != "logprobs" && value != "coverage" && value != "progress")
      return Wrong(name, "holds something else than logprobs, coverage and progress");
    (value == "logprobs"   ? request_.logprobs
     : value == "coverage" ? request_.coverage
                           : request_.progress) = true;
  } else if (name == "timestamp_granularities") {
    if (value != "word" && value != "segment")
      return Wrong(name, "holds something else than word and segment");
    granularities_.push_back(std::move(value));
  } else if (name == "stream") {
    BLINDAI_TRY(request_.stream, Flag(name, value));
  } else if (name == "known_speaker_names") {
    if (request_.speaker_names.size() == kMaxSpeakerNames)
      return Wrong(name, fmt::format("has more than {} values", kMaxSpeakerNames));
    if (value.empty()) return Wrong(name, "has an empty value; name the speaker, or leave the field out");
    request_.speaker_names.push_back(std::move(value));
  } else if (name == "known_speaker_references") {
    return Wrong(name, "cannot be used: speakers are told apart by their channels, not by their voices");
  } else if (name.starts_with("chunking_strategy")) {
    return TakeChunking(name, value);
  }
  return base::Ok();
}

// As one JSON object, or as the fields that form libraries make of it: "chunking_strategy[type]".
Status TranscriptionFields::TakeChunking(std::string_view name, std::string_view value) {
  constexpr std::string_view kField = "chunking_strategy";
  std::string_view key = name.substr(kField.size());
  if (key.empty()) {
    if (value == "auto") return base::Ok();
    auto parsed = ParseSmallJsonObject(base::AsBytes(value), "form-field", 1000);
    if (!parsed.ok()) return Wrong(kField, "is neither auto nor a JSON object");
    if (!parsed->contains("type")) return Wrong(kField, "has no type");
    for (const auto& [inner, element] : *parsed) {
      if (element.is_null()) continue;
      const std::string text =
          element.is_string() ? std::string(element.get_string()) : json::serialize(element);
      BLINDAI_RETURN_IF_ERROR(TakeChunking(fmt::format("{}[{}]", kField, std::string_view(inner)), text));
    }
    return base::Ok();
  }
  if (key == "[type]") {
    if (value != "server_vad") return Wrong(kField, "has a type that is not server_vad");
    return base::Ok();
  }
  if (key != "[threshold]" && key != "[prefix_padding_ms]" && key != "[silence_duration_ms]")
    return base::Ok();
  const std::string_view inner = key.substr(1, key.size() - 2);
  const auto number = Number(kField, value);
  if (!number.ok()) return Wrong(kField, fmt::format("has a {} that is not a number", inner));
  if (inner == "threshold") {
    if (*number != kDefaultThreshold)
      return Wrong(kField,
                   fmt::format("has a threshold of {}; only {} is done here", *number, kDefaultThreshold));
  } else if (inner == "prefix_padding_ms") {
    // No padding is needed, since nothing is left out and times never move: any number of it is honoured.
    if (!(*number >= 0)) return Wrong(kField, fmt::format("has a prefix_padding_ms of {}, below 0", *number));
  } else {
    if (!(*number >= kLeastSilenceMs && *number <= kMostSilenceMs))
      return Wrong(kField, fmt::format("has a silence_duration_ms of {}; wanted {} to {}", *number,
                                       kLeastSilenceMs, kMostSilenceMs));
    request_.silence_ms = static_cast<std::uint32_t>(*number);
  }
  return base::Ok();
}

Result<TranscriptionRequest> TranscriptionFields::Finish() {
  using Format = TranscriptionFormat;
  if (!granularities_.empty()) {
    if (request_.format != Format::kVerboseJson)
      return Wrong("timestamp_granularities", "needs response_format=verbose_json");
    const auto has = [&](const char* word) {
      return std::find(granularities_.begin(), granularities_.end(), word) != granularities_.end();
    };
    request_.words = has("word");
    request_.segments = has("segment");
  }
  if (request_.logprobs && request_.format != Format::kJson)
    return Wrong("include", "holds logprobs, which need response_format=json");
  const bool is_json = request_.format == Format::kJson || request_.format == Format::kVerboseJson ||
                       request_.format == Format::kDiarizedJson;
  if (request_.coverage && !is_json)
    return Wrong("include", "holds coverage, which needs a response_format of JSON");
  if (request_.progress && !request_.stream)
    return Wrong("include", "holds progress, which needs stream=true");
  if (align_ && prompt_.empty())
    return Wrong("prompt", "is missing: with prompt_alignment it is the text that was said");
  (align_ ? request_.alignment : request_.prompt) = std::move(prompt_);
  if (!request_.alignment.empty() && !request_.keywords.empty())
    return Wrong("keywords", "cannot be used with prompt_alignment: the text is given");
  return std::move(request_);
}

std::vector<std::pair<std::string, std::string>> EncodeTranscriptionRequest(
    const TranscriptionRequest& request) {
  std::vector<std::pair<std::string, std::string>> fields;
  const auto add = [&](std::string_view name, std::string_view value) { fields.emplace_back(name, value); };
  if (!request.model.empty()) add("model", request.model);
  add("response_format", TranscriptionFormatName(request.format));
  if (!request.language.empty()) add("language", request.language);
  for (const std::string& keyword : request.keywords) add("keywords[]", keyword);
  if (!request.alignment.empty()) {
    add("prompt", request.alignment);
    add("prompt_alignment", "true");
  }
  if (!request.prompt.empty()) add("prompt", request.prompt);
  if (request.beam_size) add("beam_size", std::to_string(*request.beam_size));
  if (request.words) {
    add("timestamp_granularities[]", "word");
    if (request.segments) add("timestamp_granularities[]", "segment");
  }
  if (request.logprobs) add("include[]", "logprobs");
  if (request.coverage) add("include[]", "coverage");
  if (request.progress) add("include[]", "progress");
  if (request.stream) add("stream", "true");
  if (request.silence_ms) {
    add("chunking_strategy[type]", "server_vad");
    add("chunking_strategy[silence_duration_ms]", std::to_string(*request.silence_ms));
  }
  for (const std::string& name : request.speaker_names) add("known_speaker_names[]", name);
  return fields;
}

}  // namespace blindai::wire
