// A job is followed to its end; `transcribe --job` and `job` share it.
#pragma once

#include <string>

#include "base/result.h"
#include "client/client.h"
#include "kept_jobs.h"

namespace blindai::cli {

// Sends the recording and keeps the reference; says how the job is taken up again.
base::Result<client::JobReference> StartAndKeep(client::Client& client, const KeptJobs& jobs,
                                                const std::string& file,
                                                const wire::TranscriptionRequest& request);

// Waits with a line of progress. An error that says that there will be no result forgets the reference; where the
// server could not be asked it is kept.
base::Result<client::JobResult> WatchJob(client::Client& client, const KeptJobs& jobs,
                                         const client::JobReference& job, const std::string& what);

// When its text is in the caller's hands: at the server, and here.
void ForgetJob(client::Client& client, const KeptJobs& jobs, const client::JobReference& job);

// Writes a text for its owner's eyes only. Code: argument.
base::Status SaveText(const std::filesystem::path& place, std::string_view text);

}  // namespace blindai::cli
