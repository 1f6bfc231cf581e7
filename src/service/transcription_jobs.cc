#include "service/transcription_jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "crypto/random.h"
#include "encoding/hex.h"
#include "model/supervisor.h"
#include "service/job_token.h"
#include "service/recognizer.h"
#include "service/speech_model.h"

namespace blindai::service {
namespace {

using base::Error;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using model::Supervisor;

constexpr std::size_t kIdBytes = 16;
constexpr int kRetryAfterS = 30;

Error Full(const std::string& whose) {
  Error error = MakeError(
      ErrorKind::kExhausted, "jobs-full",
      whose +
          " as many jobs as it may that wait, run or are kept; fetch and delete those that are done, or try "
          "again later");
  error.retry_after_s = kRetryAfterS;
  return error;
}

Error NotFound() {
  return MakeError(ErrorKind::kNotFound, "job-not-found",
                   "no such job: its id, its token or its account is another one, or it is over");
}

Error Stopping() {
  return MakeError(ErrorKind::kUnavailable, "server-stopping",
                   "the server is stopping; try again, or another one");
}

Error TooLate() {
  return MakeError(ErrorKind::kDeadline, "deadline", "the job's turn did not come before its deadline");
}

Error ResultTooLarge(std::size_t limit) {
  return MakeError(ErrorKind::kTooLarge, "job-result-too-large",
                   fmt::format("the result is larger than {} bytes, the limit of this server; ask for "
                               "another format or less in it",
                               limit));
}

}  // namespace

// With a mutex of its own, since a place may be given back while jobs are looked at.
struct TranscriptionJobs::Place::Room {
  explicit Room(const JobLimits& limits) : per_tenant(limits.per_tenant), in_all(limits.in_all) {}

  const std::size_t per_tenant;
  const std::size_t in_all;
  std::mutex mutex;
  std::size_t count = 0;
  std::map<std::uint64_t, std::size_t> of_tenant;  // by Caller::number
};

TranscriptionJobs::Place::Place(std::shared_ptr<Room> room, std::uint64_t tenant)
    : room_(std::move(room)), tenant_(tenant) {}

TranscriptionJobs::Place::~Place() {
  const std::lock_guard lock(room_->mutex);
  --room_->count;
  const auto found = room_->of_tenant.find(tenant_);
  if (--found->second == 0) room_->of_tenant.erase(found);
}

class TranscriptionJobs::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(const ModelCatalogue& catalogue, DecoderOptions decoder, JobLimits limits)
      : catalogue_(catalogue),
        decoder_(std::move(decoder)),
        limits_(std::move(limits)),
        room_(std::make_shared<Place::Room>(limits_)) {}

  Result<std::unique_ptr<Place>> Reserve(const Caller& caller) {
    BLINDAI_RETURN_IF_ERROR(RequireRun(caller));
    DeleteExpired();
    const std::lock_guard lock(mutex_);
    if (stopping_) return Stopping();
    auto place = TakePlace(caller.number);
    if (!place.ok()) ++stats_.refused_total;
    return place;
  }

  Result<JobTicket> Submit(std::unique_ptr<Place> place, const Caller& caller, JobRequest request) {
    // What can be refused is refused while the requester is there.
    BLINDAI_TRY(const auto served, FindSpeechModel(catalogue_, caller, request.model));
    BLINDAI_RETURN_IF_ERROR(CheckRecognition(served->record, request.transcription));
    BLINDAI_RETURN_IF_ERROR(served->CountRequest(caller));
    JobTicket ticket{.id = "job-" + encoding::HexEncode(crypto::RandomBytes(kIdBytes)),
                     .token = NewJobToken()};
    auto job = std::make_shared<Job>(Job{.id = ticket.id,
                                         .caller = caller,
                                         .place = std::move(place),
                                         .keys = DeriveJobKeys(ticket.token, ticket.id),
                                         .request = std::move(request),
                                         .deadline = std::chrono::steady_clock::now() + limits_.deadline,
                                         .status = {.created = limits_.now()}});
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return Stopping();
      ++stats_.total;
      jobs_.emplace(job->id, job);
      waiting_.push_back(std::move(job));
    }
    StartWaiting();
    return ticket;
  }

  Result<JobStatus> Look(const Caller& caller, std::string_view id, std::string_view token) {
    BLINDAI_TRY(const Found found, Find(caller, id, token));
    const std::lock_guard lock(mutex_);
    return found.job->status;
  }

  Result<JobResult> Fetch(const Caller& caller, std::string_view id, std::string_view token) {
    BLINDAI_TRY(const Found found, Find(caller, id, token));
    std::unique_lock lock(mutex_);
    const Job& job = *found.job;
    if (job.status.error) return *job.status.error;
    if (job.status.state != JobState::kCompleted) {
      return MakeError(ErrorKind::kConflict, "job-not-finished",
                       "the job has no result yet; look at its status first");
    }
    // A forgotten job loses its result, so this reads from a copy.
    const base::Bytes sealed = job.sealed;
    std::string content_type = job.request.content_type;
    lock.unlock();
    BLINDAI_TRY(base::SecretBytes document, OpenJobResult(found.sealing, id, sealed));
    return JobResult{std::move(document), std::move(content_type)};
  }

  Status Cancel(const Caller& caller, std::string_view id, std::string_view token) {
    BLINDAI_TRY(const Found found, Find(caller, id, token));
    const std::lock_guard lock(mutex_);
    Forget(*found.job);
    return base::Ok();
  }

  void DeleteExpired() {
    const base::Time now = limits_.now();
    const auto steady_now = std::chrono::steady_clock::now();
    std::vector<std::shared_ptr<Job>> over;  // they end when the lock is gone
    const std::lock_guard lock(mutex_);
    for (const auto& [id, job] : jobs_) {
      if (IsOver(*job, now)) over.push_back(job);
    }
    for (const auto& job : over) Forget(*job);
    std::erase_if(waiting_, [&](const std::shared_ptr<Job>& job) {
      if (steady_now < job->deadline) return false;
      Conclude(*job, TooLate());
      return true;
    });
  }

  JobStats stats() const {
    const std::lock_guard lock(mutex_);
    JobStats stats = stats_;
    stats.waiting = waiting_.size();
    stats.running = running_;
    for (const auto& [id, job] : jobs_) stats.kept += job->status.expires ? 1 : 0;
    return stats;
  }

  void Stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    while (!jobs_.empty()) {
      const std::shared_ptr<Job> job = jobs_.begin()->second;
      Forget(*job);
    }
    ended_.wait(lock, [this] { return running_ == 0; });
  }

 private:
  struct Job {
    const std::string id;
    const Caller caller;
    std::unique_ptr<Place> place;
    JobKeys keys;  // the key to seal with is gone when the result is sealed
    JobRequest request;
    const std::chrono::steady_clock::time_point deadline;
    JobStatus status;
    TranscribeTicket ticket = {};
    base::Bytes sealed = {};
    bool is_forgotten = false;
  };
  struct Found {
    std::shared_ptr<Job> job;
    base::SecretBytes sealing;
  };

  Result<std::unique_ptr<Place>> TakePlace(std::uint64_t tenant) {
    const std::lock_guard lock(room_->mutex);
    const auto found = room_->of_tenant.find(tenant);
    if (found != room_->of_tenant.end() && found->second >= room_->per_tenant)
      return Full("this account has");
    if (room_->count >= room_->in_all) return Full("this server has");
    ++room_->count;
    ++room_->of_tenant[tenant];
    return std::unique_ptr<Place>(new Place(room_, tenant));
  }

  static bool IsOver(const Job& job, base::Time now) {
    return job.status.expires && *job.status.expires <= now;
  }

  Result<Found> Find(const Caller& caller, std::string_view id, std::string_view token) {
    BLINDAI_RETURN_IF_ERROR(RequireRun(caller));
    // Derived for ids that are nobody's too, so that they take the same time.
    JobKeys keys = DeriveJobKeys(ParseJobToken(token), id);
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return NotFound();
    const std::shared_ptr<Job>& job = found->second;
    const bool is_theirs =
        base::ConstantTimeEqual(job->keys.check.ExposeSecret(), keys.check.ExposeSecret()) &&
        job->caller.number == caller.number && job->caller.tenant == caller.tenant;
    if (!is_theirs || IsOver(*job, limits_.now())) return NotFound();
    return Found{job, std::move(keys.sealing)};
  }

  // Under the lock. What runs goes on to its end, which comes soon, and has its place until then.
  void Forget(Job& job) {
    job.is_forgotten = true;
    job.keys = {};
    job.sealed = {};
    if (job.status.state == JobState::kRunning) {
      job.ticket.Cancel();
    } else {
      job.place.reset();
    }
    std::erase_if(waiting_, [&job](const std::shared_ptr<Job>& waiting) { return waiting.get() == &job; });
    jobs_.erase(jobs_.find(job.id));
  }

  // Under the lock. Nothing of what was asked for stays but the form of the result.
  void Conclude(Job& job, std::optional<Error> error) {
    job.status.state = error ? JobState::kFailed : JobState::kCompleted;
    job.status.expires = limits_.now() + limits_.kept_for;
    stats_.failed_total += error ? 1 : 0;
    job.status.error = std::move(error);
    job.keys.sealing = {};
    job.request.transcription = {};
    job.request.encode = nullptr;
  }

  // Tenants take turns: the next is of those who have the fewest running, and whoever had a turn goes to the end.
  std::shared_ptr<Job> TakeNext() {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.empty() || running_ == limits_.running) return nullptr;
    const auto next = std::ranges::min_element(
        waiting_, {}, [this](const std::shared_ptr<Job>& job) { return RunningOf(job->caller.number); });
    std::shared_ptr<Job> job = *next;
    waiting_.erase(next);
    std::stable_partition(waiting_.begin(), waiting_.end(), [&job](const std::shared_ptr<Job>& waiting) {
      return waiting->caller.number != job->caller.number;
    });
    ++running_;
    ++running_of_[job->caller.number];
    job->status.state = JobState::kRunning;
    return job;
  }

  std::size_t RunningOf(std::uint64_t tenant) const {
    const auto found = running_of_.find(tenant);
    return found == running_of_.end() ? 0 : found->second;
  }

  void StartWaiting() {
    while (const std::shared_ptr<Job> job = TakeNext()) Begin(job);
  }

  void Begin(const std::shared_ptr<Job>& job) {
    TranscribeRequest request = std::move(job->request.transcription);
    request.deadline = job->deadline;
    request.when_busy = WhenBusy::kWait;
    request.is_counted = true;
    request.progress = [self = shared_from_this(), job](double done_s, double announced_s) {
      const std::lock_guard lock(self->mutex_);
      job->status.seconds_done = done_s;
      job->status.seconds_total = announced_s;
    };
    TranscribeTicket ticket =
        Transcribe(catalogue_, decoder_, job->caller, job->request.model, std::move(request),
                   [self = shared_from_this(), job](Result<TranscribeDone> done) {
                     self->OnDone(job, std::move(done));
                   });
    const std::lock_guard lock(mutex_);
    job->ticket = std::move(ticket);
    if (job->is_forgotten) job->ticket.Cancel();
  }

  void OnDone(const std::shared_ptr<Job>& job, Result<TranscribeDone> done) {
    if (!done.ok()) return End(job, std::move(done).error());
    const auto transcript = std::make_shared<vocabulary::Transcript>(std::move(done->transcript));
    const auto error = std::make_shared<std::optional<Error>>();
    Supervisor::Instance().Offload(
        [self = shared_from_this(), job, transcript, error] {
          *error = self->Seal(*job, *transcript);
          vocabulary::WipeTexts(*transcript);
        },
        [self = shared_from_this(), job, error] { self->End(job, std::move(*error)); });
  }

  std::optional<Error> Seal(Job& job, const vocabulary::Transcript& transcript) {
    base::SecretBytes sealing;
    {
      const std::lock_guard lock(mutex_);
      if (job.is_forgotten) return std::nullopt;
      sealing = std::move(job.keys.sealing);
    }
    std::string text = job.request.encode(transcript);
    const bool fits = text.size() <= limits_.result_bytes;
    base::Bytes sealed;
    if (fits) sealed = SealJobResult(sealing, job.id, base::AsBytes(text));
    base::Wipe(text.data(), text.size());
    if (!fits) return ResultTooLarge(limits_.result_bytes);
    const std::lock_guard lock(mutex_);
    if (!job.is_forgotten) job.sealed = std::move(sealed);
    return std::nullopt;
  }

  void End(const std::shared_ptr<Job>& job, std::optional<Error> error) {
    {
      const std::lock_guard lock(mutex_);
      if (job->is_forgotten) {
        job->request.encode = nullptr;
        job->place.reset();
      } else {
        Conclude(*job, std::move(error));
      }
      job->ticket = {};
      --running_;
      const auto of_tenant = running_of_.find(job->caller.number);
      if (--of_tenant->second == 0) running_of_.erase(of_tenant);
      ended_.notify_all();
    }
    // Not from here, since a job that cannot even begin ends inside Begin.
    Supervisor::Instance().Post([self = shared_from_this()] { self->StartWaiting(); });
  }

  const ModelCatalogue& catalogue_;
  const DecoderOptions decoder_;
  const JobLimits limits_;
  const std::shared_ptr<Place::Room> room_;

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::map<std::string, std::shared_ptr<Job>, std::less<>> jobs_;
  std::deque<std::shared_ptr<Job>> waiting_;
  std::size_t running_ = 0;  // those that were forgotten meanwhile too
  std::map<std::uint64_t, std::size_t> running_of_;
  JobStats stats_;
  bool stopping_ = false;
};

TranscriptionJobs::TranscriptionJobs(const ModelCatalogue& catalogue, DecoderOptions decoder,
                                     JobLimits limits)
    : impl_(std::make_shared<Impl>(catalogue, std::move(decoder), std::move(limits))) {}

TranscriptionJobs::~TranscriptionJobs() { Stop(); }

Result<std::unique_ptr<TranscriptionJobs::Place>> TranscriptionJobs::Reserve(const Caller& caller) {
  return impl_->Reserve(caller);
}

Result<JobTicket> TranscriptionJobs::Submit(std::unique_ptr<Place> place, const Caller& caller,
                                            JobRequest request) {
  return impl_->Submit(std::move(place), caller, std::move(request));
}

Result<JobStatus> TranscriptionJobs::Look(const Caller& caller, std::string_view id, std::string_view token) {
  return impl_->Look(caller, id, token);
}

Result<JobResult> TranscriptionJobs::Fetch(const Caller& caller, std::string_view id,
                                           std::string_view token) {
  return impl_->Fetch(caller, id, token);
}

Status TranscriptionJobs::Cancel(const Caller& caller, std::string_view id, std::string_view token) {
  return impl_->Cancel(caller, id, token);
}

void TranscriptionJobs::DeleteExpired() { impl_->DeleteExpired(); }
JobStats TranscriptionJobs::stats() const { return impl_->stats(); }
void TranscriptionJobs::Stop() { impl_->Stop(); }

}  // namespace blindai::service
