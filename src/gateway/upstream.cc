#include "gateway/upstream.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/clock.h"
#include "client/failure.h"

namespace blindai::gateway {
namespace {

namespace asio = boost::asio;
using base::Result;
using net::Task;
using std::chrono::steady_clock;

constexpr std::size_t kMaxIdle = 16;
constexpr std::chrono::seconds kHeartbeatTimeout{10};
// A directory that did not answer.
constexpr std::chrono::seconds kAskAgain{10};
constexpr std::chrono::milliseconds kStopPatience{500};

// With a directory the API key is for that alone.
std::shared_ptr<const client::ConnectOptions> FirstPlace(const client::ConnectOptions& options) {
  auto place = std::make_shared<client::ConnectOptions>(options);
  if (options.directory) place->api_key = nullptr;
  return place;
}

}  // namespace

Upstream::Upstream(UpstreamOptions options, const net::IoPool& pool)
    : options_(std::move(options)),
      pool_(pool),
      directory_(options_.server.directory ? std::optional<client::Directory>(std::in_place, options_.server)
                                           : std::nullopt),
      place_(FirstPlace(options_.server)) {
  standing_.since = base::Now();
}

StatusFacts Upstream::facts() const {
  StatusFacts facts;
  if (!directory_ || session_) facts.server = place_->server.ToText();
  facts.simulation_permitted = options_.server.allow_simulation == verifier::AllowSimulation::kYes;
  facts.has_policy = options_.server.policy != nullptr;
  facts.verify_every = std::chrono::duration_cast<std::chrono::seconds>(options_.verify_every);
  return facts;
}

void Upstream::Start() {
  pool_.Spawn([this]() { return Watch(); });
}

void Upstream::BeginStop() {
  asio::post(pool_.executor(), [this] {
    stopping_ = true;
    if (watched_ != nullptr) watched_->Cancel();
    WakeAll();
  });
}

void Upstream::Stop() {
  BeginStop();
  // A connection that is being made is given up with the pool.
  watch_ended_.get_future().wait_for(kStopPatience);
}

void Upstream::WakeAll() {
  for (asio::steady_timer* wait : waits_) wait->cancel();
}

net::Task<void> Upstream::Pause(steady_clock::time_point until) {
  if (stopping_) co_return;
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, until);
  waits_.push_back(&timer);
  const auto token = asio::as_tuple(asio::use_awaitable);
  const auto woken = co_await timer.async_wait(token);
  (void)woken;
  std::erase(waits_, &timer);
}

net::Task<bool> Upstream::ChangedSince(std::uint64_t number, steady_clock::time_point until) {
  if (!stopping_ && standing_.number == number && steady_clock::now() < until) co_await Pause(until);
  co_return stopping_;
}

// ---- Connections for requests ----

bool Upstream::IsYoung(const Lease& lease) const {
  return steady_clock::now() - lease.verified < options_.verify_every;
}

bool Upstream::IsFresh(const Lease& lease) const { return lease.http->reusable() && IsYoung(lease); }

net::Task<Result<Upstream::Lease>> Upstream::Take(IdleIsFine idle_is_fine) {
  // Whoever comes before the first verdict waits for it.
  if (standing_.state == State::kConnecting) {
    const auto until = steady_clock::now() + options_.server.connect_timeout;
    bool stopped = false;
    while (standing_.state == State::kConnecting && !stopped && steady_clock::now() < until)
      stopped = co_await ChangedSince(standing_.number, until);
  }
  if (!standing_.usable() || stopping_) co_return WhyNot(standing_);
  while (idle_is_fine == IdleIsFine::kYes && !idle_.empty()) {
    Lease lease = std::move(idle_.back());
    idle_.pop_back();
    lease.was_idle = true;
    if (IsFresh(lease)) co_return std::move(lease);
  }
  Result<Lease> lease = co_await Open(Asker::kRequest);
  // Meanwhile the watch may have seen something that closes the door.
  if (lease.ok() && !standing_.usable()) co_return WhyNot(standing_);
  co_return std::move(lease);
}

void Upstream::Give(Lease lease) {
  if (stopping_ || !standing_.usable() || idle_.size() >= kMaxIdle || !IsFresh(lease)) return;
  idle_.push_back(std::move(lease));
}

net::Task<Result<Upstream::Lease>> Upstream::Open(Asker asker) {
  const auto begun = steady_clock::now();
  const Place place = place_;
  client::VerifiedOutcome outcome = co_await client::OpenVerified(*place);
  Learn(outcome, place, asker);
  co_return Judge(std::move(outcome), begun);
}

Result<Upstream::Lease> Upstream::Judge(client::VerifiedOutcome outcome, steady_clock::time_point begun) {
  if (outcome.connection.ok()) return Lease{*std::move(outcome.connection), begun, false};
  if (!standing_.usable()) return WhyNot(standing_);
  base::Error error = std::move(outcome.connection).error();
  return base::MakeError(base::ErrorKind::kUnavailable, "server-unreachable", std::move(error.message));
}

void Upstream::Learn(const client::VerifiedOutcome& outcome, const Place& place, Asker asker) {
  // Of a server that is not the one any more, since another took its place.
  if (place->server.ToText() != place_->server.ToText()) return;
  Attempt attempt{std::nullopt, outcome.record, outcome.verdict};
  if (!outcome.connection.ok()) attempt.error = outcome.connection.error();
  // A request that found no connection says nothing about a server that is there for the watch: it may be full.
  const bool no_word =
      attempt.error && client::FailureOf(*attempt.error) != client::FailureKind::kAttestation;
  if (no_word && asker == Asker::kRequest && watched_is_alive_) return;
  Tell(After(standing_, attempt, base::Now()));
}

void Upstream::Tell(Standing standing) {
  const bool is_news = standing.number != standing_.number;
  standing_ = std::move(standing);
  if (!standing_.usable()) idle_.clear();
  if (!is_news) return;
  if (options_.on_change) options_.on_change(standing_);
  WakeAll();
}

// ---- The directory's servers ----

Task<base::Status> Upstream::RenewSession() {
  Result<client::DirectorySession> session = co_await directory_->AskForSession(base::Now());
  if (session.ok()) {
    session_ = *std::move(session);
    co_return base::Ok();
  }
  // Its token is still good, so work goes on, and it is asked again soon.
  if (session_ && base::Now() < session_->expires_at) {
    session_->renew_at = base::Now() + kAskAgain;
    co_return base::Ok();
  }
  session_.reset();
  co_return std::move(session).error();
}

// The list's servers, the present one first.
std::vector<client::ServerAddress> Upstream::Candidates() const {
  std::vector<client::ServerAddress> servers = session_->servers;
  std::stable_partition(servers.begin(), servers.end(), [this](const client::ServerAddress& server) {
    return server.ToText() == place_->server.ToText();
  });
  return servers;
}

void Upstream::GoTo(const client::ServerAddress& server) {
  const bool is_other = server.ToText() != place_->server.ToText();
  auto place = std::make_shared<client::ConnectOptions>(*place_);
  place->server = server;
  place->api_key = session_->token;
  place_ = std::move(place);
  if (is_other) idle_.clear();
}

// For the watch: the first server that is reached and accepted. What the others were is told when none was.
Task<Result<Upstream::Lease>> Upstream::OpenSomewhere() {
  if (!session_ || base::Now() >= session_->renew_at) {
    const base::Status renewed = co_await RenewSession();
    if (!renewed.ok()) {
      Tell(After(standing_, Attempt{renewed.error(), nullptr, std::nullopt}, base::Now()));
      co_return WhyNot(standing_);
    }
  }
  const std::vector<client::ServerAddress> servers = Candidates();
  for (std::size_t i = 0; !stopping_; ++i) {
    GoTo(servers[i]);
    const auto begun = steady_clock::now();
    const Place place = place_;
    client::VerifiedOutcome outcome = co_await client::OpenVerified(*place);
    const bool is_last = i + 1 == servers.size();
    if (!outcome.connection.ok() && !is_last) continue;
    Learn(outcome, place, Asker::kWatch);
    // The directory may know others by now.
    if (!outcome.connection.ok()) session_->renew_at = base::Now();
    co_return Judge(std::move(outcome), begun);
  }
  co_return WhyNot(standing_);
}

// ---- The watch ----

net::Task<void> Upstream::Watch() {
  while (!stopping_) {
    const std::uint64_t number = standing_.number;
    const bool was_usable = standing_.usable();
    Result<Lease> lease = WhyNot(standing_);
    if (directory_) {
      lease = co_await OpenSomewhere();
    } else {
      lease = co_await Open(Asker::kWatch);
    }
    if (stopping_) break;
    if (lease.ok()) {
      if (was_usable && standing_.number == number) Tell(Renewed(standing_));
      co_await WatchOne(*lease);
      continue;
    }
    const auto until = steady_clock::now() + options_.retry;
    while (!stopping_ && steady_clock::now() < until) co_await Pause(until);
  }
  idle_.clear();
  watch_ended_.set_value();
}

// When its evidence is old, or the session must be renewed.
steady_clock::time_point Upstream::EndOfWatch(const Lease& lease) const {
  const auto old = lease.verified + options_.verify_every;
  if (!session_) return old;
  return std::min<steady_clock::time_point>(old, steady_clock::now() + (session_->renew_at - base::Now()));
}

// Until then, or the connection ends.
net::Task<void> Upstream::WatchOne(Lease& lease) {
  const auto old = EndOfWatch(lease);
  watched_ = lease.http.get();
  watched_is_alive_ = true;
  while (!stopping_ && steady_clock::now() < old) {
    const auto next = std::min(old, steady_clock::now() + options_.heartbeat);
    const bool open = co_await lease.http->StaysOpenUntil(next);
    if (!open) break;
    if (next == old) break;
    const bool alive = co_await IsAlive(*lease.http);
    if (!alive) break;
  }
  watched_ = nullptr;
  watched_is_alive_ = false;
}

// A question without content; whatever the answer, somebody gave it.
net::Task<bool> Upstream::IsAlive(net::HttpConnection& connection) {
  net::HttpRequest request;
  request.target = "/v2/health/live";
  request.timeout = kHeartbeatTimeout;
  const auto response = co_await connection.Send(request);
  co_return response.ok() && connection.reusable();
}

}  // namespace blindai::gateway
