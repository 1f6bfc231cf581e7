#include "job_watch.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "client/failure.h"
#include "output.h"

namespace blindai::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{500};

}  // namespace

base::Result<client::JobReference> StartAndKeep(client::Client& client, const KeptJobs& jobs,
                                                const std::string& file,
                                                const wire::TranscriptionRequest& request) {
  Progress progress("sending " + std::filesystem::path(file).filename().string());
  client::TranscribeOptions options;
  options.request = request;
  options.upload_progress = [&progress](std::uint64_t sent, std::uint64_t total) {
    progress.Show(sent, total);
    return true;
  };
  BLINDAI_TRY(client::JobReference job, client.StartJob(client::FileSource::File(file), options));
  BLINDAI_RETURN_IF_ERROR(jobs.Keep(job));
  return job;
}

base::Result<client::JobResult> WatchJob(client::Client& client, const KeptJobs& jobs,
                                         const client::JobReference& job, const std::string& what) {
  TimeProgress progress("transcribing " + what);
  while (true) {
    BLINDAI_TRY(const wire::AudioJob now, client.LookAtJob(job));
    progress.Show(now.seconds_done, now.seconds_total);
    if (now.status == wire::AudioJobStatus::kCompleted || now.status == wire::AudioJobStatus::kFailed) break;
    std::this_thread::sleep_for(kBetweenLooks);
  }
  auto result = client.FetchJobResult(job);
  const bool is_lost = !result.ok() && client::FailureOf(result.error()) == client::FailureKind::kModel;
  if (is_lost) ForgetJob(client, jobs, job);
  return result;
}

void ForgetJob(client::Client& client, const KeptJobs& jobs, const client::JobReference& job) {
  // Where it fails, the server forgets the job by itself when its time is over.
  const base::Status deleted = client.DeleteJob(job);
  static_cast<void>(deleted);
  jobs.Forget(job);
}

base::Status SaveText(const std::filesystem::path& place, std::string_view text) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::remove(place, error);
  std::ofstream out(place, std::ios::binary);
  fs::permissions(place, fs::perms::owner_read | fs::perms::owner_write, error);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!out.flush() || error) {
    return client::ArgumentError("it cannot be written to the folder; check it and its permissions", "out");
  }
  return base::Ok();
}

}  // namespace blindai::cli
