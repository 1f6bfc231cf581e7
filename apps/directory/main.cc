// blindai-directory: opens the database, makes what clients see (HTTPS, BlindAI 0.5's licensing call), and verifies the
// servers of the cloud. Read it from top to bottom; everything is made here once.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/log_event.h"
#include "directory/directory_config.h"
#include "directory/licensing.h"
#include "directory/secrets.h"
#include "directory/server_checks.h"
#include "net/http_server.h"
#include "net/io_pool.h"
#include "net/tls.h"
#include "program/keys_command.h"
#include "program/process.h"
#include "protocols/endpoints/admin.h"
#include "protocols/endpoints/directory/directory.h"
#include "protocols/endpoints/router.h"
#include "service/accounts/directory.h"
#include "service/accounts/postgresql/postgresql_database.h"

namespace blindai::directory {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr std::chrono::milliseconds kGrace{5000};
// Threads that wait for the database; each uses one connection of it.
constexpr std::size_t kDatabaseThreads = 8;

using base::Result;
using base::Status;

Result<std::unique_ptr<accounts::Database>> OpenDatabase(const std::string& url) {
  return accounts::IsPostgresqlUrl(url) ? accounts::OpenPostgresql(url) : accounts::OpenSqlite(url);
}

// What a server must prove.
Result<client::ConnectOptions> Demand(const DirectoryConfig& config) {
  client::ConnectArguments arguments;
  arguments.addr = "localhost";  // each check names its own
  arguments.simulation = config.simulation;
  if (!config.policy.empty()) arguments.policy_file = config.policy;
  arguments.root_files = config.roots;
  client::Surroundings surroundings = client::Surroundings::OfProcess();
  surroundings.variable = [](const std::string&) { return std::nullopt; };
  surroundings.settings_file.clear();
  return client::ResolveOptions(arguments, surroundings);
}

std::vector<endpoints::Metric> MetricsOf(const accounts::DirectoryCounters& counters,
                                         const net::HttpServer& https) {
  const auto number = [&counters](std::atomic<std::uint64_t> accounts::DirectoryCounters::*member) {
    return [&counters, member] { return static_cast<double>((counters.*member).load()); };
  };
  using Counters = accounts::DirectoryCounters;
  return {
      {"blindai_directory_sessions_total", "Sessions given.", true, number(&Counters::sessions)},
      {"blindai_directory_refused_credentials_total", "Keys that were not valid.", true,
       number(&Counters::refused_credentials)},
      {"blindai_directory_refused_rate_total", "Requests over a rate limit.", true,
       number(&Counters::refused_rate)},
      {"blindai_directory_reports_total", "Reports of servers.", true, number(&Counters::reports)},
      {"blindai_directory_servers_listed", "Servers that clients are given.", false,
       number(&Counters::servers_listed)},
      {"blindai_directory_servers_not_listed", "Servers that are pending or dropped.", false,
       number(&Counters::servers_not_listed)},
      {"blindai_connections_open", "Connections that are open now.", false,
       [&https] { return static_cast<double>(https.stats().connections_open); }},
      {"blindai_requests_total", "Requests with a complete head.", true,
       [&https] { return static_cast<double>(https.stats().requests_total); }},
  };
}

Status Serve(const DirectoryConfig& config, const sigset_t& stop_signals) {
  // Who may use the cloud.
  BLINDAI_TRY(const std::shared_ptr<accounts::Database> database, OpenDatabase(config.database));
  BLINDAI_TRY(base::SecretBytes secret, ReadOrMakeSessionSecret(config));
  BLINDAI_TRY(const auto directory,
              accounts::Directory::Open(database, std::move(secret), OptionsOf(config), base::Now()));

  // Which servers are in it.
  std::atomic<bool> ready = true;
  BLINDAI_TRY(const client::ConnectOptions demand, Demand(config));

  // How it is reached.
  BLINDAI_TRY(const Identity identity, ReadOrMakeIdentity(config, base::Now()));
  const std::span<const crypto::Certificate> certificates(identity.certificates);
  BLINDAI_TRY(const auto tls,
              net::TlsServerContext::Make(identity.key, certificates.front(), certificates.subspan(1)));
  const auto pool = std::make_shared<net::IoPool>(std::max(2u, std::thread::hardware_concurrency()));
  const net::IoPool database_threads(kDatabaseThreads);
  endpoints::Router router;
  endpoints::RegisterDirectory(router, *directory,
                               {.run =
                                    [&](std::function<void()> work) {
                                      boost::asio::post(database_threads.executor(), std::move(work));
                                    },
                                .simulation = config.simulation});
  net::HttpServerOptions https_options{
      .address = config.https.host, .port = config.https.port, .tls = tls, .pool = pool};
  https_options.max_connections = config.connections;
  BLINDAI_TRY(const auto https,
              net::HttpServer::Listen(
                  https_options, [&router](net::HttpExchange& exchange) { return router.Handle(exchange); }));
  std::unique_ptr<endpoints::LicensingServer> v05;
  if (!config.v05.host.empty()) {
    BLINDAI_TRY(v05, ListenForV05(config, identity, *directory));
  }
  endpoints::Router admin_router;
  endpoints::RegisterAdmin(admin_router, ready, MetricsOf(directory->counters(), *https));
  BLINDAI_TRY(const auto admin,
              net::HttpServer::Listen(
                  {.address = config.admin.host, .port = config.admin.port, .tls = nullptr, .pool = pool},
                  [&admin_router](net::HttpExchange& exchange) { return admin_router.Handle(exchange); }));
  auto checks = std::make_unique<ServerChecks>(*directory, demand, ready);

  if (identity.self_signed) {
    fmt::print(
        stderr,
        "blindai-directory: no tls.certificate_file: a self-signed certificate was made for this run{}\n",
        config.self_signed_file.empty() ? "" : " and written to " + config.self_signed_file);
  }
  const std::string https_address = program::AddressText({config.https.host, https->port()});
  fmt::print("blindai-directory ready https={} admin={}{} mode={}\n", https_address,
             program::AddressText({config.admin.host, admin->port()}),
             v05 ? " v05=" + program::AddressText({config.v05.host, v05->port()}) : "",
             config.simulation ? "simulation" : "hardware");
  std::fflush(stdout);
  base::LogEvent("directory-ready").OperatorText("https", https_address).Emit();

  int signal_number = 0;
  sigwait(&stop_signals, &signal_number);
  base::LogEvent("directory-stopping").Number("signal", signal_number).Emit();
  // A second signal ends at once, whatever is running.
  pthread_sigmask(SIG_UNBLOCK, &stop_signals, nullptr);
  // Nobody else says from here on that it is ready.
  checks.reset();
  ready = false;
  https->Stop(kGrace);
  if (v05) v05->Stop(kGrace);
  admin->Stop(std::chrono::milliseconds(0));
  base::LogEvent("directory-stopped").Emit();
  return base::Ok();
}

int Main(int argc, char** argv) {
  program::HardenProcess();
  const sigset_t stop_signals = program::BlockStopSignals();
  const Result<DirectoryCommandLine> line = ReadDirectoryCommandLine(argc, argv);
  if (!line.ok()) {
    fmt::print(stderr, "blindai-directory: {}\n", line.error().message);
    return kExitUsage;
  }
  if (line->print_and_exit) {
    fmt::print("{}", *line->print_and_exit);
    return 0;
  }
  const Status served = Serve(line->config, stop_signals);
  if (served.ok()) return 0;
  fmt::print(stderr, "blindai-directory: {}\n", served.error().message);
  return kExitFailed;
}

}  // namespace
}  // namespace blindai::directory

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "keys") {
    return blindai::program::RunKeysCommand("blindai-directory", blindai::directory::OpenDatabase, argc - 1,
                                            argv + 1);
  }
  return blindai::directory::Main(argc, argv);
}
