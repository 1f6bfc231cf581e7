// Verifies the servers of the cloud, as any client would: a TLS connection, a fresh nonce, evidence for that very
// connection, the policy. Nothing but the question for evidence is sent. A server is verified when it first reports and
// then each period; what came out is written to the directory's database with the code of the finding.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "client/connect.h"
#include "client/settings.h"
#include "net/io_pool.h"
#include "service/accounts/directory.h"

namespace blindai::directory {

struct CheckResult {
  std::string reason;  // empty = accepted; else the code of the finding or of the error
  bool simulation = false;
};

// Connects to `address` with these options (their server is not looked at).
CheckResult CheckServer(const std::string& address, client::ConnectOptions options);

class ServerChecks {
 public:
  // Starts the work. `ready` says whether the database answers. Directory and ready must outlive it.
  ServerChecks(accounts::Directory& directory, client::ConnectOptions options, std::atomic<bool>& ready);
  // Ends running checks.
  ~ServerChecks();
  ServerChecks(const ServerChecks&) = delete;
  ServerChecks& operator=(const ServerChecks&) = delete;

 private:
  void Work();
  bool Round();

  accounts::Directory& directory_;
  client::ConnectOptions options_;
  std::atomic<bool>& ready_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  net::IoPool checkers_;  // each check blocks one of its threads
  std::thread thread_;    // last, so that everything it uses exists
};

}  // namespace blindai::directory
