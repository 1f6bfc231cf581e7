// References to jobs that this user started (client/transcription_job.h), one small file each: whoever reads it, and
// has the account, reads the text. The folder has mode 0700 and the files 0600; they have no name of the recording.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/transcription_job.h"

namespace blindai::cli {

class KeptJobs {
 public:
  // $XDG_STATE_HOME/blindai/jobs or ~/.local/state/blindai/jobs. Code: jobs-folder (there is no home).
  static base::Result<KeptJobs> OfUser();
  explicit KeptJobs(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Code: jobs-folder (it cannot be written).
  base::Status Keep(const client::JobReference& job) const;
  // `id` may be empty where just one is kept. Codes: argument (none by this id; not just one; the file is damaged).
  base::Result<client::JobReference> Find(std::string_view id) const;
  void Forget(const client::JobReference& job) const;
  // Newest last.
  std::vector<std::string> Ids() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace blindai::cli
