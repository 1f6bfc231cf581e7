#include "server/directory_link.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "attestation/fetch/https_get.h"
#include "base/log_event.h"
#include "crypto/digest.h"
#include "encoding/hex.h"
#include "net/tls.h"
#include "protocols/wire/errors.h"

namespace blindai::server {
namespace {

using base::MakeError;
using base::Result;
using base::Status;

constexpr std::chrono::milliseconds kConnectTimeout{10'000};
constexpr std::chrono::milliseconds kAnswerTimeout{20'000};

Result<std::string> ReadText(const std::string& path, const char* key) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (!text.empty()) return text;
  return MakeError(base::ErrorKind::kInvalid, "config-file",
                   std::string(key) + " cannot be read or is empty: " + path);
}

std::string NameDigest(std::string_view name) {
  return encoding::HexEncode(crypto::Sha256(base::AsBytes(name)).view());
}

}  // namespace

wire::ServerReport ReportOf(const service::ModelCatalogue& catalogue, std::string address,
                            std::optional<wire::V05Ports> v05) {
  wire::ServerReport report{.address = std::move(address), .models = {}, .backlog_ms = 0, .v05 = v05};
  double backlog_ms = 0;
  std::set<std::string> digests;  // the versions of a model have one name
  for (const auto& served : catalogue.All()) {
    // Models share the machine, so what waits for one delays the others.
    if (served->host) backlog_ms += served->host->stats().predicted_wait_ms;
    const service::ModelRecord& record = served->record;
    const std::string own = record.owner + "/";
    const std::string_view id = record.id.text();
    const std::string_view bare = id.starts_with(own) ? id.substr(own.size()) : id;
    if (digests.size() + 2 > wire::kMaxReportedModels) continue;
    digests.insert(NameDigest(own + std::string(bare)));
    if (record.visibility != service::Visibility::kPrivate) digests.insert(NameDigest(bare));
  }
  report.models.assign(digests.begin(), digests.end());
  report.backlog_ms = static_cast<std::uint64_t>(std::max(0.0, std::ceil(backlog_ms)));
  return report;
}

Result<std::unique_ptr<DirectoryLink>> DirectoryLink::Start(const ServerConfig& config,
                                                            std::shared_ptr<SessionKeys> keys,
                                                            MakeReport report) {
  BLINDAI_TRY(const fetch::Url url, fetch::ParseUrl(config.directory_url).Within("directory.url"));
  if (config.directory_key_file.empty()) {
    return MakeError(base::ErrorKind::kInvalid, "config-value",
                     "directory.url needs directory.key_file, a file with an API key of scope server");
  }
  BLINDAI_TRY(const std::string key, ReadText(config.directory_key_file, "directory.key_file"));
  net::ConnectOptions to;
  to.host = url.host;
  to.port = url.port;
  to.connect_timeout = kConnectTimeout;
  std::string ca_pem;
  if (!config.directory_ca_file.empty()) {
    BLINDAI_TRY(ca_pem, ReadText(config.directory_ca_file, "directory.ca_file"));
  }
  if (url.tls) {
    BLINDAI_TRY(to.tls, net::TlsClientContext::ForHttps(ca_pem).Within("directory.ca_file"));
  }
  const std::string base_path =
      url.target.ends_with('/') ? url.target.substr(0, url.target.size() - 1) : url.target;
  return std::unique_ptr<DirectoryLink>(new DirectoryLink(
      std::move(to), base_path + "/v1/servers", base::SecretBytes::CopyOf(base::AsBytes(key)),
      std::chrono::seconds(config.directory_report_every_s), std::move(keys), std::move(report)));
}

DirectoryLink::DirectoryLink(net::ConnectOptions to, std::string target, base::SecretBytes key,
                             std::chrono::seconds every, std::shared_ptr<SessionKeys> keys, MakeReport report)
    : to_(std::move(to)),
      target_(std::move(target)),
      key_(std::move(key)),
      every_(every),
      keys_(std::move(keys)),
      report_(std::move(report)),
      thread_([this] { Run(); }) {}

DirectoryLink::~DirectoryLink() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_asked_.notify_all();
  thread_.join();
}

bool DirectoryLink::IsStopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void DirectoryLink::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    if (const Status reported = ReportOnce(); !reported.ok()) {
      connection_.reset();
      Note(reported.error().code);
    }
    lock.lock();
    stop_asked_.wait_for(lock, every_, [this] { return stopping_; });
  }
}

Status DirectoryLink::ReportOnce() {
  if (!connection_ || !connection_->reusable()) {
    BLINDAI_TRY(connection_, net::BlockingHttpConnection::Connect(to_, [this] { return !IsStopping(); }));
  }
  net::HttpRequest request;
  request.method = "POST";
  request.target = target_;
  request.headers.Set("Authorization", "Bearer " + std::string(base::AsText(key_.ExposeSecret())));
  request.headers.Set("Content-Type", "application/json");
  request.body = base::CopyBytes(base::AsBytes(wire::EncodeServerReport(report_())));
  request.timeout = kAnswerTimeout;
  request.max_response_bytes = wire::kMaxDirectoryJsonBytes;
  BLINDAI_TRY(const net::HttpResponse response, connection_->Send(request));
  if (response.status != 200) return wire::DecodeError(response.status, response.body);
  BLINDAI_TRY(const wire::ServerReportAnswer answer, wire::DecodeServerReportAnswer(response.body));
  BLINDAI_TRY(std::vector<accounts::JsonWebKey> keys, accounts::ParseJwks(answer.jwks));
  keys_->Replace(answer.issuer, std::move(keys));
  Note(answer.state);
  return base::Ok();
}

// One line when something changes. What the directory says is its own text: only known words reach the log.
void DirectoryLink::Note(const std::string& state) {
  if (state == std::exchange(state_, state)) return;
  base::LogEvent event("directory");
  if (state == "listed") {
    event.Word("state", "listed");
  } else if (state == "pending") {
    event.Word("state", "pending");
  } else if (state == "refused") {
    event.Word("state", "refused");
  } else if (state == "bad-credentials" || state == "login-required" || state == "not-allowed") {
    event.Word("state", "key-refused");
  } else {
    event.Word("state", "unreachable");
  }
  event.Emit();
}

}  // namespace blindai::server
