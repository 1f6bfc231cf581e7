#include "directory/server_checks.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "attestation/verifier/verdict.h"
#include "base/clock.h"
#include "base/log_event.h"

namespace blindai::directory {
namespace {

constexpr std::size_t kChecksAtOnce = 4;
constexpr std::chrono::seconds kRoundEvery{1};

// The first finding that failed, else the first that could not be checked.
std::string ReasonOf(const verifier::Verdict& verdict) {
  for (const auto status : {verifier::CheckStatus::kFailed, verifier::CheckStatus::kSkipped}) {
    const auto finding =
        std::find_if(verdict.findings.begin(), verdict.findings.end(),
                     [status](const auto& f) { return f.status == status && f.code != "not-asked"; });
    if (finding != verdict.findings.end()) return finding->code;
  }
  return "undecided";
}

}  // namespace

CheckResult CheckServer(const std::string& address, client::ConnectOptions options) {
  auto server = client::ParseServerAddress(address);
  if (!server.ok()) return {server.error().code};
  options.server = *std::move(server);
  const client::ConnectOutcome outcome = client::AttestedConnection::Open(options);
  const bool simulation = outcome.verdict && outcome.verdict->outcome == verifier::Outcome::kSimulation;
  if (outcome.connection.ok()) return {"", simulation};
  return {outcome.verdict ? ReasonOf(*outcome.verdict) : outcome.connection.error().code, simulation};
}

ServerChecks::ServerChecks(accounts::Directory& directory, client::ConnectOptions options,
                           std::atomic<bool>& ready)
    : directory_(directory), options_(std::move(options)), ready_(ready), checkers_(kChecksAtOnce) {
  options_.keep_waiting = [this] { return !stopping_; };
  thread_ = std::thread([this] { Work(); });
}

ServerChecks::~ServerChecks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ServerChecks::Work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const bool works = Round();
    if (ready_.exchange(works) != works) {
      works ? base::LogEvent("directory-database-answers").Emit()
            : base::LogEvent("directory-database-failed").Emit();
    }
    lock.lock();
    changed_.wait_for(lock, kRoundEvery, [this] { return stopping_.load(); });
  }
}

bool ServerChecks::Round() {
  const auto due = directory_.ClaimDue(base::Now());
  if (!due.ok()) return false;
  for (const std::string& address : *due) {
    boost::asio::post(checkers_.executor(), [this, address] {
      if (stopping_) return;
      const CheckResult result = CheckServer(address, options_);
      if (stopping_) return;
      // A database that fails now is noticed by the next round, and the server is verified again in time.
      const base::Status written =
          directory_.Verified(address, result.reason, result.simulation, base::Now());
      if (!written.ok()) base::LogEvent("directory-check-not-written").Emit();
    });
  }
  return directory_.Tick(base::Now()).ok();
}

}  // namespace blindai::directory
