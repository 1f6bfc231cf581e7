#include "server/server_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <sstream>
#include <utility>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace blindai::server {
namespace {

using base::Error;
using base::ErrorKind;
using base::MakeError;
using base::Status;

// One key of the file: its table ("" for the top), its name, and how its value is taken.
struct Key {
  std::string_view table;
  std::string_view name;
  Status (*take)(ServerConfig&, const toml::node&);
};

Error BadValue(std::string wanted) {
  return MakeError(ErrorKind::kInvalid, "config-value", "wanted " + std::move(wanted));
}

template <auto Member>
Status TakeText(ServerConfig& config, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text) return BadValue("a text in quotes");
  config.*Member = *text;
  return base::Ok();
}

template <auto Member>
Status TakeAddress(ServerConfig& config, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text) return BadValue("an address in quotes, as in \"127.0.0.1:8443\"");
  BLINDAI_TRY(config.*Member, ParseListenAddress(*text));
  return base::Ok();
}

template <auto Member, std::uint64_t Least, std::uint64_t Most>
Status TakeNumber(ServerConfig& config, const toml::node& node) {
  const auto number = node.value_exact<std::int64_t>();
  if (!number || *number < 0 || static_cast<std::uint64_t>(*number) < Least ||
      static_cast<std::uint64_t>(*number) > Most) {
    return BadValue(fmt::format("a whole number from {} to {}", Least, Most));
  }
  using Number = std::remove_reference_t<decltype(config.*Member)>;
  config.*Member = static_cast<Number>(*number);
  return base::Ok();
}

template <auto Member>
Status TakeFlag(ServerConfig& config, const toml::node& node) {
  const auto flag = node.value_exact<bool>();
  if (!flag) return BadValue("true or false");
  config.*Member = *flag;
  return base::Ok();
}

Status TakeNames(ServerConfig& config, const toml::node& node) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return BadValue("a list of host names, as in [\"models.example.org\"]");
  std::vector<std::string> names;
  for (const toml::node& element : *array) {
    const auto name = element.value_exact<std::string>();
    if (!name || name->empty()) return BadValue("a list of host names, as in [\"models.example.org\"]");
    names.push_back(*name);
  }
  config.names = std::move(names);
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

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kDayMs = 86'400'000;

constexpr Key kKeys[] = {
    {"", "platform", TakePlatform},
    {"", "compat", TakeCompat},
    {"listen", "https", TakeAddress<&ServerConfig::https>},
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
    {"models", "default_visibility", TakeVisibility},
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
    {"limits", "model_bytes", TakeNumber<&ServerConfig::model_bytes, 1, 2 * kGiB>},
    {"limits", "tensor_bytes", TakeNumber<&ServerConfig::tensor_bytes, 1, 4 * kGiB>},
    {"limits", "resident_bytes", TakeNumber<&ServerConfig::resident_bytes, 1 << 20, 4096 * kGiB>},
    {"limits", "models_per_tenant", TakeNumber<&ServerConfig::models_per_tenant, 1, 100'000>},
    {"limits", "connections", TakeNumber<&ServerConfig::connections, 1, 65'536>},
    {"limits", "request_header_bytes", TakeNumber<&ServerConfig::request_header_bytes, 1024, 1 << 20>},
    {"limits", "queue_requests", TakeNumber<&ServerConfig::queue_requests, 1, 1'000'000>},
    {"limits", "queue_ms", TakeNumber<&ServerConfig::queue_ms, 1, kDayMs>},
    {"limits", "request_deadline_ms", TakeNumber<&ServerConfig::request_deadline_ms, 1, kDayMs>},
    {"limits", "load_deadline_ms", TakeNumber<&ServerConfig::load_deadline_ms, 1, kDayMs>},
    {"limits", "audio_bytes", TakeNumber<&ServerConfig::audio_bytes, 1, 2 * kGiB>},
    {"limits", "audio_seconds", TakeNumber<&ServerConfig::audio_seconds, 1, 86'400>},
    {"limits", "recordings", TakeNumber<&ServerConfig::recordings, 1, 10'000>},
    {"limits", "recordings_bytes", TakeNumber<&ServerConfig::recordings_bytes, 1, 4096 * kGiB>},
    {"limits", "transcription_deadline_ms", TakeNumber<&ServerConfig::transcription_deadline_ms, 1, kDayMs>},
    {"limits", "shutdown_grace_ms", TakeNumber<&ServerConfig::shutdown_grace_ms, 0, kDayMs>},
};

std::string FullName(std::string_view table, std::string_view name) {
  return table.empty() ? std::string(name) : fmt::format("{}.{}", table, name);
}

// The number of single-letter changes between two words.
std::size_t EditDistance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= left.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t changed = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

// The known key that a misspelt one probably means, or nothing near enough.
std::string Hint(std::string_view table, std::string_view name) {
  const std::string seen = FullName(table, name);
  std::string best;
  std::size_t best_distance = 4;
  for (const Key& key : kKeys) {
    const std::string known = FullName(key.table, key.name);
    // The right name in the wrong table is the commonest slip, however far the spelling.
    const std::size_t distance = key.name == name ? 1 : EditDistance(seen, known);
    if (distance < best_distance) {
      best_distance = distance;
      best = known;
    }
  }
  return best.empty() ? "; every key is described in docs/configuration.md"
                      : fmt::format("; did you mean '{}'?", best);
}

Error At(std::string_view source, const toml::node& node, Error error) {
  return std::move(error).Within(fmt::format("{} line {}", source, node.source().begin.line));
}

Status TakeKey(ServerConfig& config, std::string_view source, std::string_view table, std::string_view name,
               const toml::node& node) {
  const Key* const key = std::find_if(std::begin(kKeys), std::end(kKeys),
                                      [&](const Key& k) { return k.table == table && k.name == name; });
  if (key == std::end(kKeys)) {
    return At(source, node,
              MakeError(ErrorKind::kInvalid, "config-key",
                        fmt::format("unknown key '{}'{}", FullName(table, name), Hint(table, name))));
  }
  Status taken = key->take(config, node);
  if (!taken.ok()) return At(source, node, std::move(taken).error().Within(FullName(table, name)));
  return base::Ok();
}

bool IsTable(std::string_view name) {
  return std::any_of(std::begin(kKeys), std::end(kKeys), [&](const Key& key) { return key.table == name; });
}

}  // namespace

base::Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const auto refuse = [&] {
    return MakeError(
        ErrorKind::kInvalid, "config-address",
        fmt::format("seen '{}', wanted address:port as in 127.0.0.1:8443 or [::1]:8443", text.substr(0, 80)));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse();
  }
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (host.empty() || digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    return refuse();
  return ListenAddress{std::string(host), port};
}

std::string AddressText(const ListenAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address.host, address.port)
            : fmt::format("{}:{}", address.host, address.port);
}

bool IsCompatible(const ServerConfig& config, std::string_view protocol) {
  return std::find(config.compat.begin(), config.compat.end(), protocol) != config.compat.end();
}

std::vector<std::string> KnownConfigKeys() {
  std::vector<std::string> names;
  for (const Key& key : kKeys) names.push_back(FullName(key.table, key.name));
  return names;
}

base::Result<ServerConfig> ParseServerConfig(std::string_view text, std::string_view source,
                                             ServerConfig config) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return MakeError(ErrorKind::kInvalid, "config-syntax",
                     fmt::format("{} line {}: {}", source, error.source().begin.line, error.description()));
  }
  for (const auto& [name, node] : parsed.table()) {
    const toml::table* const table = node.as_table();
    if (table == nullptr || !IsTable(name.str())) {
      BLINDAI_RETURN_IF_ERROR(TakeKey(config, source, "", name.str(), node));
      continue;
    }
    for (const auto& [inner_name, inner] : *table) {
      BLINDAI_RETURN_IF_ERROR(TakeKey(config, source, name.str(), inner_name.str(), inner));
    }
  }
  return config;
}

}  // namespace blindai::server
