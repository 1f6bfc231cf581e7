// `blindai job`: a transcription that was started by `transcribe --job` is taken up again, or ended.
#include <memory>
#include <optional>

#include <boost/json.hpp>

#include "client/failure.h"
#include "commands.h"
#include "job_watch.h"
#include "kept_jobs.h"

namespace blindai::cli {
namespace {

struct JobWords {
  ServerWords server;
  std::string id;
  std::optional<std::string> file;
  bool cancel = false;
  bool list = false;
};

ExitCode List(const KeptJobs& jobs, bool json) {
  boost::json::array ids;
  for (const std::string& id : jobs.Ids()) {
    if (json) {
      ids.emplace_back(id);
    } else {
      Result(id + "\n");
    }
  }
  if (json) Result(boost::json::serialize(boost::json::object{{"jobs", ids}}) + "\n");
  return ExitCode::kDone;
}

// The text where it is wanted, and only then the job is forgotten.
base::Status Deliver(const client::JobResult& result, const JobWords& words) {
  const std::string_view text = base::AsText(result.document.ExposeSecret());
  if (words.file) return SaveText(*words.file, text);
  Result(text);
  if (!text.ends_with('\n')) Result("\n");
  return base::Ok();
}

ExitCode TakeUp(const JobWords& words) {
  const auto jobs = KeptJobs::OfUser();
  if (!jobs.ok()) return Fail(jobs.error());
  if (words.list) return List(*jobs, words.server.json);
  const auto job = jobs->Find(words.id);
  if (!job.ok()) return Fail(job.error());
  auto client = words.server.MakeClient();
  if (!client.ok()) return Fail(client.error());
  if (words.cancel) {
    const base::Status deleted = client->DeleteJob(*job);
    const bool is_gone = deleted.ok() || deleted.error().code == "job-not-found";
    if (is_gone) jobs->Forget(*job);
    if (!deleted.ok()) return Fail(deleted.error(), client->verdict());
    Note("ended and forgotten: " + job->id);
    return ExitCode::kDone;
  }
  const auto result = WatchJob(*client, *jobs, *job, job->id);
  if (!result.ok()) return Fail(result.error(), client->verdict());
  const base::Status delivered = Deliver(*result, words);
  if (!delivered.ok()) return Fail(delivered.error());
  ForgetJob(*client, *jobs, *job);
  return ExitCode::kDone;
}

}  // namespace

void AddJob(CLI::App& app, ExitCode& code) {
  CLI::App* command = app.add_subcommand("job", "take up a transcription that goes on at the server");
  auto words = std::make_shared<JobWords>();
  command->add_option("ID", words->id, "the job; it may be left out where one is kept");
  command->add_option("--out", words->file, "a file for the text, in the format that was asked for");
  command->add_flag("--cancel", words->cancel, "end the work, and have the server forget it");
  command->add_flag("--list", words->list, "the jobs that are kept here; nothing is sent");
  words->server.AddTo(*command);
  command->footer(
      "A job is started by 'blindai transcribe FILE --job'. Its reference, with the secret that its text is "
      "sealed\n"
      "under, is kept in ~/.local/state/blindai/jobs, which only you can read.\n\n"
      "examples:\n"
      "  blindai job --list\n"
      "  blindai job job-1f0c9a3e --out session.srt\n"
      "  blindai job job-1f0c9a3e --cancel");
  command->callback([words, &code] { code = TakeUp(*words); });
}

}  // namespace blindai::cli
