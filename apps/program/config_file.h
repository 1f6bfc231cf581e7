// How the programs read their configuration: TOML, each key named in one table with how its value is taken. A key that
// is not known, a value of the wrong kind or out of range is refused with its line and, where one is near, the key that
// was probably meant: a misspelt limit must never be silently the default.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/result.h"
#include "encoding/toml.h"
#include "program/listen_address.h"

namespace blindai::program {

// One key of the file: its table ("" for the top), its name, and how its value is taken.
template <typename Config>
struct ConfigKey {
  std::string_view table;
  std::string_view name;
  base::Status (*take)(Config&, const toml::node&);
};

// Code: config-value.
base::Error BadValue(std::string wanted);

template <typename Config, typename T>
Config ConfigOfMember(T Config::*);
template <auto Member>
using ConfigOf = decltype(ConfigOfMember(Member));

template <auto Member>
base::Status TakeText(ConfigOf<Member>& config, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text) return BadValue("a text in quotes");
  config.*Member = *text;
  return base::Ok();
}

template <auto Member>
base::Status TakeAddress(ConfigOf<Member>& config, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text) return BadValue("an address in quotes, as in \"127.0.0.1:8443\"");
  BLINDAI_TRY(config.*Member, ParseListenAddress(*text));
  return base::Ok();
}

template <auto Member, std::uint64_t Least, std::uint64_t Most>
base::Status TakeNumber(ConfigOf<Member>& config, const toml::node& node) {
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
base::Status TakeFlag(ConfigOf<Member>& config, const toml::node& node) {
  const auto flag = node.value_exact<bool>();
  if (!flag) return BadValue("true or false");
  config.*Member = *flag;
  return base::Ok();
}

// A list of texts, none empty; `wanted` describes it.
base::Result<std::vector<std::string>> TextList(const toml::node& node, std::string wanted);

// "limits.model_bytes"
std::string FullName(std::string_view table, std::string_view name);
template <typename Config>
std::vector<std::string> FullNames(std::span<const ConfigKey<Config>> keys) {
  std::vector<std::string> names;
  for (const auto& key : keys) names.push_back(FullName(key.table, key.name));
  return names;
}
// Code: config-key, with a hint; `page` describes every key.
base::Error UnknownKey(std::string_view table, std::string_view name, std::span<const std::string> known,
                       std::string_view page);
base::Error AtLine(std::string_view source, std::uint32_t line, base::Error error);

template <typename Config>
base::Status TakeKey(Config& config, std::span<const ConfigKey<Config>> keys, std::string_view page,
                     std::string_view source, std::string_view table, std::string_view name,
                     const toml::node& node) {
  const std::uint32_t line = node.source().begin.line;
  const auto key = std::find_if(keys.begin(), keys.end(),
                                [&](const auto& k) { return k.table == table && k.name == name; });
  if (key == keys.end()) return AtLine(source, line, UnknownKey(table, name, FullNames(keys), page));
  base::Status taken = key->take(config, node);
  if (!taken.ok()) return AtLine(source, line, std::move(taken).error().Within(FullName(table, name)));
  return base::Ok();
}

// Reads TOML over the given defaults. `source` names the text in errors ("server.toml"). Codes: config-syntax,
// config-key, config-value, config-address.
template <typename Config>
base::Result<Config> ParseConfig(std::string_view text, std::string_view source,
                                 std::span<const ConfigKey<Config>> keys, std::string_view page,
                                 Config config) {
  const auto [file, trouble] = encoding::ParseToml(text);
  if (trouble) {
    return AtLine(source, trouble->line,
                  base::MakeError(base::ErrorKind::kInvalid, "config-syntax", trouble->why));
  }
  for (const auto& [name, node] : file) {
    const std::string_view table_name = name.str();
    const toml::table* const table = node.as_table();
    const bool known =
        std::any_of(keys.begin(), keys.end(), [&](const auto& k) { return k.table == table_name; });
    if (table == nullptr || !known) {
      BLINDAI_RETURN_IF_ERROR(TakeKey(config, keys, page, source, "", table_name, node));
      continue;
    }
    for (const auto& [inner_name, inner] : *table) {
      BLINDAI_RETURN_IF_ERROR(TakeKey(config, keys, page, source, table_name, inner_name.str(), inner));
    }
  }
  return config;
}

// The file's text. Code: config-file (it cannot be read, or is larger than 1 MiB).
base::Result<std::string> ReadConfigFile(const std::string& path);

}  // namespace blindai::program
