// A transcription that goes on without its request, as `POST /v1/audio/jobs` and `GET /v1/audio/jobs/{id}` answer it.
// The shape is that of OpenAI's long-running objects (id, object, status, created_at); the result is not in it: it is
// fetched by itself, in the form of `POST /v1/audio/transcriptions`. Pure, both directions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::wire {

// What proves that a job is the requester's, beside the account: sent with each request about the job.
inline constexpr std::string_view kJobTokenHeader = "Blindai-Job-Token";

enum class AudioJobStatus { kQueued, kRunning, kCompleted, kFailed };

std::string_view AudioJobStatusName(AudioJobStatus status);  // "queued", "running", "completed", "failed"

struct AudioJob {
  std::string id;
  AudioJobStatus status = AudioJobStatus::kQueued;
  std::int64_t created_at = 0;  // seconds since the epoch
  double seconds_done = 0;
  double seconds_total = 0;                // 0: the recording does not say
  std::optional<std::int64_t> expires_at;  // seconds since the epoch; of one that has ended
  // Of one that failed. A client asks for the result and gets it with its status number: it is not decoded from here.
  std::optional<base::Error> error;
  // In the answer to POST and never again.
  std::string token;
};

std::string EncodeAudioJob(const AudioJob& job);
// Code: audio-job.
base::Result<AudioJob> DecodeAudioJob(base::ByteView body);

// {"id","object","deleted":true}
std::string EncodeAudioJobDeleted(std::string_view id);

}  // namespace blindai::wire
