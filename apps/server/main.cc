// blindai-server: chooses the platform, makes the identity that evidence vouches for, and wires the rooms:
// net carries, endpoints translate, services decide, workers compute. Read it from top to bottom; everything
// is made here once.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "attestation/fetch/endorser.h"
#include "base/clock.h"
#include "base/log_event.h"
#include "channel/server_identity.h"
#include "model/dispatcher.h"
#include "net/http_server.h"
#include "net/io_pool.h"
#include "net/tls.h"
#include "program/keys_command.h"
#include "program/process.h"
#include "protocols/endpoints/admin.h"
#include "protocols/endpoints/attestation.h"
#include "protocols/endpoints/audio_jobs.h"
#include "protocols/endpoints/grpc/listener.h"
#include "protocols/endpoints/idempotency.h"
#include "protocols/endpoints/models.h"
#include "protocols/endpoints/open_inference_v2.h"
#include "protocols/endpoints/open_inference_v2_grpc/server.h"
#include "protocols/endpoints/open_inference_v2_grpc/tunnel.h"
#include "protocols/endpoints/openai_audio.h"
#include "protocols/endpoints/realtime.h"
#include "protocols/endpoints/router.h"
#include "server/attest_connection.h"
#include "server/callers.h"
#include "server/command_line.h"
#include "server/directory_link.h"
#include "server/freed_memory.h"
#include "server/inference_metrics.h"
#include "server/legacy.h"
#include "server/legacy_v05.h"
#include "server/legacy_v06.h"
#include "server/operator_models.h"
#include "server/platform.h"
#include "server/session_keys.h"
#include "server/storage.h"
#include "service/attestation_queue.h"
#include "service/delete_model.h"
#include "service/kept_answers.h"
#include "service/model_catalogue.h"
#include "service/model_storage.h"
#include "service/recordings.h"
#include "service/stream_transcription.h"
#include "service/transcription_jobs.h"

namespace blindai::server {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

using base::Result;
using base::Status;

// A program that this one starts: it lies beside this one unless the configuration names another. `what` is "worker" or
// "decoder".
Result<std::string> OtherProgram(const std::string& configured, const std::string& what) {
  const std::string path =
      configured.empty()
          ? (std::filesystem::read_symlink("/proc/self/exe").parent_path() / ("blindai-" + what)).string()
          : configured;
  if (access(path.c_str(), X_OK) == 0) return path;
  return base::MakeError(base::ErrorKind::kUnavailable, what + "-program",
                         "the " + what + " program is not there or cannot be executed: " + path +
                             " (key engine." + what + "_program names another one)");
}

std::string ManifestOf(const ServerConfig& config, const Platform& platform, const Store& store) {
  std::vector<std::pair<std::string, std::string>> models;
  for (const OperatorModel& model : OperatorModelsOf(config)) models.emplace_back(model.id, model.sha256);
  return channel::MakeManifest({.version = BLINDAI_VERSION,
                                .mode = std::string(platform.mode),
                                .platform = std::string(platform.name),
                                .isolation = "worker-process",
                                .precisions = {"f32", "bf16"},
                                .limits = {{"model_bytes", config.model_bytes},
                                           {"tensor_bytes", config.tensor_bytes},
                                           {"audio_bytes", config.audio_bytes},
                                           {"audio_seconds", config.audio_seconds},
                                           {"resident_bytes", config.resident_bytes},
                                           {"resident_bytes_per_tenant", config.resident_bytes_per_tenant},
                                           {"models_per_tenant", config.models_per_tenant},
                                           {"request_deadline_ms", config.request_deadline_ms}},
                                .compat = config.compat,
                                .models = std::move(models),
                                .storage = std::string(store.sealed_by)});
}

channel::IdentityOptions IdentityOf(const ServerConfig& config, std::string manifest) {
  channel::IdentityOptions identity;
  for (const std::string& name : config.names) {
    const bool is_address =
        name.find_first_not_of("0123456789.") == std::string::npos || name.find(':') != std::string::npos;
    (is_address ? identity.ip_addresses : identity.dns_names).push_back(name);
  }
  identity.now = base::Now();
  identity.manifest = std::move(manifest);
  return identity;
}

// Where endorsements come from that the platform does not hand out.
Result<std::unique_ptr<fetch::Endorser>> EndorserOf(const ServerConfig& config) {
  std::string ca_pem;
  if (!config.endorsements_ca_file.empty()) {
    std::ifstream file(config.endorsements_ca_file);
    ca_pem.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    if (ca_pem.empty()) {
      return base::MakeError(
          base::ErrorKind::kInvalid, "config-file",
          "endorsements.ca_file cannot be read or is empty: " + config.endorsements_ca_file);
    }
  }
  for (const std::string* url : {&config.endorsements_dcap_service, &config.endorsements_dcap_root_crl,
                                 &config.endorsements_snp_service}) {
    if (url->empty()) continue;
    auto parsed = fetch::ParseUrl(*url);
    if (!parsed.ok()) return std::move(parsed).error().Within(*url);
  }
  fetch::EndorserOptions options{.directory = config.endorsements_directory,
                                 .dcap_service = config.endorsements_dcap_service,
                                 .dcap_root_crl = config.endorsements_dcap_root_crl,
                                 .snp_service = config.endorsements_snp_service};
  return std::make_unique<fetch::Endorser>(std::move(options), fetch::MakeHttpsGet(std::move(ca_pem)));
}

// `stats` is of all ports with data together.
std::vector<endpoints::Metric> MetricsOf(const std::function<net::HttpServerStats()>& stats,
                                         const service::ModelCatalogue& catalogue,
                                         const service::Recordings& recordings,
                                         const service::TranscriptionJobs& jobs,
                                         const model::Dispatcher& dispatcher,
                                         const service::LiveStreams& live) {
  const auto net_number = [&stats](std::uint64_t net::HttpServerStats::*member) {
    return [stats, member] { return static_cast<double>(stats().*member); };
  };
  const auto live_number = [&live](auto service::LiveStats::*member) {
    return [&live, member] { return static_cast<double>(live.stats().*member); };
  };
  const auto job_number = [&jobs](std::uint64_t service::JobStats::*member) {
    return [&jobs, member] { return static_cast<double>(jobs.stats().*member); };
  };
  using Stats = net::HttpServerStats;
  using Jobs = service::JobStats;
  using Live = service::LiveStats;
  return {
      {"blindai_connections_open", "Connections that are open now.", false,
       net_number(&Stats::connections_open)},
      {"blindai_connections_total", "Connections accepted since the start.", true,
       net_number(&Stats::connections_total)},
      {"blindai_connections_refused_total", "Connections over the limit.", true,
       net_number(&Stats::connections_refused)},
      {"blindai_tls_handshakes_failed_total", "Handshakes that failed.", true,
       net_number(&Stats::tls_handshakes_failed)},
      {"blindai_requests_total", "Requests with a complete head.", true, net_number(&Stats::requests_total)},
      {"blindai_requests_running", "Requests that are being answered now.", false,
       net_number(&Stats::requests_running)},
      {"blindai_requests_refused_total", "Requests refused before a handler.", true,
       net_number(&Stats::requests_refused)},
      {"blindai_received_bytes_total", "Bytes of request bodies.", true, net_number(&Stats::bytes_received)},
      {"blindai_sent_bytes_total", "Bytes of answers.", true, net_number(&Stats::bytes_sent)},
      {"blindai_models_served", "Models that are served now.", false,
       [&catalogue] { return static_cast<double>(catalogue.size()); }},
      {"blindai_uploads_running", "Uploads that are under way.", false,
       [&catalogue] { return static_cast<double>(catalogue.uploads()); }},
      {"blindai_runs_waiting", "Requests that wait for their turn on the cores.", false,
       [&dispatcher] { return static_cast<double>(dispatcher.stats().waiting); }},
      {"blindai_runs_running", "Requests that compute now.", false,
       [&dispatcher] { return static_cast<double>(dispatcher.stats().running); }},
      {"blindai_predicted_wait_seconds", "Until all that waits now has had its turn, as predicted.", false,
       [&dispatcher] { return dispatcher.stats().predicted_wait_ms / 1000; }},
      {"blindai_runs_refused_total", "Requests that a full queue or their deadline kept out.", true,
       [&dispatcher] { return static_cast<double>(dispatcher.stats().refused); }},
      {"blindai_recordings_running", "Recordings that arrive or are being transcribed.", false,
       [&recordings] { return static_cast<double>(recordings.count()); }},
      {"blindai_recordings_bytes", "Bytes of those recordings.", false,
       [&recordings] { return static_cast<double>(recordings.bytes()); }},
      {"blindai_jobs_waiting", "Transcription jobs that wait for their turn.", false,
       job_number(&Jobs::waiting)},
      {"blindai_jobs_running", "Transcription jobs at work.", false, job_number(&Jobs::running)},
      {"blindai_jobs_kept", "Transcription jobs that have ended and are kept for their owners.", false,
       job_number(&Jobs::kept)},
      {"blindai_jobs_total", "Transcription jobs accepted since the start.", true, job_number(&Jobs::total)},
      {"blindai_jobs_failed_total", "Transcription jobs that ended with an error.", true,
       job_number(&Jobs::failed_total)},
      {"blindai_jobs_refused_total", "Transcription jobs over a limit.", true,
       job_number(&Jobs::refused_total)},
      {"blindai_live_streams_open", "Live transcriptions that are open now.", false,
       live_number(&Live::open)},
      {"blindai_live_streams_total", "Live transcriptions since the start.", true, live_number(&Live::total)},
      {"blindai_live_streams_refused_total", "Live transcriptions over the limit.", true,
       live_number(&Live::refused)},
      {"blindai_live_finals_total", "Utterances that got their text.", true, live_number(&Live::finals)},
      {"blindai_live_failures_total", "Utterances that got none.", true, live_number(&Live::failures)},
      {"blindai_live_audio_seconds_total", "Sound that was heard live.", true, live_number(&Live::audio_s)},
      {"blindai_live_latency_seconds_total", "Sound between the end of speech and its text, summed up.", true,
       live_number(&Live::latency_s)},
  };
}

net::HttpServerOptions ServerOptions(const ListenAddress& address, const ServerConfig& config,
                                     const std::shared_ptr<net::IoPool>& pool) {
  net::HttpServerOptions options;
  options.address = address.host;
  options.port = address.port;
  options.pool = pool;
  options.max_connections = config.connections;
  options.max_header_bytes = config.request_header_bytes;
  return options;
}

// Until one of the signals comes; meanwhile it deletes the models and jobs whose time is over.
int WaitForSignal(const sigset_t& signals, service::ModelCatalogue& catalogue,
                  service::TranscriptionJobs& jobs, service::KeptAnswers& kept) {
  constexpr timespec kBetweenLooks{.tv_sec = 5, .tv_nsec = 0};
  while (true) {
    const int signal_number = sigtimedwait(&signals, nullptr, &kBetweenLooks);
    if (signal_number > 0) return signal_number;
    service::DeleteExpired(catalogue);
    jobs.DeleteExpired();
    kept.DeleteExpired();
  }
}

// The key goes to gRPC, which ends TLS itself.
endpoints::OpenInferenceGrpcOptions GrpcOptions(const ServerConfig& config,
                                                const channel::ServerIdentity& identity,
                                                const service::UploadOptions& upload,
                                                const endpoints::IdentifyCaller& identify) {
  endpoints::OpenInferenceGrpcOptions options;
  if (config.is_grpc_on) options.address = AddressText(config.grpc);
  options.certificate_pem = identity.certificate().ToPem();
  options.key_pem = identity.key().ToPem();
  options.server_version = BLINDAI_VERSION;
  options.identify = identify;
  options.upload = upload;
  options.max_tensor_bytes = config.tensor_bytes;
  options.deadline = std::chrono::milliseconds(config.request_deadline_ms);
  options.max_calls = config.connections;
  return options;
}

// Ends every worker and waits for their ends.
void StopModels(service::ModelCatalogue& catalogue) {
  const auto models = catalogue.RemoveAll();
  std::atomic<std::size_t> left = models.size();
  for (const auto& served : models) {
    served->host->Stop([&left] {
      if (left.fetch_sub(1) == 1) left.notify_one();
    });
  }
  for (std::size_t seen = left; seen != 0; seen = left) left.wait(seen);
}

service::ChargeLimits ChargesOf(const ServerConfig& config) {
  return {.weights = {config.tenant_weights.begin(), config.tenant_weights.end()},
          .requests_per_minute = static_cast<double>(config.requests_per_minute_per_tenant)};
}

Status Serve(const ServerConfig& config, const sigset_t& stop_signals) {
  // What this server is: the platform that vouches for it, and the key that the platform vouches for.
  BLINDAI_TRY(const Platform platform, ChoosePlatform(config, Devices::OfThisMachine()));
  BLINDAI_TRY(Store store, OpenStore(config, platform, Devices::OfThisMachine()));
  BLINDAI_TRY(const channel::ServerIdentity identity,
              channel::ServerIdentity::Make(IdentityOf(config, ManifestOf(config, platform, store))));
  BLINDAI_TRY(const auto tls, net::TlsServerContext::Make(identity.key(), identity.certificate()));

  // What it does: models in worker processes.
  service::ModelCatalogue catalogue({.models_per_tenant = config.models_per_tenant,
                                     .resident_bytes = config.resident_bytes,
                                     .resident_bytes_per_tenant = config.resident_bytes_per_tenant,
                                     .charges = ChargesOf(config)});
  // Who computes when, over all models.
  const auto dispatcher = model::Dispatcher::Make({.cores = static_cast<double>(model::UsableCores()),
                                                   .queued_per_tenant = config.queue_requests_per_tenant,
                                                   .queued = config.queue_requests_in_all});
  service::UploadOptions upload;
  upload.worker.dispatcher = dispatcher;
  upload.max_model_bytes = config.model_bytes;
  upload.default_visibility = service::VisibilityNamed(config.models_default_visibility);
  BLINDAI_TRY(upload.worker.worker_program, OtherProgram(config.worker_program, "worker"));
  upload.worker.threads = static_cast<int>(config.engine_threads);
  upload.worker.load_timeout_ms = static_cast<int>(config.load_deadline_ms);
  upload.worker.max_tensor_bytes = config.tensor_bytes;
  upload.worker.max_queue = config.queue_requests;
  upload.worker.max_queue_ms = static_cast<int>(config.queue_ms);
  upload.worker.totals = std::make_shared<model::RunTotals>();

  std::unique_ptr<service::ModelStorage> storage;
  BLINDAI_RETURN_IF_ERROR(LoadOperatorModels(config, catalogue, upload));
  if (store.models) {
    storage = std::make_unique<service::ModelStorage>(std::move(store.models), catalogue);
    const service::ModelStorage::Restored restored = storage->Restore(upload.worker);
    base::LogEvent("models-restored")
        .Number("models", static_cast<std::int64_t>(restored.models))
        .Number("damaged", static_cast<std::int64_t>(restored.damaged))
        .Number("skipped", static_cast<std::int64_t>(restored.skipped))
        .Emit();
  }

  service::Recordings recordings({.max_bytes = config.audio_bytes,
                                  .max_total_bytes = config.recordings_bytes,
                                  .max_recordings = config.recordings});
  endpoints::OpenAIAudioOptions audio;
  BLINDAI_TRY(audio.decoder.decoder_program, OtherProgram(config.decoder_program, "decoder"));
  audio.decoder.limits.max_seconds = config.audio_seconds;
  audio.deadline = std::chrono::milliseconds(config.transcription_deadline_ms);
  // Those of jobs have room of their own: many that wait keep nobody from an answer at once.
  service::Recordings job_recordings(
      {.max_bytes = config.audio_bytes, .max_total_bytes = config.jobs_bytes, .max_recordings = config.jobs});
  service::TranscriptionJobs jobs(catalogue, audio.decoder,
                                  {.per_tenant = config.jobs_per_tenant,
                                   .in_all = config.jobs,
                                   .running = config.jobs_running,
                                   .result_bytes = config.job_result_bytes,
                                   .deadline = std::chrono::milliseconds(config.job_deadline_ms),
                                   .kept_for = std::chrono::seconds(config.job_kept_s)});

  // Who may use it.
  BLINDAI_TRY(const std::shared_ptr<SessionKeys> sessions, ChooseSessionKeys(config));
  BLINDAI_TRY(const endpoints::IdentifyCaller identify,
              ChooseCallers(config, sessions, platform.mode == "simulation"));

  // How it is reached.
  std::atomic<bool> ready = false;
  BLINDAI_TRY(const std::unique_ptr<fetch::Endorser> endorser, EndorserOf(config));
  service::AttestationQueue attestation_queue({});
  std::unique_ptr<Legacy> legacy;
  if (!config.compat.empty()) {
    BLINDAI_TRY(legacy, MakeLegacy(config, platform, *endorser, attestation_queue));
  }
  service::KeptAnswers kept;
  endpoints::Router router;
  endpoints::RegisterAttestation(router,
                                 AttestWith(identity, *platform.attester, *endorser, attestation_queue));
  endpoints::RegisterModels(router, catalogue, upload, identify);
  endpoints::RegisterOpenAIAudio(router, catalogue, recordings, audio, identify);
  endpoints::RegisterAudioJobs(router, catalogue, job_recordings, jobs, identify);
  service::LiveStreams live(
      {.max_streams = config.live_streams, .idle_limit = std::chrono::seconds(config.live_idle_s)});
  endpoints::RegisterRealtime(router, catalogue, live, identify);
  endpoints::RegisterOpenInferenceV2(router, catalogue, ready,
                                     {.server_version = BLINDAI_VERSION,
                                      .max_tensor_bytes = config.tensor_bytes,
                                      .deadline = std::chrono::milliseconds(config.request_deadline_ms),
                                      .upload = upload},
                                     identify);

  BLINDAI_TRY(const std::unique_ptr<endpoints::OpenInferenceGrpcServer> grpc,
              endpoints::OpenInferenceGrpcServer::Start(catalogue, ready,
                                                        GrpcOptions(config, identity, upload, identify)));
  endpoints::RegisterGrpcTunnel(router, *grpc, identify, config.grpc_tunnels);

  const std::uint32_t io_threads =
      config.io_threads != 0 ? config.io_threads : std::max(2u, std::thread::hardware_concurrency());
  const auto pool = std::make_shared<net::IoPool>(io_threads);
  net::HttpServerOptions https_options = ServerOptions(config.https, config, pool);
  https_options.tls = tls;
  BLINDAI_TRY(
      const auto https,
      net::HttpServer::Listen(
          https_options, endpoints::WithIdempotency(kept, identify, [&router](net::HttpExchange& exchange) {
            return router.Handle(exchange);
          })));

  std::unique_ptr<LegacyV05> v05;
  if (IsCompatible(config, "0.5")) {
    BLINDAI_TRY(
        v05, LegacyV05::Listen(config, *legacy, platform.mode == "simulation", catalogue, upload, identify));
  }
  std::unique_ptr<LegacyV06> v06;
  if (IsCompatible(config, "0.6")) {
    BLINDAI_TRY(v06, LegacyV06::Listen(config, *legacy, catalogue, upload, identify,
                                       ServerOptions(config.v06_attested, config, pool)));
  }

  endpoints::Router admin_router;
  const auto stats = [&https, &v06] {
    net::HttpServerStats sum = https->stats();
    if (v06) sum += v06->stats();
    return sum;
  };
  std::vector<endpoints::Metric> metrics = MetricsOf(stats, catalogue, recordings, jobs, *dispatcher, live);
  for (endpoints::Metric& metric : InferenceMetrics(upload.worker.totals))
    metrics.push_back(std::move(metric));
  endpoints::RegisterAdmin(admin_router, ready, std::move(metrics));
  BLINDAI_TRY(const auto admin, net::HttpServer::Listen(ServerOptions(config.admin, config, pool),
                                                        [&admin_router](net::HttpExchange& exchange) {
                                                          return admin_router.Handle(exchange);
                                                        }));

  // One line on stdout for people and programs that started it, then work until a signal.
  ready = true;
  const std::string https_address = AddressText({config.https.host, https->port()});
  const std::string admin_address = AddressText({config.admin.host, admin->port()});
  const std::string grpc_address =
      config.is_grpc_on ? " grpc=" + AddressText({config.grpc.host, grpc->port()}) : "";
  fmt::print("blindai-server ready https={} admin={} mode={}{}{}{}\n", https_address, admin_address,
             platform.mode, grpc_address, v05 ? " v05=" + v05->Addresses() : "",
             v06 ? " v06=" + v06->Addresses() : "");
  std::fflush(stdout);
  base::LogEvent("server-ready")
      .OperatorText("https", https_address)
      .OperatorText("platform", platform.name)
      .Emit();

  // From now on clients may be sent here.
  std::unique_ptr<DirectoryLink> directory;
  if (!config.directory_url.empty()) {
    const std::string address = config.directory_address.empty() ? https_address : config.directory_address;
    std::optional<wire::V05Ports> v05_ports;
    if (v05) v05_ports = {v05->attested_port(), v05->untrusted_port()};
    BLINDAI_TRY(directory, DirectoryLink::Start(config, sessions, [&catalogue, address, v05_ports] {
                  return ReportOf(catalogue, address, v05_ports);
                }));
  }

  const int signal_number = WaitForSignal(stop_signals, catalogue, jobs, kept);
  ready = false;
  directory.reset();
  base::LogEvent("server-stopping")
      .Number("signal", signal_number)
      .Number("grace_ms", config.shutdown_grace_ms)
      .Emit();
  // A second signal ends at once, whatever is running.
  pthread_sigmask(SIG_UNBLOCK, &stop_signals, nullptr);
  // They may last for hours, and who waits for one would not find it again.
  jobs.Stop();
  const std::chrono::milliseconds grace(config.shutdown_grace_ms);
  const auto deadline = std::chrono::steady_clock::now() + grace;
  // At the same time, since a tunnel ends with its calls.
  std::jthread grpc_end([&grpc, grace] { grpc->Stop(grace); });
  https->Stop(grace);
  grpc_end.join();
  if (v05) v05->Stop(deadline);
  if (v06) v06->Stop(deadline);
  StopModels(catalogue);
  admin->Stop(std::chrono::milliseconds(0));
  base::LogEvent("server-stopped").Emit();
  return base::Ok();
}

int Main(int argc, char** argv) {
  program::HardenProcess();
  if (!FreedMemoryIsWiped()) {
    fmt::print(
        stderr,
        "blindai-server: another allocator has taken the place of its own; start it without LD_PRELOAD\n");
    return kExitFailed;
  }
  endpoints::RequireTls13OfGrpc();
  const sigset_t stop_signals = program::BlockStopSignals();
  const Result<CommandLine> line = ReadCommandLine(argc, argv);
  if (!line.ok()) {
    fmt::print(stderr, "blindai-server: {}\n", line.error().message);
    return kExitUsage;
  }
  if (line->print_and_exit) {
    fmt::print("{}\n", *line->print_and_exit == "version" ? "blindai-server " BLINDAI_VERSION
                                                          : *line->print_and_exit);
    return 0;
  }
  const Status served = Serve(line->config, stop_signals);
  if (served.ok()) return 0;
  fmt::print(stderr, "blindai-server: {}\n", served.error().message);
  return kExitFailed;
}

}  // namespace
}  // namespace blindai::server

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "keys")
    return blindai::program::RunKeysCommand("blindai-server", blindai::accounts::OpenSqlite, argc - 1,
                                            argv + 1);
  return blindai::server::Main(argc, argv);
}
