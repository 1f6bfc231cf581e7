// A transcription that goes on at the server when its request has ended (docs/http.md, "Jobs"). Whoever has the job's
// reference, and the account, asks how far it is, fetches the result or ends it, also from another process. The token
// in it is a secret: the server keeps the result sealed under it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "client/settings.h"

namespace blindai::client {

struct JobReference {
  std::string id;
  std::string token;
  // The server of a managed cloud that has it; nothing: the one that the client is for.
  std::optional<ServerAddress> server;

  // "job-….<token>", and "@host:port" behind it where there is a server.
  std::string ToText() const;
};

// Code: argument.
base::Result<JobReference> ParseJobReference(std::string_view text);

struct JobResult {
  base::SecretBytes document;  // in the format that was asked for
  std::string content_type;
};

}  // namespace blindai::client
