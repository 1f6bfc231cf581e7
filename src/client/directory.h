// The front of a managed cloud as its clients see it (docs/directory.md): an API key becomes a session, which is a
// token for the servers and a list of them.
//
// The directory is trusted with the API key, so its certificate must be of a CA that this machine knows, or of the one
// that the caller names. It is not trusted with anything else: each server of its list is verified by the caller's own
// policy, as if the caller had named it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "client/settings.h"
#include "net/http_client.h"
#include "net/task.h"

namespace blindai::client {

struct DirectorySession {
  std::shared_ptr<const base::SecretBytes> token;
  base::Time renew_at;  // a while before the token ends
  base::Time expires_at;
  std::vector<ServerAddress> servers;  // best first, at least one
};

class Directory {
 public:
  // The options of a client with a directory.
  explicit Directory(const ConnectOptions& options);

  // Servers that serve `model` come alone, where there are any. Codes: those of the directory (no-servers, rate-limit,
  // login-required, bad-credentials, …), of its connection (net/http_client.h), and directory-message.
  base::Result<DirectorySession> OpenSession(const std::string& model, base::Time now) const;
  // The same for a program of coroutines, and for no model in particular.
  net::Task<base::Result<DirectorySession>> AskForSession(base::Time now) const;

 private:
  base::Result<net::ConnectOptions> Where() const;
  net::HttpRequest Question(const std::string& model) const;

  const DirectoryOptions at_;
  const std::shared_ptr<const base::SecretBytes> api_key_;
  const std::chrono::milliseconds timeout_;
  const std::function<bool()> keep_waiting_;
};

}  // namespace blindai::client
