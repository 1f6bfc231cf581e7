// The recogniser (speech/recognizer.h) of a served model of any kind, and whether it can do what a request asks for.
#pragma once

#include <memory>

#include "base/result.h"
#include "service/model_catalogue.h"
#include "service/transcribe.h"
#include "speech/recognizer.h"
#include "speech/voices.h"

namespace blindai::service {

using speech::Recognizer;

// Whether the model can do what the request asks for, beyond its recording. Codes: keyword, prompt-unsupported,
// beam-size-unsupported, language, translations-unsupported, words-unsupported, alignment-unsupported.
base::Status CheckRecognition(const ModelRecord& record, const TranscribeRequest& request);
// For a request that passed; `record` and `voices`, who speaks when in the same recording (null: loudness tells), must
// outlive it. One or two channels.
std::unique_ptr<Recognizer> MakeRecognizer(const ModelRecord& record, const TranscribeRequest& request,
                                           int channels, const speech::Voices* voices = nullptr);

}  // namespace blindai::service
