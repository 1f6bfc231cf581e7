// The connections of one client, and where they go: to the one server that was named, or, with a directory, to one of
// the servers of its list. Each connection is verified by itself before anything is sent on it.
//
// With a directory a call moves on to another server of the list when this one cannot be reached, is not accepted, or
// says that it did not do it (no such model, full, starting). What is repeated once a request has been sent, and its
// answer lost, is decided by Repeat. Runs and deletions carry an idempotency key, so that a server does them once and
// gives the answer again (docs/http.md). A run may be repeated at another server: it changes nothing but quotas, and
// the first answer is lost with its server. Uploads replace what they put before, so once more does no harm. A deletion
// is asked for at the same server only, since the other's answer says nothing of this one's models.
//
// Any thread may call.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "attestation/verifier/verdict.h"
#include "base/result.h"
#include "client/connect.h"
#include "client/directory.h"
#include "client/settings.h"
#include "net/http_client.h"

namespace blindai::client {

enum class Repeat {
  kNotOnceSent,  // only where nothing of the request has left this machine, or the server said that it did nothing
  kSameServer,  // deletions
  kAnywhere,    // reads, runs, uploads
};

struct Call {
  // A new request for each attempt; its error ends the call.
  std::function<base::Result<net::HttpRequest>()> make;
  Repeat repeat = Repeat::kNotOnceSent;
  std::string idempotency_key = {};  // the same for all attempts; empty: none (NewIdempotencyKey)
  std::string model = {};            // the one that the call is about; empty: none
  // With a directory: the one server that the call can go to, and where it went; null: it is for any, nobody asks.
  const ServerAddress* only = nullptr;
  ServerAddress* went_to = nullptr;
  // Set to the connection that was used.
  std::shared_ptr<const ConnectionRecord>* connection = nullptr;
};

// 128 random bits as text.
std::string NewIdempotencyKey();

class ConnectionPool {
 public:
  explicit ConnectionPool(ConnectOptions options);

  // Verifies a server. Codes: those of AttestedConnection::Open and of Directory::OpenSession.
  base::Status Connect();
  // Codes: those of Connect, net/http_client.h, the server, and of `make`.
  base::Result<net::HttpResponse> Send(const Call& call);
  // Gives `use` a connection that is verified for it alone, and counted nowhere. What `use` says is treated like an
  // answer; `call.make` is not asked.
  base::Status UseOwn(const Call& call,
                      const std::function<base::Status(std::unique_ptr<AttestedConnection>)>& use);
  // Closes idle connections.
  void Close();

  const ConnectOptions& options() const { return options_; }
  // The server that calls go to now.
  ServerAddress server() const;
  std::optional<verifier::Verdict> verdict() const;

 private:
  struct Place {
    ServerAddress server;
    std::shared_ptr<const base::SecretBytes> credential;
  };
  struct Lease {
    std::unique_ptr<AttestedConnection> connection;
    std::string server;
    bool was_idle = false;
  };
  struct Attempt {
    base::Result<net::HttpResponse> response;
    bool sent = false;  // something of the request may have reached the server
    bool is_last = false;
  };
  enum class IdleIsFine { kNo, kYes };
  using Try = std::function<Attempt(const Place&)>;

  base::Result<net::HttpResponse> SendTo(const Try& attempt, const Call& call);
  Attempt AttemptAt(const Place& place, const Call& call);
  Attempt SendOnce(const Place& place, const Call& call, IdleIsFine idle_is_fine);
  bool WaitALittle() const;
  Attempt SendOn(Lease lease, const Place& place, const Call& call);
  base::Result<std::unique_ptr<AttestedConnection>> Verify(const Place& place);
  base::Result<Lease> Take(const Place& place, IdleIsFine idle_is_fine);
  void Give(Lease lease);

  base::Result<net::HttpResponse> SendToOne(const Try& attempt, const ServerAddress& server);
  base::Result<Place> CurrentPlace();
  base::Result<Place> PlaceOf(const ServerAddress& server);
  std::optional<Place> NextPlace(const std::vector<std::string>& tried);
  void Settle(const Place& place);
  base::Status NewSession(const std::string& model);

  const ConnectOptions options_;
  const std::optional<Directory> directory_;

  // Held while a session is opened, so that callers wait for one answer instead of asking one by one.
  std::mutex session_mutex_;
  std::optional<DirectorySession> session_;

  mutable std::mutex mutex_;
  std::condition_variable freed_;
  ServerAddress server_;
  std::vector<Lease> idle_;
  std::size_t in_use_ = 0;
  std::optional<verifier::Verdict> verdict_;
};

}  // namespace blindai::client
