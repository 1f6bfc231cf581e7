// A transcript as `POST /v1/audio/transcriptions` answers it, in each of OpenAI's formats. Pure.
// https://platform.openai.com/docs/api-reference/audio
//
// `temperature`, `avg_logprob`, `compression_ratio` and `no_speech_prob` are those of the Whisper window that a
// segment was heard in. What a CTC model does not have is said as it is: `temperature` is 0, and so is
// `no_speech_prob`, because a segment stands only where characters were heard; `compression_ratio` is that of the
// segment's own text. `tokens` is empty, `seek` is 0, `usage` counts seconds. A logprob is the natural logarithm of a
// word's confidence (vocabulary/transcript.h), one for each word, so the tokens joined are the text. In
// `diarized_json` a speaker is a channel; a recording of one channel has the speaker "unknown", since nobody told its
// voices apart. Beyond OpenAI: a word of `verbose_json` has its `confidence` and, of a recording with speakers, its
// `speaker`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "protocols/wire/openai_audio_request.h"
#include "vocabulary/transcript.h"

namespace blindai::wire {

// "json" and its like: application/json; text/plain, application/x-subrip, text/vtt.
std::string_view ContentTypeOf(TranscriptionFormat format);

// The body of the answer. `language` of the transcript wins over what the request says; "und" (undetermined, ISO 639-2)
// where neither says any.
std::string EncodeTranscription(const TranscriptionRequest& request,
                                const vocabulary::Transcript& transcript);

// The name of a segment's speaker: from the request, else "A", "B", …; "unknown" for one channel.
std::string SpeakerLabel(const TranscriptionRequest& request, int speaker);

// [{"token","logprob","bytes"}] of one segment's words; the first token begins with a space unless it begins the text.
std::string EncodeLogprobs(std::span<const vocabulary::Word> words, bool begins_text);

}  // namespace blindai::wire
