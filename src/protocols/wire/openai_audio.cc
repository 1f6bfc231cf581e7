#include "protocols/wire/openai_audio.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "protocols/wire/json_fields.h"
#include "protocols/wire/subtitles.h"

namespace blindai::wire {
namespace {

using vocabulary::Segment;
using vocabulary::Transcript;
using vocabulary::Word;

// Below every confidence that a 32-bit float can state.
constexpr double kLeastProbability = 1e-45;

// A JSON list of what `encode` makes of each element.
template <typename Range, typename Encode>
std::string List(const Range& range, Encode encode) {
  std::string out = "[";
  for (const auto& element : range) {
    if (out.size() > 1) out += ',';
    out += encode(element);
  }
  return out + "]";
}

std::string Seconds(double seconds) { return fmt::format("{:.3f}", seconds); }

// How far the text repeats itself, as Whisper measures it.
double CompressionRatio(std::string_view text) {
  uLongf size = compressBound(text.size());
  std::string packed(size, '\0');
  const int code = compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                             reinterpret_cast<const Bytef*>(text.data()), text.size(), Z_DEFAULT_COMPRESSION);
  return code == Z_OK && size > 0 ? static_cast<double>(text.size()) / static_cast<double>(size) : 1;
}

std::string LogprobOf(const Word& word, bool begins_text) {
  const std::string token = (begins_text || word.is_attached ? "" : " ") + word.text;
  const double logprob = std::log(std::clamp(word.confidence, kLeastProbability, 1.0));
  return fmt::format(R"({{"token":{},"logprob":{:.4f},"bytes":{}}})", JsonString(token), logprob,
                     List(token, [](char c) { return std::to_string(static_cast<unsigned char>(c)); }));
}

// ",\"speaker\":…", or nothing where nobody told voices apart.
std::string SpeakerField(const TranscriptionRequest& request, int speaker) {
  if (speaker == vocabulary::kNoSpeaker) return "";
  return ",\"speaker\":" + JsonString(SpeakerLabel(request, speaker));
}

std::string WordsOf(const TranscriptionRequest& request, const Transcript& transcript) {
  std::string out = "[";
  for (const Segment& segment : transcript.segments) {
    const std::string speaker = SpeakerField(request, segment.speaker);
    for (const Word& word : segment.words) {
      if (out.size() > 1) out += ',';
      out += fmt::format(R"({{"word":{},"start":{},"end":{},"confidence":{:.4f}{}}})", JsonString(word.text),
                         Seconds(word.start_s), Seconds(word.end_s), word.confidence, speaker);
    }
  }
  return out + "]";
}

std::string VerboseSegment(const Segment& segment, std::size_t id) {
  const double ratio =
      segment.compression_ratio > 0 ? segment.compression_ratio : CompressionRatio(segment.text);
  return fmt::format(R"({{"id":{},"seek":0,"start":{},"end":{},"text":{},"tokens":[],"temperature":{:.1f},)"
                     R"("avg_logprob":{:.4f},"compression_ratio":{:.4f},"no_speech_prob":{:.4f}}})",
                     id, Seconds(segment.start_s), Seconds(segment.end_s), JsonString(segment.text),
                     segment.temperature, segment.mean_log_probability, ratio, segment.no_speech_probability);
}

std::string DiarizedSegment(const TranscriptionRequest& request, const Segment& segment, std::size_t number) {
  return fmt::format(
      R"({{"type":"transcript.text.segment","id":"seg_{:03}","start":{},"end":{},"text":{},"speaker":{}}})",
      number, Seconds(segment.start_s), Seconds(segment.end_s), JsonString(segment.text),
      JsonString(SpeakerLabel(request, segment.speaker)));
}

std::string_view CoverageName(vocabulary::CoverageKind kind) {
  switch (kind) {
    case vocabulary::CoverageKind::kTranscribed:
      return "transcribed";
    case vocabulary::CoverageKind::kSilence:
      return "silence";
    case vocabulary::CoverageKind::kLowConfidence:
      return "low_confidence";
  }
  return "";
}

std::string CoverageOf(const TranscriptionRequest& request, const Transcript& transcript) {
  return List(transcript.coverage, [&](const vocabulary::CoverageSpan& span) {
    return fmt::format(R"({{"start":{},"end":{},"kind":"{}"{}}})", Seconds(span.start_s), Seconds(span.end_s),
                       CoverageName(span.kind), SpeakerField(request, span.speaker));
  });
}

std::string LanguageOf(const TranscriptionRequest& request, const Transcript& transcript) {
  if (!transcript.language.empty()) return transcript.language;
  return request.language.empty() ? "und" : request.language;
}

std::string AllLogprobs(const Transcript& transcript) {
  std::string out = "[";
  for (const Segment& segment : transcript.segments) {
    for (const Word& word : segment.words) {
      if (out.size() > 1) out += ',';
      out += LogprobOf(word, out.size() == 1);
    }
  }
  return out + "]";
}

std::string VerboseFields(const TranscriptionRequest& request, const Transcript& transcript) {
  std::string out =
      fmt::format(R"("task":"{}","language":{},"duration":{},"text":{})",
                  request.translate ? "translate" : "transcribe", JsonString(LanguageOf(request, transcript)),
                  Seconds(transcript.duration_s), JsonString(transcript.Text()));
  if (request.words) out += ",\"words\":" + WordsOf(request, transcript);
  if (request.segments) {
    std::size_t id = 0;
    out += ",\"segments\":" +
           List(transcript.segments, [&](const Segment& segment) { return VerboseSegment(segment, id++); });
  }
  return out;
}

std::string DiarizedFields(const TranscriptionRequest& request, const Transcript& transcript) {
  std::size_t number = 0;
  return fmt::format(R"("task":"transcribe","duration":{},"text":{},"segments":{})",
                     Seconds(transcript.duration_s), JsonString(transcript.Text()),
                     List(transcript.segments, [&](const Segment& segment) {
                       return DiarizedSegment(request, segment, ++number);
                     }));
}

std::string JsonFieldsOf(const TranscriptionRequest& request, const Transcript& transcript) {
  std::string out = "\"text\":" + JsonString(transcript.Text());
  if (request.logprobs) out += ",\"logprobs\":" + AllLogprobs(transcript);
  return out;
}

std::string JsonDocument(std::string fields, const TranscriptionRequest& request,
                         const Transcript& transcript) {
  if (request.coverage) fields += ",\"coverage\":" + CoverageOf(request, transcript);
  return fmt::format(R"({{{},"usage":{{"type":"duration","seconds":{}}}}})", fields,
                     Seconds(transcript.duration_s));
}

}  // namespace

std::string_view ContentTypeOf(TranscriptionFormat format) {
  switch (format) {
    case TranscriptionFormat::kText:
      return "text/plain; charset=utf-8";
    case TranscriptionFormat::kSrt:
      return "application/x-subrip; charset=utf-8";
    case TranscriptionFormat::kVtt:
      return "text/vtt; charset=utf-8";
    case TranscriptionFormat::kJson:
    case TranscriptionFormat::kVerboseJson:
    case TranscriptionFormat::kDiarizedJson:
      return "application/json";
  }
  return "";
}

std::string SpeakerLabel(const TranscriptionRequest& request, int speaker) {
  if (speaker == vocabulary::kNoSpeaker) return "unknown";
  const auto index = static_cast<std::size_t>(speaker);
  return index < request.speaker_names.size() ? request.speaker_names[index] : SpeakerName(speaker);
}

std::string EncodeLogprobs(std::span<const Word> words, bool begins_text) {
  return List(words, [&](const Word& word) { return LogprobOf(word, std::exchange(begins_text, false)); });
}

std::string EncodeTranscription(const TranscriptionRequest& request, const Transcript& transcript) {
  switch (request.format) {
    case TranscriptionFormat::kText:
      return transcript.Text() + "\n";
    case TranscriptionFormat::kSrt:
      return EncodeSrt(transcript, {.speaker_names = request.speaker_names});
    case TranscriptionFormat::kVtt:
      return EncodeVtt(transcript, {.speaker_names = request.speaker_names});
    case TranscriptionFormat::kJson:
      return JsonDocument(JsonFieldsOf(request, transcript), request, transcript);
    case TranscriptionFormat::kVerboseJson:
      return JsonDocument(VerboseFields(request, transcript), request, transcript);
    case TranscriptionFormat::kDiarizedJson:
      return JsonDocument(DiarizedFields(request, transcript), request, transcript);
  }
  return "";
}

}  // namespace blindai::wire
