#include "server/server_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "program/config_file.h"

#include "vocabulary/model_id.h"

namespace blindai::server {
namespace {

using base::Result;
using base::Status;

using Key = program::ConfigKey<ServerConfig>;
using program::BadValue;
using program::TakeAddress;
using program::TakeFlag;
using program::TakeNumber;
using program::TakeText;

constexpr std::string_view kPage = "docs/configuration.md";

// "off" closes the port that `Member` is the address of.
template <auto Member, auto IsOn>
Status TakeAddressOrOff(ServerConfig& config, const toml::node& node) {
  config.*IsOn = node.value_exact<std::string>() != "off";
  return config.*IsOn ? TakeAddress<Member>(config, node) : base::Ok();
}

Status TakeNames(ServerConfig& config, const toml::node& node) {
  BLINDAI_TRY(config.names, program::TextList(node, "a list of host names, as in [\"models.example.org\"]"));
  return base::Ok();
}

Status TakeCompat(ServerConfig& config, const toml::node& node) {
  const auto refuse = [] { return BadValue("a list of \"0.5\" and \"0.6\", as in [\"0.5\", \"0.6\"]"); };
  const toml::array* array = node.as_array();
  if (array == nullptr) return refuse();
  std::vector<std::string> protocols;
  for (const toml::node& element : *array) {
    const auto name = element.value_exact<std::string>();
    const bool is_known = name && (*name == "0.5" || *name == "0.6");
    if (!is_known || std::find(protocols.begin(), protocols.end(), *name) != protocols.end()) return refuse();
    protocols.push_back(*name);
  }
  std::sort(protocols.begin(), protocols.end());
  config.compat = std::move(protocols);
  return base::Ok();
}

Status TakeSealTo(ServerConfig& config, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text || (*text != "measurement" && *text != "signer"))
    return BadValue("\"measurement\" or \"signer\"");
  config.storage_seal_to = *text;
  return base::Ok();
}

bool IsSha256(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 64 && std::ranges::all_of(text, is_hex);
}

Status TakeVoiceActivitySha256(ServerConfig& config, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text || !IsSha256(*text)) return BadValue("64 lower-case hex digits in quotes");
  config.voice_activity_sha256 = *text;
  return base::Ok();
}

Result<OperatorModel> ReadOperatorModel(const toml::table& table) {
  OperatorModel model;
  const std::pair<std::string_view, std::string*> keys[] = {{"id", &model.id},
                                                            {"file", &model.file},
                                                            {"folder", &model.whisper_folder},
                                                            {"sha256", &model.sha256},
                                                            {"visibility", &model.visibility},
                                                            {"vocab", &model.vocab_file},
                                                            {"preprocessor", &model.preprocessor_file}};
  for (const auto& [name, node] : table) {
    const auto key = std::ranges::find(keys, name.str(), [](const auto& known) { return known.first; });
    if (key == std::end(keys)) {
      return BadValue(fmt::format(
          "in [[model]] only id, file or folder, sha256, visibility, vocab and preprocessor; seen '{}'",
          name.str().substr(0, 40)));
    }
    const auto text = node.value_exact<std::string>();
    if (!text) return BadValue(fmt::format("a text in quotes for '{}' in [[model]]", key->first));
    *key->second = *text;
  }
  if (!vocabulary::ModelId::Parse(model.id).ok()) return BadValue("a model id for 'id' in [[model]]");
  if (model.file.empty() == model.whisper_folder.empty()) {
    return BadValue(
        "the path of an ONNX file for 'file', or that of a Whisper model's folder for 'folder', in "
        "[[model]]");
  }
  if (!IsSha256(model.sha256)) return BadValue("64 lower-case hex digits for 'sha256' in [[model]]");
  if (model.visibility != "public" && model.visibility != "tenants")
    return BadValue("\"public\" or \"tenants\" for 'visibility' in [[model]]");
  if (model.vocab_file.empty() != model.preprocessor_file.empty())
    return BadValue("both 'vocab' and 'preprocessor' in [[model]], or neither");
  if (!model.whisper_folder.empty() && !model.vocab_file.empty())
    return BadValue("'vocab' and 'preprocessor' with 'file' only in [[model]]; a folder has its own");
  return model;
}

Status TakeModels(ServerConfig& config, const toml::node& node) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return BadValue("tables, each as [[model]]");
  config.models.clear();
  for (const toml::node& element : *array) {
    const toml::table* table = element.as_table();
    if (table == nullptr) return BadValue("tables, each as [[model]]");
    BLINDAI_TRY(OperatorModel model, ReadOperatorModel(*table));
    const auto same = std::ranges::find(config.models, model.id, &OperatorModel::id);
    if (same != config.models.end()) return BadValue(fmt::format("'{}' in one [[model]] only", model.id));
    config.models.push_back(std::move(model));
  }
  return base::Ok();
}

Status TakePlatform(ServerConfig& config, const toml::node& node) {
  constexpr std::array<std::string_view, 9> kPlatforms = {"auto", "simulation", "sgx",   "tdx",  "snp",
                                                          "tpm",  "azure",      "nitro", "files"};
  const auto text = node.value_exact<std::string>();
  if (!text || std::find(kPlatforms.begin(), kPlatforms.end(), *text) == kPlatforms.end()) {
    return BadValue(
        "one of \"auto\", \"simulation\", \"sgx\", \"tdx\", \"snp\", \"tpm\", \"azure\", \"nitro\", "
        "\"files\"");
  }
  config.platform = *text;
  return base::Ok();
}

Status TakeVisibility(ServerConfig& config, const toml::node& node) {
  constexpr std::array<std::string_view, 4> kVisibilities = {"private", "link", "tenants", "public"};
  const auto text = node.value_exact<std::string>();
  if (!text || std::find(kVisibilities.begin(), kVisibilities.end(), *text) == kVisibilities.end()) {
    return BadValue("one of \"private\", \"link\", \"tenants\", \"public\"");
  }
  config.models_default_visibility = *text;
  return base::Ok();
}

Status TakeDefaultModel(ServerConfig& config, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text || !vocabulary::ModelId::Parse(*text).ok()) return BadValue("a model id in quotes");
  config.models_default_model = *text;
  return base::Ok();
}

Status TakeTenants(ServerConfig& config, const toml::node& node) {
  static constexpr std::int64_t kMostWeight = 1'000;
  const auto refuse = [] {
    return BadValue(
        fmt::format("tables [[tenant]] of a name, each once, and a weight from 1 to {} or the id of a "
                    "default_model or both, and nothing else",
                    kMostWeight));
  };
  const toml::array* array = node.as_array();
  if (array == nullptr) return refuse();
  std::set<std::string> names;
  std::map<std::string, std::uint32_t> weights;
  std::map<std::string, std::string> models;
  for (const toml::node& element : *array) {
    const toml::table* const tenant = element.as_table();
    if (tenant == nullptr) return refuse();
    const auto name = (*tenant)["name"].value_exact<std::string>();
    const auto weight = (*tenant)["weight"].value_exact<std::int64_t>();
    const auto model = (*tenant)["default_model"].value_exact<std::string>();
    const std::size_t said = 1 + (weight ? 1 : 0) + (model ? 1 : 0);
    if (!name || name->empty() || said < 2 || tenant->size() != said) return refuse();
    if (weight && (*weight < 1 || *weight > kMostWeight)) return refuse();
    if (model && !vocabulary::ModelId::Parse(*model).ok()) return refuse();
    if (!names.insert(*name).second) return refuse();
    if (weight) weights.emplace(*name, static_cast<std::uint32_t>(*weight));
    if (model) models.emplace(*name, *model);
  }
  config.tenant_weights = std::move(weights);
  config.tenant_default_models = std::move(models);
  return base::Ok();
}

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kDayMs = 86'400'000;

constexpr Key kKeys[] = {
    {"", "platform", TakePlatform},
    {"", "compat", TakeCompat},
    {"", "model", TakeModels},
    {"", "tenant", TakeTenants},
    {"listen", "https", TakeAddress<&ServerConfig::https>},
    {"listen", "grpc", TakeAddressOrOff<&ServerConfig::grpc, &ServerConfig::is_grpc_on>},
    {"listen", "admin", TakeAddress<&ServerConfig::admin>},
    {"listen", "names", TakeNames},
    {"engine", "io_threads", TakeNumber<&ServerConfig::io_threads, 0, 256>},
    {"engine", "threads", TakeNumber<&ServerConfig::engine_threads, 0, 256>},
    {"engine", "worker_program", TakeText<&ServerConfig::worker_program>},
    {"engine", "decoder_program", TakeText<&ServerConfig::decoder_program>},
    {"accounts", "database", TakeText<&ServerConfig::accounts_database>},
    {"accounts", "anonymous", TakeFlag<&ServerConfig::accounts_anonymous>},
    {"accounts", "session_keys_file", TakeText<&ServerConfig::accounts_session_keys_file>},
    {"accounts", "session_issuer", TakeText<&ServerConfig::accounts_session_issuer>},
    {"voice_activity", "file", TakeText<&ServerConfig::voice_activity_file>},
    {"voice_activity", "sha256", TakeVoiceActivitySha256},
    {"models", "default_visibility", TakeVisibility},
    {"models", "default_model", TakeDefaultModel},
    {"directory", "url", TakeText<&ServerConfig::directory_url>},
    {"directory", "key_file", TakeText<&ServerConfig::directory_key_file>},
    {"directory", "ca_file", TakeText<&ServerConfig::directory_ca_file>},
    {"directory", "address", TakeText<&ServerConfig::directory_address>},
    {"directory", "report_every_s", TakeNumber<&ServerConfig::directory_report_every_s, 1, 60>},
    {"endorsements", "directory", TakeText<&ServerConfig::endorsements_directory>},
    {"endorsements", "dcap_service", TakeText<&ServerConfig::endorsements_dcap_service>},
    {"endorsements", "dcap_root_crl", TakeText<&ServerConfig::endorsements_dcap_root_crl>},
    {"endorsements", "snp_service", TakeText<&ServerConfig::endorsements_snp_service>},
    {"endorsements", "ca_file", TakeText<&ServerConfig::endorsements_ca_file>},
    {"tdx", "quote_service_cid", TakeNumber<&ServerConfig::tdx_quote_service_cid, 0, 0xFFFF'FFFE>},
    {"tdx", "quote_service_port", TakeNumber<&ServerConfig::tdx_quote_service_port, 1, 0xFFFF'FFFE>},
    {"azure", "host_service", TakeText<&ServerConfig::azure_host_service>},
    {"tpm", "tcti", TakeText<&ServerConfig::tpm_tcti>},
    {"tpm", "certificates", TakeText<&ServerConfig::tpm_certificates>},
    {"tpm", "event_log", TakeText<&ServerConfig::tpm_event_log>},
    {"files", "directory", TakeText<&ServerConfig::files_directory>},
    {"legacy", "v05_untrusted", TakeAddress<&ServerConfig::v05_untrusted>},
    {"legacy", "v05_attested", TakeAddress<&ServerConfig::v05_attested>},
    {"legacy", "v05_certificate_file", TakeText<&ServerConfig::v05_certificate_file>},
    {"legacy", "v05_key_file", TakeText<&ServerConfig::v05_key_file>},
    {"legacy", "v06_unattested", TakeAddress<&ServerConfig::v06_unattested>},
    {"legacy", "v06_attested", TakeAddress<&ServerConfig::v06_attested>},
    {"legacy", "v06_management", TakeAddress<&ServerConfig::v06_management>},
    {"legacy", "v06_certificate_file", TakeText<&ServerConfig::v06_certificate_file>},
    {"legacy", "v06_key_file", TakeText<&ServerConfig::v06_key_file>},
    {"legacy", "v06_management_on_attested", TakeFlag<&ServerConfig::v06_management_on_attested>},
    {"legacy", "evidence_age_s", TakeNumber<&ServerConfig::legacy_evidence_age_s, 1, 7 * 86'400>},
    {"storage", "directory", TakeText<&ServerConfig::storage_directory>},
    {"storage", "seal_to", TakeSealTo},
    {"storage", "bytes", TakeNumber<&ServerConfig::storage_bytes, 1 << 20, 1024 * 1024 * kGiB>},
    {"limits", "model_bytes", TakeNumber<&ServerConfig::model_bytes, 1, 2 * kGiB>},
    {"limits", "tensor_bytes", TakeNumber<&ServerConfig::tensor_bytes, 1, 4 * kGiB>},
    {"limits", "resident_bytes", TakeNumber<&ServerConfig::resident_bytes, 1 << 20, 4096 * kGiB>},
    {"limits", "resident_bytes_per_tenant",
     TakeNumber<&ServerConfig::resident_bytes_per_tenant, 0, 4096 * kGiB>},
    {"limits", "models_per_tenant", TakeNumber<&ServerConfig::models_per_tenant, 1, 100'000>},
    {"limits", "connections", TakeNumber<&ServerConfig::connections, 1, 65'536>},
    {"limits", "request_header_bytes", TakeNumber<&ServerConfig::request_header_bytes, 1024, 1 << 20>},
    {"limits", "queue_requests", TakeNumber<&ServerConfig::queue_requests, 1, 1'000'000>},
    {"limits", "queue_requests_per_tenant",
     TakeNumber<&ServerConfig::queue_requests_per_tenant, 1, 1'000'000>},
    {"limits", "queue_requests_in_all", TakeNumber<&ServerConfig::queue_requests_in_all, 1, 1'000'000>},
    {"limits", "queue_ms", TakeNumber<&ServerConfig::queue_ms, 1, kDayMs>},
    {"limits", "requests_per_minute_per_tenant",
     TakeNumber<&ServerConfig::requests_per_minute_per_tenant, 0, 1'000'000>},
    {"limits", "request_deadline_ms", TakeNumber<&ServerConfig::request_deadline_ms, 1, kDayMs>},
    {"limits", "load_deadline_ms", TakeNumber<&ServerConfig::load_deadline_ms, 1, kDayMs>},
    {"limits", "audio_bytes", TakeNumber<&ServerConfig::audio_bytes, 1, 2 * kGiB>},
    {"limits", "audio_seconds", TakeNumber<&ServerConfig::audio_seconds, 1, 86'400>},
    {"limits", "recordings", TakeNumber<&ServerConfig::recordings, 1, 10'000>},
    {"limits", "recordings_bytes", TakeNumber<&ServerConfig::recordings_bytes, 1, 4096 * kGiB>},
    {"limits", "jobs", TakeNumber<&ServerConfig::jobs, 1, 10'000>},
    {"limits", "jobs_per_tenant", TakeNumber<&ServerConfig::jobs_per_tenant, 1, 10'000>},
    {"limits", "jobs_running", TakeNumber<&ServerConfig::jobs_running, 1, 1'000>},
    {"limits", "jobs_bytes", TakeNumber<&ServerConfig::jobs_bytes, 1, 4096 * kGiB>},
    {"limits", "job_result_bytes", TakeNumber<&ServerConfig::job_result_bytes, 1, kGiB>},
    {"limits", "job_deadline_ms", TakeNumber<&ServerConfig::job_deadline_ms, 1, kDayMs>},
    {"limits", "job_kept_s", TakeNumber<&ServerConfig::job_kept_s, 1, 7 * 86'400>},
    {"limits", "live_streams", TakeNumber<&ServerConfig::live_streams, 1, 10'000>},
    {"limits", "live_idle_s", TakeNumber<&ServerConfig::live_idle_s, 1, 86'400>},
    {"limits", "grpc_tunnels", TakeNumber<&ServerConfig::grpc_tunnels, 1, 10'000>},
    {"limits", "transcription_deadline_ms", TakeNumber<&ServerConfig::transcription_deadline_ms, 1, kDayMs>},
    {"limits", "shutdown_grace_ms", TakeNumber<&ServerConfig::shutdown_grace_ms, 0, kDayMs>},
};

}  // namespace

bool IsCompatible(const ServerConfig& config, std::string_view protocol) {
  return std::find(config.compat.begin(), config.compat.end(), protocol) != config.compat.end();
}

std::vector<std::string> KnownConfigKeys() { return program::FullNames(std::span<const Key>(kKeys)); }

base::Result<ServerConfig> ParseServerConfig(std::string_view text, std::string_view source,
                                             ServerConfig config) {
  BLINDAI_TRY(config,
              program::ParseConfig(text, source, std::span<const Key>(kKeys), kPage, std::move(config)));
  if (config.voice_activity_file.empty() != config.voice_activity_sha256.empty())
    return BadValue("both 'file' and 'sha256' in [voice_activity], or neither").Within(source);
  return config;
}

}  // namespace blindai::server
