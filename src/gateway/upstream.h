// The gateway's connections to its server. Each one is verified by itself before anything is sent on it, and none is
// used once its evidence is older than ten minutes. One connection serves nothing but to be watched: when it ends the
// server is asked anew at once, and when it goes bad the gateway closes its door that very moment.
//
// With a directory it asks that for a session, and goes to the first server of its list that is reached and accepted;
// when that one is lost, to the next. Each is judged by the user's own policy, as one that was named.
//
// Everything happens on the one thread of the pool, so nothing here needs a lock.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "client/directory.h"
#include "client/settings.h"
#include "client/verified_connection.h"
#include "gateway/standing.h"
#include "net/http_client.h"
#include "net/io_pool.h"
#include "net/task.h"

namespace blindai::gateway {

struct UpstreamOptions {
  client::ConnectOptions server;
  // Evidence older than this is not relied on.
  std::chrono::milliseconds verify_every{600'000};
  // How often the watched connection is asked whether somebody is still there.
  std::chrono::milliseconds heartbeat{30'000};
  // Between two attempts while there is no good verdict.
  std::chrono::milliseconds retry{1'000};
  // Called on the pool's thread with every change that is told.
  std::function<void(const Standing&)> on_change;
};

enum class IdleIsFine { kNo, kYes };

class Upstream {
 public:
  // A verified connection, for one request. Codes of Take: server-not-trusted, server-unreachable.
  struct Lease {
    std::unique_ptr<net::HttpConnection> http;
    std::chrono::steady_clock::time_point verified;
    bool was_idle = false;
  };

  // The pool has one thread and outlives this.
  Upstream(UpstreamOptions options, const net::IoPool& pool);
  // Call Stop first.
  ~Upstream() = default;

  // Begins to watch.
  void Start();
  // No more connections, no more waits; from any thread.
  void BeginStop();
  // Does that, and waits until watching has ended; from any thread but the pool's, once.
  void Stop();

  net::Task<base::Result<Lease>> Take(IdleIsFine idle_is_fine);
  // A connection whose request is over; kept when it can be used again.
  void Give(Lease lease);
  // Whether its evidence is still young enough for another request.
  bool IsYoung(const Lease& lease) const;

  const Standing& standing() const { return standing_; }
  StatusFacts facts() const;
  // The server that requests go to now, and the credential for it: with a directory the token of the session.
  const client::ConnectOptions& server() const { return *place_; }
  // Waits until something was told after `number`, until then, until WakeAll, or until Stop. True: stopped.
  net::Task<bool> ChangedSince(std::uint64_t number, std::chrono::steady_clock::time_point until);
  // Lets everybody who waits look again.
  void WakeAll();

 private:
  enum class Asker { kWatch, kRequest };
  using Place = std::shared_ptr<const client::ConnectOptions>;
  net::Task<base::Result<Lease>> Open(Asker asker);
  net::Task<base::Result<Lease>> OpenSomewhere();
  base::Result<Lease> Judge(client::VerifiedOutcome outcome, std::chrono::steady_clock::time_point begun);
  void Learn(const client::VerifiedOutcome& outcome, const Place& place, Asker asker);
  net::Task<base::Status> RenewSession();
  std::vector<client::ServerAddress> Candidates() const;
  void GoTo(const client::ServerAddress& server);
  std::chrono::steady_clock::time_point EndOfWatch(const Lease& lease) const;
  void Tell(Standing standing);
  bool IsFresh(const Lease& lease) const;
  net::Task<void> Watch();
  net::Task<void> WatchOne(Lease& lease);
  net::Task<bool> IsAlive(net::HttpConnection& connection);
  net::Task<void> Pause(std::chrono::steady_clock::time_point until);

  const UpstreamOptions options_;
  const net::IoPool& pool_;
  const std::optional<client::Directory> directory_;
  std::optional<client::DirectorySession> session_;
  Place place_;  // a new one when the server or the credential is another
  Standing standing_;
  std::vector<Lease> idle_;
  bool watched_is_alive_ = false;
  bool stopping_ = false;
  net::HttpConnection* watched_ = nullptr;
  // Waits that run now; each is cancelled to wake its coroutine.
  std::vector<boost::asio::steady_timer*> waits_;
  std::promise<void> watch_ended_;
};

}  // namespace blindai::gateway
