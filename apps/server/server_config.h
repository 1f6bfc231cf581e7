// The server's configuration: defaults, then `--config server.toml`, then the command line. Every number that
// limits something is a key here (PRODUCT.md section 7). A key that is not known, a value of the wrong kind
// or out of range is refused with its line and, where one is near, the key that was probably meant: a
// misspelt limit must never be silently the default.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "program/listen_address.h"

namespace blindai::server {

using program::AddressText;
using program::ListenAddress;
using program::ParseListenAddress;

// A model that the operator serves: loaded at start, named in the manifest, and no client's to replace or delete.
struct OperatorModel {
  std::string id;
  std::string file;
  // Instead of a file: a Whisper model as Hugging Face's optimum exports it.
  std::string whisper_folder;
  // Of the file, or of the folder's networks (model/model_bundle.h), 64 lower-case hex digits.
  std::string sha256;
  std::string visibility = "public";  // or "tenants"
  // Of a CTC speech model, both; of a tensor model, none.
  std::string vocab_file;
  std::string preprocessor_file;
};

struct ServerConfig {
  // "auto" looks for hardware in the order of docs/ARCHITECTURE.md; a name insists on one platform.
  std::string platform = "auto";

  // [listen]. HTTPS and gRPC carry data; the admin port has health and metrics and is loopback only.
  ListenAddress https{"127.0.0.1", 8443};
  ListenAddress grpc{"127.0.0.1", 8444};
  bool is_grpc_on = true;
  ListenAddress admin{"127.0.0.1", 9090};
  // Names and addresses in the server's certificate besides localhost.
  std::vector<std::string> names;

  // [engine]. Threads that serve connections, and threads of one model's engine; 0 = one for each core.
  std::uint32_t io_threads = 0;
  std::uint32_t engine_threads = 0;
  // The worker program; empty = blindai-worker beside this program.
  std::string worker_program;
  // The program that decodes recordings; empty = blindai-decoder beside this program.
  std::string decoder_program;

  // [accounts]. The database of API keys; empty = no keys. Without keys a request has no account; whether
  // that is allowed outside simulation is for the operator to say.
  std::string accounts_database;
  bool accounts_anonymous = false;
  // [[tenant]]. Weights of tenants by name, for those who do not have 1 (model/scheduler.h), and the models of their
  // transcriptions that name none (service/speech_model.h), for those who do not have models_default_model.
  std::map<std::string, std::uint32_t> tenant_weights;
  std::map<std::string, std::string> tenant_default_models;
  // A JSON Web Key Set whose session tokens are accepted, and the issuer that they must name. With a directory both
  // come from there.
  std::string accounts_session_keys_file;
  std::string accounts_session_issuer = "blindai-directory";

  // [models]. Of uploads that name none: "private", "link", "tenants" or "public".
  std::string models_default_visibility = "link";
  // Of transcriptions that name none; empty = none.
  std::string models_default_model;

  // [directory]. The managed cloud's front that this server reports to; empty = none, and no outgoing connection.
  std::string directory_url;
  std::string directory_key_file;
  std::string directory_ca_file;  // empty = the system's CAs
  std::string directory_address;  // where clients reach this server; empty = listen.https
  std::uint32_t directory_report_every_s = 5;

  // [endorsements]. What travels with the evidence beside what the platform hands out; nothing is contacted unless its
  // address stands here (attestation/fetch/endorser.h).
  std::string endorsements_directory;
  std::string endorsements_dcap_service;
  std::string endorsements_dcap_root_crl;
  std::string endorsements_snp_service;
  std::string endorsements_ca_file;

  // [tdx]. Where the host's quote generation service listens; only used where the kernel has /dev/tdx_guest and no
  // configfs-tsm.
  std::uint32_t tdx_quote_service_cid = 2;
  std::uint32_t tdx_quote_service_port = 4050;

  // [azure]. Only used with platform = "azure": where the host of a confidential machine of Azure gives the chip's
  // certificate or turns a TDREPORT into a quote; empty = it is not asked.
  std::string azure_host_service = "http://169.254.169.254";

  // [tpm]. Only used with platform = "tpm", and the way to the TPM and its log with "azure": a TPM vouches for what was
  // booted, not for the secrecy of memory, so it is never chosen by itself.
  std::string tpm_tcti;          // empty = the kernel's device
  std::string tpm_certificates;  // a file with the certificates of the attestation key, leaf first
  std::string tpm_event_log;     // empty = the kernel's

  // [files]. Only used with platform = "files", which is for tests of the old protocols' hardware mode.
  std::string files_directory;

  // BlindAI's published protocols, "0.5" and "0.6", for clients that exist: no freshness and no binding to the
  // connection (docs/formats/legacy-protocols.md), so none is on unless it is named here.
  std::vector<std::string> compat;
  // [legacy]. The ports of those protocols. 0.5: certificate and key of the untrusted port, PEM files; empty = made at
  // start. 0.6: certificate and key of the unattested port; empty = plain HTTP.
  ListenAddress v05_untrusted{"127.0.0.1", 50052};
  ListenAddress v05_attested{"127.0.0.1", 50051};
  std::string v05_certificate_file;
  std::string v05_key_file;
  ListenAddress v06_unattested{"127.0.0.1", 9923};
  ListenAddress v06_attested{"127.0.0.1", 9924};
  ListenAddress v06_management{"127.0.0.1", 9925};
  std::string v06_certificate_file;
  std::string v06_key_file;
  // Upload and delete on the attested port too, where 0.6.1 looks for them.
  bool v06_management_on_attested = false;
  // The oldest quote that these ports give out.
  std::uint32_t legacy_evidence_age_s = 3600;

  // [[model]]
  std::vector<OperatorModel> models;

  // [voice_activity]. The network that tells voices from noise in recordings, and its SHA-256; empty = loudness does.
  std::string voice_activity_file;
  std::string voice_activity_sha256;

  // [storage]. Where uploads with save=true go, sealed under the platform's key; empty = they are refused.
  std::string storage_directory;
  // "measurement", or on SGX "signer": who may open the store (attestation/attester/sealing_key.h).
  std::string storage_seal_to = "measurement";
  std::uint64_t storage_bytes = std::uint64_t{64} << 30;

  // [limits]
  std::uint64_t model_bytes = std::uint64_t{2} << 30;
  std::uint64_t tensor_bytes = std::uint64_t{256} << 20;
  std::uint64_t resident_bytes = std::uint64_t{8} << 30;
  std::uint64_t resident_bytes_per_tenant = 0;  // 0 = only the limit of all together
  std::uint32_t models_per_tenant = 16;
  std::uint32_t connections = 256;
  std::uint32_t request_header_bytes = 32 << 10;
  std::uint32_t queue_requests = 256;
  std::uint32_t queue_requests_per_tenant = 256;
  std::uint32_t queue_requests_in_all = 4096;
  std::uint32_t queue_ms = 30'000;
  std::uint32_t requests_per_minute_per_tenant = 0;  // 0 = no limit
  std::uint32_t request_deadline_ms = 600'000;
  std::uint32_t load_deadline_ms = 120'000;
  std::uint64_t audio_bytes = std::uint64_t{2} << 30;
  std::uint32_t audio_seconds = 4 * 3600;
  std::uint32_t recordings = 64;
  std::uint64_t recordings_bytes = std::uint64_t{4} << 30;
  std::uint32_t jobs = 128;
  std::uint32_t jobs_per_tenant = 32;
  std::uint32_t jobs_running = 4;
  std::uint64_t jobs_bytes = std::uint64_t{4} << 30;
  std::uint64_t job_result_bytes = std::uint64_t{16} << 20;
  std::uint32_t job_deadline_ms = 14'400'000;
  std::uint32_t job_kept_s = 3600;
  std::uint32_t live_streams = 64;
  std::uint32_t live_idle_s = 60;
  std::uint32_t grpc_tunnels = 64;
  std::uint32_t transcription_deadline_ms = 3'600'000;
  std::uint32_t shutdown_grace_ms = 10'000;
};

// Whether `compat` names this protocol.
bool IsCompatible(const ServerConfig& config, std::string_view protocol);

// Reads TOML over the given defaults. `source` names the text in errors ("server.toml"). Codes:
// config-syntax, config-key, config-value, config-address.
base::Result<ServerConfig> ParseServerConfig(std::string_view toml, std::string_view source,
                                             ServerConfig defaults = {});

// Every key as it is written in a file: "limits.model_bytes".
std::vector<std::string> KnownConfigKeys();

}  // namespace blindai::server
