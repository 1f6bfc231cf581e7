#include "server/keys_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "base/clock.h"
#include "service/accounts/api_keys.h"

namespace blindai::server {
namespace {

using accounts::ApiKeys;
using base::Status;

constexpr int kExitUsage = 2;

struct KeysOptions {
  std::string database;
  std::string tenant;
  std::string scopes = "upload,run";
  std::string expires;
  std::string id;
};

Status Create(const KeysOptions& options) {
  BLINDAI_TRY(const auto api_keys, ApiKeys::Open(options.database));
  BLINDAI_TRY(const accounts::Scopes scopes, accounts::ParseScopes(options.scopes));
  std::optional<base::Time> expires;
  if (!options.expires.empty()) {
    BLINDAI_TRY(expires, base::ParseTime(options.expires).Within("--expires"));
  }
  BLINDAI_TRY(const accounts::NewKey made, api_keys->CreateKey(options.tenant, scopes, expires, base::Now()));
  fmt::print(stderr, "key {} for tenant {}, scopes {}, {}; it is shown this once:\n", made.info.id,
             made.info.tenant, accounts::ScopesText(made.info.scopes),
             made.info.expires ? "valid until " + base::FormatTime(*made.info.expires)
                               : "valid until it is revoked");
  const base::ByteView key = made.key.ExposeSecret();
  std::fwrite(key.data(), 1, key.size(), stdout);
  std::fputc('\n', stdout);
  return base::Ok();
}

std::string StateOf(const accounts::KeyInfo& key, base::Time now) {
  if (key.revoked) return "revoked " + base::FormatTime(*key.revoked);
  if (!key.expires) return "valid";
  return (*key.expires <= now ? "expired " : "valid until ") + base::FormatTime(*key.expires);
}

Status List(const KeysOptions& options) {
  BLINDAI_TRY(const auto api_keys, ApiKeys::Open(options.database));
  BLINDAI_TRY(const auto keys, api_keys->ListKeys());
  fmt::print("{:<10}{:<24}{:<18}{:<22}{}\n", "ID", "TENANT", "SCOPES", "CREATED", "STATE");
  for (const accounts::KeyInfo& key : keys) {
    fmt::print("{:<10}{:<24}{:<18}{:<22}{}\n", key.id, key.tenant, accounts::ScopesText(key.scopes),
               base::FormatTime(key.created), StateOf(key, base::Now()));
  }
  return base::Ok();
}

Status Revoke(const KeysOptions& options) {
  BLINDAI_TRY(const auto api_keys, ApiKeys::Open(options.database));
  BLINDAI_RETURN_IF_ERROR(api_keys->RevokeKey(options.id, base::Now()));
  fmt::print(stderr, "key {} is revoked; running servers refuse it from now on\n", options.id);
  return base::Ok();
}

}  // namespace

int RunKeysCommand(int argc, const char* const* argv) {
  CLI::App app{"blindai-server keys: makes, lists and revokes API keys", "blindai-server keys"};
  app.require_subcommand(1);
  KeysOptions options;
  Status (*chosen)(const KeysOptions&) = nullptr;
  const auto add = [&](const char* name, const char* what, Status (*run)(const KeysOptions&)) {
    CLI::App* command = app.add_subcommand(name, what);
    command->add_option("--database", options.database, "The file that accounts.database names")->required();
    command->callback([&chosen, run] { chosen = run; });
    return command;
  };
  CLI::App* create = add("create", "Make a key and print it once", Create);
  create->add_option("--tenant", options.tenant, "Whose key: letters, digits, '.', '_', '-'")->required();
  create->add_option("--scopes", options.scopes,
                     "Out of upload, run, server and admin, separated by commas (upload,run)");
  create->add_option("--expires", options.expires, "When it ends, as in 2027-01-01 or 2027-01-01T12:00:00Z");
  add("list", "Show all keys, without their secrets", List);
  add("revoke", "End a key now", Revoke)
      ->add_option("id", options.id, "The key's id, 8 characters")
      ->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool help = error.get_exit_code() == 0;
    fmt::print(help ? stdout : stderr, "{}\n", help ? app.help() : error.what());
    return help ? 0 : kExitUsage;
  }
  const Status done = chosen(options);
  if (done.ok()) return 0;
  fmt::print(stderr, "blindai-server keys: {}\n", done.error().message);
  return 1;
}

}  // namespace blindai::server
