#include "client/connection_pool.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "client/failure.h"
#include "encoding/hex.h"

namespace blindai::client {
namespace {

using base::Error;
using base::Result;
using base::Status;

// Answers that say: not done, and another server may do it.
constexpr std::array<std::string_view, 7> kNotDoneHere = {
    "model-not-found", "queue-full",      "too-many-connections", "session-keys-missing",
    "jobs-full",       "recordings-full", "server-stopping"};

bool IsTokenRefused(const Error& error) {
  return error.code == "session-expired" || error.code == "bad-credentials";
}

bool MayGoElsewhere(const Error& error, bool sent, const Call& call) {
  if (error.code == "cancelled" || error.code == "request-timeout") return false;
  if (std::find(kNotDoneHere.begin(), kNotDoneHere.end(), error.code) != kNotDoneHere.end()) {
    return error.code != "model-not-found" || !call.model.empty();
  }
  const FailureKind kind = FailureOf(error);
  if (sent && call.repeat != Repeat::kAnywhere) return false;
  return kind == FailureKind::kConnection || kind == FailureKind::kAttestation;
}

bool IsIn(const std::vector<std::string>& tried, const ServerAddress& server) {
  return std::find(tried.begin(), tried.end(), server.ToText()) != tried.end();
}

}  // namespace

std::string NewIdempotencyKey() {
  std::random_device device;
  base::Bytes bytes(16);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(device());
  return encoding::HexEncode(bytes);
}

ConnectionPool::ConnectionPool(ConnectOptions options)
    : options_(std::move(options)),
      directory_(options_.directory ? std::optional<Directory>(std::in_place, options_) : std::nullopt),
      server_(options_.server) {}

ServerAddress ConnectionPool::server() const {
  const std::lock_guard lock(mutex_);
  return server_;
}

std::optional<verifier::Verdict> ConnectionPool::verdict() const {
  const std::lock_guard lock(mutex_);
  return verdict_;
}

void ConnectionPool::Close() {
  std::vector<Lease> closing;
  const std::lock_guard lock(mutex_);
  closing.swap(idle_);
}

Status ConnectionPool::Connect() {
  const Try open = [this](const Place& place) -> Attempt {
    auto lease = Take(place, IdleIsFine::kYes);
    if (!lease.ok()) return {std::move(lease).error()};
    Give(*std::move(lease));
    return {net::HttpResponse()};
  };
  BLINDAI_TRY(const net::HttpResponse nothing, SendTo(open, Call{.make = nullptr}));
  return base::Ok();
}

Result<net::HttpResponse> ConnectionPool::Send(const Call& call) {
  return SendTo([&](const Place& place) { return AttemptAt(place, call); }, call);
}

Status ConnectionPool::UseOwn(const Call& call,
                              const std::function<Status(std::unique_ptr<AttestedConnection>)>& use) {
  const Try attempt = [&](const Place& place) -> Attempt {
    auto connection = Verify(place);
    if (!connection.ok()) return {std::move(connection).error()};
    Status used = use(*std::move(connection));
    if (!used.ok()) return {std::move(used).error(), true};
    return {net::HttpResponse(), true};
  };
  BLINDAI_TRY(const net::HttpResponse nothing, SendTo(attempt, call));
  return base::Ok();
}

Result<net::HttpResponse> ConnectionPool::SendTo(const Try& attempt, const Call& call) {
  if (!directory_) return attempt({options_.server, options_.api_key}).response;
  if (call.only != nullptr) return SendToOne(attempt, *call.only);
  BLINDAI_TRY(Place place, CurrentPlace());
  std::vector<std::string> tried;
  std::optional<Error> first;
  bool new_token = false;
  bool asked_again = false;
  for (;;) {
    Attempt made = attempt(place);
    if (made.response.ok()) {
      if (call.went_to != nullptr) *call.went_to = place.server;
      Settle(place);
      return std::move(made.response);
    }
    const Error& error = made.response.error();
    if (IsTokenRefused(error) && !new_token) {
      new_token = true;
      BLINDAI_RETURN_IF_ERROR(NewSession(""));
      const std::lock_guard lock(session_mutex_);
      place.credential = session_->token;
      continue;
    }
    if (made.is_last || !MayGoElsewhere(error, made.sent, call)) return std::move(made.response);
    tried.push_back(place.server.ToText());
    // The directory knows which servers have a model, and which are gone.
    const bool ask = error.code == "model-not-found" && !asked_again;
    // What a server answered says more than that another one cannot be reached.
    if (!first || FailureOf(*first) == FailureKind::kConnection) first = error;
    std::optional<Place> next;
    if (!ask) next = NextPlace(tried);
    if (!next && !asked_again) {
      asked_again = true;
      const Status asked = NewSession(call.model);  // where it fails, the list that there is must do
      next = NextPlace(tried);
    }
    if (!next) return *std::move(first);
    place = *std::move(next);
  }
}

Result<net::HttpResponse> ConnectionPool::SendToOne(const Try& attempt, const ServerAddress& server) {
  BLINDAI_TRY(const Place place, PlaceOf(server));
  Attempt made = attempt(place);
  if (made.response.ok() || !IsTokenRefused(made.response.error())) return std::move(made.response);
  BLINDAI_RETURN_IF_ERROR(NewSession(""));
  BLINDAI_TRY(const Place again, PlaceOf(server));
  return attempt(again).response;
}

ConnectionPool::Attempt ConnectionPool::AttemptAt(const Place& place, const Call& call) {
  const auto gives_up = std::chrono::steady_clock::now() + options_.request_timeout;
  const auto says = [](const Attempt& attempt, std::string_view code) {
    return !attempt.response.ok() && attempt.response.error().code == code;
  };
  Attempt attempt = SendOnce(place, call, IdleIsFine::kYes);
  // The server may have closed a kept connection in this very moment; or it is gone, and then it cannot be reached.
  if (says(attempt, "connection-lost") && attempt.sent && call.repeat != Repeat::kNotOnceSent) {
    attempt = SendOnce(place, call, IdleIsFine::kNo);
    attempt.sent = true;
  }
  // It has not noticed yet that the answer is not wanted on the first connection any more.
  while (says(attempt, "request-running") && std::chrono::steady_clock::now() < gives_up && WaitALittle()) {
    attempt = SendOnce(place, call, IdleIsFine::kYes);
    attempt.sent = true;
  }
  return attempt;
}

ConnectionPool::Attempt ConnectionPool::SendOnce(const Place& place, const Call& call,
                                                 IdleIsFine idle_is_fine) {
  auto lease = Take(place, idle_is_fine);
  if (!lease.ok()) return {std::move(lease).error()};
  return SendOn(*std::move(lease), place, call);
}

// False: the caller does not want to wait.
bool ConnectionPool::WaitALittle() const {
  constexpr int kSteps = 10;
  constexpr auto kStep = std::chrono::milliseconds(50);
  for (int i = 0; i < kSteps; ++i) {
    if (options_.keep_waiting && !options_.keep_waiting()) return false;
    std::this_thread::sleep_for(kStep);
  }
  return true;
}

ConnectionPool::Attempt ConnectionPool::SendOn(Lease lease, const Place& place, const Call& call) {
  auto request = call.make();
  if (!request.ok()) {
    Give(std::move(lease));
    return {std::move(request).error(), false, true};
  }
  if (!call.idempotency_key.empty()) request->headers.Set("Idempotency-Key", call.idempotency_key);
  if (call.connection != nullptr) *call.connection = lease.connection->record();
  lease.connection->UseCredential(place.credential);
  Attempt attempt{lease.connection->Send(*request), true};
  Give(std::move(lease));
  return attempt;
}

Result<ConnectionPool::Lease> ConnectionPool::Take(const Place& place, IdleIsFine idle_is_fine) {
  const std::string server = place.server.ToText();
  std::vector<Lease> closing;  // after the lock is gone
  std::unique_lock lock(mutex_);
  // Only what is alive, and goes to this server, is of use: what the server has closed is noticed here, before anything
  // is sent.
  const auto of_no_use = [&](const Lease& lease) {
    return idle_is_fine == IdleIsFine::kNo || lease.server != server || !lease.connection->reusable();
  };
  for (;;) {
    const auto rest = std::stable_partition(idle_.begin(), idle_.end(), std::not_fn(of_no_use));
    std::move(rest, idle_.end(), std::back_inserter(closing));
    idle_.erase(rest, idle_.end());
    if (!idle_.empty() || in_use_ < options_.max_connections) break;
    freed_.wait(lock);
  }
  ++in_use_;
  if (!idle_.empty()) {
    Lease lease = std::move(idle_.back());
    idle_.pop_back();
    lease.was_idle = true;
    return lease;
  }
  lock.unlock();
  auto connection = Verify(place);
  if (connection.ok()) return Lease{*std::move(connection), server, false};
  lock.lock();
  --in_use_;
  freed_.notify_one();
  return std::move(connection).error();
}

Result<std::unique_ptr<AttestedConnection>> ConnectionPool::Verify(const Place& place) {
  ConnectOptions options = options_;
  options.server = place.server;
  options.api_key = place.credential;
  ConnectOutcome outcome = AttestedConnection::Open(options);
  const std::lock_guard lock(mutex_);
  if (outcome.verdict) verdict_ = std::move(outcome.verdict);
  return std::move(outcome.connection);
}

void ConnectionPool::Give(Lease lease) {
  const std::lock_guard lock(mutex_);
  --in_use_;
  if (lease.connection->reusable()) idle_.push_back(std::move(lease));
  freed_.notify_one();
}

// ---- The directory's list ----

Result<ConnectionPool::Place> ConnectionPool::CurrentPlace() {
  bool is_due = false;
  {
    const std::lock_guard lock(session_mutex_);
    is_due = !session_ || base::Now() >= session_->renew_at;
  }
  if (is_due) {
    const Status renewed = NewSession("");
    const std::lock_guard lock(session_mutex_);
    // A directory that cannot be reached for a moment does not stop calls: the token is still good.
    if (!renewed.ok() && (!session_ || base::Now() >= session_->expires_at)) return renewed.error();
  }
  const std::lock_guard session_lock(session_mutex_);
  const std::lock_guard lock(mutex_);
  return Place{server_, session_->token};
}

// The token goes to no server that the directory does not list.
Result<ConnectionPool::Place> ConnectionPool::PlaceOf(const ServerAddress& server) {
  BLINDAI_TRY(const Place current, CurrentPlace());
  const auto is_listed = [&] {
    const std::lock_guard lock(session_mutex_);
    const auto& servers = session_->servers;
    return std::any_of(servers.begin(), servers.end(),
                       [&](const ServerAddress& listed) { return listed.ToText() == server.ToText(); });
  };
  if (!is_listed()) {
    BLINDAI_RETURN_IF_ERROR(NewSession(""));
    if (!is_listed()) {
      return base::MakeError(
          base::ErrorKind::kUnavailable, "server-not-listed",
          "the cloud does not list the server that has this; what was there ended with it");
    }
  }
  const std::lock_guard lock(session_mutex_);
  return Place{server, session_->token};
}

Status ConnectionPool::NewSession(const std::string& model) {
  const std::lock_guard session_lock(session_mutex_);
  BLINDAI_TRY(session_, directory_->OpenSession(model, base::Now()));
  const std::lock_guard lock(mutex_);
  const auto& servers = session_->servers;
  const auto is_current = [this](const ServerAddress& server) { return server.ToText() == server_.ToText(); };
  // Stays where it is while the directory lists that server.
  if (std::none_of(servers.begin(), servers.end(), is_current)) server_ = servers.front();
  return base::Ok();
}

std::optional<ConnectionPool::Place> ConnectionPool::NextPlace(const std::vector<std::string>& tried) {
  const std::lock_guard lock(session_mutex_);
  for (const ServerAddress& server : session_->servers) {
    if (!IsIn(tried, server)) return Place{server, session_->token};
  }
  return std::nullopt;
}

void ConnectionPool::Settle(const Place& place) {
  const std::lock_guard lock(mutex_);
  server_ = place.server;
}

}  // namespace blindai::client
