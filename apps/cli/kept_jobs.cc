#include "kept_jobs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <utility>

#include "base/secret.h"
#include "client/failure.h"

namespace blindai::cli {
namespace {

namespace fs = std::filesystem;
using base::MakeError;

base::Error Argument(std::string message) { return client::ArgumentError(std::move(message), "job"); }

base::Error CannotWrite() {
  return MakeError(
      base::ErrorKind::kUnavailable, "jobs-folder",
      "the job's reference cannot be kept; check the permissions of ~/.local/state/blindai/jobs");
}

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

base::Result<KeptJobs> KeptJobs::OfUser() {
  const std::string state = Variable("XDG_STATE_HOME");
  if (!state.empty()) return KeptJobs(fs::path(state) / "blindai/jobs");
  const std::string home = Variable("HOME");
  if (!home.empty()) return KeptJobs(fs::path(home) / ".local/state/blindai/jobs");
  return MakeError(base::ErrorKind::kUnavailable, "jobs-folder",
                   "there is no place for a job's reference: HOME and XDG_STATE_HOME are not set");
}

base::Status KeptJobs::Keep(const client::JobReference& job) const {
  std::error_code error;
  fs::create_directories(folder_, error);
  fs::permissions(folder_, fs::perms::owner_all, error);
  const std::string path = folder_ / job.id;
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return CannotWrite();
  std::string text = job.ToText() + "\n";
  const bool whole = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  base::Wipe(text.data(), text.size());
  const bool closed = close(file) == 0;
  if (!whole || !closed) return CannotWrite();
  return base::Ok();
}

base::Result<client::JobReference> KeptJobs::Find(std::string_view id) const {
  const std::vector<std::string> ids = Ids();
  std::string chosen(id);
  if (id.empty()) {
    if (ids.empty()) return Argument("no job is kept here; start one by 'blindai transcribe FILE --job'");
    if (ids.size() > 1) return Argument("several jobs are kept; name one of 'blindai job --list'");
    chosen = ids.front();
  } else if (std::find(ids.begin(), ids.end(), id) == ids.end()) {
    return Argument("no job by this id is kept; 'blindai job --list' shows them");
  }
  std::ifstream file(folder_ / chosen);
  std::string line;
  std::getline(file, line);
  auto reference = client::ParseJobReference(line);
  if (!reference.ok() || reference->id != chosen)
    return Argument("the file of this job's reference is damaged; remove it");
  return reference;
}

void KeptJobs::Forget(const client::JobReference& job) const {
  std::error_code error;
  fs::remove(folder_ / job.id, error);
}

std::vector<std::string> KeptJobs::Ids() const {
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
    found.emplace_back(entry.last_write_time(error), entry.path().filename().string());
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> ids;
  ids.reserve(found.size());
  for (auto& [time, id] : found) ids.push_back(std::move(id));
  return ids;
}

}  // namespace blindai::cli
