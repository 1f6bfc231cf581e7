// rooms: base crypto net service/accounts protocols/endpoints protocols/endpoints/directory
// Sessions a second of a directory with 10,000 API keys in an SQLite file and 20 servers, over HTTPS: from clients that
// keep their connection, and from clients that each come once, as real ones do. Directory and clients share this
// machine's cores. p50 and p99 are of the time that a client waits, a new connection included.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "crypto/certificate_builder.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "protocols/endpoints/directory/directory.h"
#include "protocols/endpoints/router.h"
#include "service/accounts/directory.h"

namespace blindai::endpoints {
namespace {

constexpr int kKeys = 10'000;
constexpr int kServers = 20;
constexpr std::size_t kClients = 16;
constexpr std::size_t kSessionsOfAClient = 100;
constexpr std::size_t kDatabaseThreads = 8;

accounts::DirectoryOptions Options() {
  accounts::DirectoryOptions options;
  options.per_key.per_second = 0;
  options.per_address.per_second = 0;
  options.servers.silent_after = std::chrono::hours(24);
  return options;
}

// A directory as apps/directory makes it, with its database in a file.
class Setup {
 public:
  Setup() : pool_(std::make_shared<net::IoPool>(2)), database_threads_(kDatabaseThreads) {
    std::string pattern = (std::filesystem::temp_directory_path() / "blindai-bench-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    const std::shared_ptr<accounts::Database> database =
        accounts::OpenSqlite((folder_ / "directory.db").string()).value();
    directory_ =
        accounts::Directory::Open(database, base::SecretBytes(base::Bytes(accounts::kSessionSecretBytes, 1)),
                                  Options(), base::Now())
            .value();
    Fill(*database);
    RegisterDirectory(router_, *directory_, {.run = [this](std::function<void()> work) {
                        boost::asio::post(database_threads_.executor(), std::move(work));
                      }});
    Listen();
  }
  ~Setup() {
    server_->Stop(std::chrono::milliseconds(0));
    std::filesystem::remove_all(folder_);
  }
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;

  std::unique_ptr<net::BlockingHttpConnection> Connect() const {
    return net::BlockingHttpConnection::Connect(to_).value();
  }
  const std::string& key(std::size_t number) const { return keys_[number % keys_.size()]; }

 private:
  void Fill(accounts::Database& database) {
    const accounts::Holder operators{"operator", {"operator", 1, {.server = true, .admin = true}}};
    const base::Time now = base::Now();
    // In one transaction, so that the disk is waited for once.
    BLINDAI_CHECK(database.Run("BEGIN").ok());
    for (int i = 0; i < kKeys; ++i) {
      const auto made =
          directory_->CreateKey(operators, "tenant" + std::to_string(i), {.run = true}, std::nullopt, now);
      keys_.emplace_back(base::AsText(made->key.ExposeSecret()));
    }
    for (int i = 0; i < kServers; ++i) {
      accounts::ServerInfo server;
      server.address = "server" + std::to_string(i) + ".example:8443";
      server.backlog_ms = static_cast<std::uint64_t>(i);
      BLINDAI_CHECK(directory_->ReportServer(operators, server, now).ok());
      BLINDAI_CHECK(directory_->Verified(server.address, "", false, now).ok());
    }
    BLINDAI_CHECK(database.Run("COMMIT").ok());
  }
  void Listen() {
    const crypto::SigningKey key = crypto::SigningKey::GenerateP256();
    crypto::CertificateSpec spec;
    spec.common_name = "bench";
    spec.dns_names = {"localhost"};
    spec.not_before = base::Now() - std::chrono::hours(1);
    spec.not_after = base::Now() + std::chrono::hours(1);
    const crypto::Certificate certificate = crypto::MakeSelfSigned(spec, key).value();
    net::HttpServerOptions options;
    options.pool = pool_;
    options.tls = net::TlsServerContext::Make(key, certificate).value();
    server_ = net::HttpServer::Listen(std::move(options), [this](net::HttpExchange& exchange) {
                return router_.Handle(exchange);
              }).value();
    to_.host = "localhost";
    to_.port = server_->port();
    to_.tls = net::TlsClientContext::ForHttps(certificate.ToPem()).value();
  }

  const std::shared_ptr<net::IoPool> pool_;
  const net::IoPool database_threads_;
  std::filesystem::path folder_;
  std::unique_ptr<accounts::Directory> directory_;
  std::vector<std::string> keys_;
  Router router_;
  std::unique_ptr<net::HttpServer> server_;
  net::ConnectOptions to_;
};

void OpenSession(net::BlockingHttpConnection& connection, const std::string& key) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/v1/session";
  request.headers.Add("Authorization", "Bearer " + key);
  const auto response = connection.Send(request);
  BLINDAI_CHECK(response.ok() && response->status == 200);
}

// The milliseconds of each session of one client.
std::vector<double> RunClient(const Setup& setup, std::size_t client, bool keeps_connection) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> waits;
  std::unique_ptr<net::BlockingHttpConnection> kept;
  if (keeps_connection) kept = setup.Connect();
  for (std::size_t i = 0; i < kSessionsOfAClient; ++i) {
    const Clock::time_point begin = Clock::now();
    const auto fresh = keeps_connection ? nullptr : setup.Connect();
    OpenSession(keeps_connection ? *kept : *fresh, setup.key(client + i * kClients));
    waits.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  return waits;
}

void Sessions(benchmark::State& state, bool keeps_connection) {
  static const Setup setup;
  std::mutex mutex;
  std::vector<double> waits;
  for (auto _ : state) {
    std::vector<std::thread> clients;
    for (std::size_t client = 0; client < kClients; ++client) {
      clients.emplace_back([&, client] {
        const std::vector<double> own = RunClient(setup, client, keeps_connection);
        const std::lock_guard lock(mutex);
        waits.insert(waits.end(), own.begin(), own.end());
      });
    }
    for (std::thread& client : clients) client.join();
  }
  std::sort(waits.begin(), waits.end());
  state.SetItemsProcessed(static_cast<std::int64_t>(waits.size()));
  state.counters["p50_ms"] = waits[waits.size() / 2];
  state.counters["p99_ms"] = waits[waits.size() * 99 / 100];
}

BENCHMARK_CAPTURE(Sessions, kept_connections, true)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Sessions, new_connections, false)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace blindai::endpoints

BENCHMARK_MAIN();
