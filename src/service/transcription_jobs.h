// Transcriptions that go on when the request has ended: a recording is accepted, its text is fetched later. Everything
// is in memory and dies with the process. A recording that waits is what it is while it is transcribed, kernel memory
// that nobody maps (speech/audio_file.h), overwritten when it is done with. A result is sealed as soon as it is there,
// under a key that only the requester's token gives back (service/job_token.h).
//
// A job is its owner's who also has its token: for everybody else, for another key of the same account without the
// token too, it is answered as one that never was. It ends by its result or error, which is kept for `kept_for` and
// then forgotten; by Cancel; by its deadline, counted from its acceptance; and by the end of the server. A full queue
// of the model only makes it wait, and a worker that dies is started again for it twice for the same window; then it
// fails.
//
// Any thread may call.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "service/caller.h"
#include "service/model_catalogue.h"
#include "service/transcribe.h"
#include "vocabulary/model_id.h"
#include "vocabulary/transcript.h"

namespace blindai::service {

struct JobLimits {
  std::size_t per_tenant = 32;  // that wait, run or are kept
  std::size_t in_all = 128;
  std::size_t running = 4;  // at a time; tenants take turns
  std::size_t result_bytes = std::size_t{16} << 20;
  std::chrono::milliseconds deadline{14'400'000};
  std::chrono::seconds kept_for{3'600};
  std::function<base::Time()> now = base::Now;
};

enum class JobState { kQueued, kRunning, kCompleted, kFailed };

struct JobStatus {
  JobState state = JobState::kQueued;
  base::Time created;
  double seconds_done = 0;
  double seconds_total = 0;                // 0: the recording does not say
  std::optional<base::Time> expires = {};  // of one that has ended
  std::optional<base::Error> error = {};   // of one that failed
};

struct JobRequest {
  vocabulary::ModelId model;
  // Its deadline, progress and finished are set here.
  TranscribeRequest transcription;
  // Writes the result in the form that was asked for. Called once, on another thread.
  std::function<std::string(const vocabulary::Transcript& transcript)> encode;
  std::string content_type;  // of that form
};

// What the requester is told; whoever has both reads the result.
struct JobTicket {
  std::string id;
  base::SecretBytes token;
};

struct JobResult {
  base::SecretBytes document;
  std::string content_type;
};

struct JobStats {
  std::uint64_t waiting = 0;
  std::uint64_t running = 0;
  std::uint64_t kept = 0;
  std::uint64_t total = 0;
  std::uint64_t failed_total = 0;
  std::uint64_t refused_total = 0;
};

class TranscriptionJobs {
 public:
  // The catalogue must outlive it.
  TranscriptionJobs(const ModelCatalogue& catalogue, DecoderOptions decoder, JobLimits limits);
  ~TranscriptionJobs();  // Stop()
  TranscriptionJobs(const TranscriptionJobs&) = delete;
  TranscriptionJobs& operator=(const TranscriptionJobs&) = delete;

  // A place for a job whose recording is still to come; free again when the job is forgotten, or this is dropped.
  class Place {
   public:
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    friend class TranscriptionJobs;
    struct Room;
    Place(std::shared_ptr<Room> room, std::uint64_t tenant);
    const std::shared_ptr<Room> room_;
    const std::uint64_t tenant_;
  };
  // Codes: those of RequireRun, jobs-full (kExhausted), server-stopping.
  base::Result<std::unique_ptr<Place>> Reserve(const Caller& caller);
  // Codes: those of FindSpeechModel, keyword, server-stopping.
  base::Result<JobTicket> Submit(std::unique_ptr<Place> place, const Caller& caller, JobRequest request);

  // All three: those of RequireRun; job-not-found for what is unknown, another's, over, or not this token's.
  base::Result<JobStatus> Look(const Caller& caller, std::string_view id, std::string_view token);
  // May be fetched again until it is over. Also: job-not-finished (kConflict), and the error of a job that failed.
  base::Result<JobResult> Fetch(const Caller& caller, std::string_view id, std::string_view token);
  // Ends and forgets it.
  base::Status Cancel(const Caller& caller, std::string_view id, std::string_view token);

  // Forgets what is over; to be called now and then.
  void DeleteExpired();
  JobStats stats() const;
  // Ends and forgets all jobs and waits until none of them runs.
  void Stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace blindai::service
