#include "program/keys_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "service/accounts/api_keys.h"
#include "service/accounts/audit_log.h"

namespace blindai::program {
namespace {

using accounts::ApiKeys;
using base::Result;
using base::Status;

constexpr int kExitUsage = 2;
constexpr std::size_t kLogLines = 200;

struct KeysOptions {
  std::string database;
  std::string tenant;
  std::string scopes = "upload,run";
  std::string expires;
  std::string id;
};

struct Opened {
  std::unique_ptr<ApiKeys> keys;
  std::unique_ptr<accounts::AuditLog> audit;

  Status Record(const char* action, std::string subject) const {
    return audit->Record({base::Now(), "operator", action, std::move(subject)});
  }
};

Result<Opened> Open(const OpenDatabase& open, const KeysOptions& options) {
  BLINDAI_TRY(const std::shared_ptr<accounts::Database> database, open(options.database));
  Opened opened;
  BLINDAI_TRY(opened.keys, ApiKeys::Open(database));
  BLINDAI_TRY(opened.audit, accounts::AuditLog::Open(database));
  return opened;
}

Status Create(const Opened& opened, const KeysOptions& options) {
  BLINDAI_TRY(const accounts::Scopes scopes, accounts::ParseScopes(options.scopes));
  std::optional<base::Time> expires;
  if (!options.expires.empty()) {
    BLINDAI_TRY(expires, base::ParseTime(options.expires).Within("--expires"));
  }
  BLINDAI_RETURN_IF_ERROR(
      opened.Record("key-create", options.tenant.substr(0, 64) + " " + accounts::ScopesText(scopes)));
  BLINDAI_TRY(const accounts::NewKey made,
              opened.keys->CreateKey(options.tenant, scopes, expires, base::Now()));
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

Status List(const Opened& opened, const KeysOptions&) {
  BLINDAI_TRY(const auto keys, opened.keys->ListKeys());
  fmt::print("{:<10}{:<24}{:<18}{:<22}{}\n", "ID", "TENANT", "SCOPES", "CREATED", "STATE");
  for (const accounts::KeyInfo& key : keys) {
    fmt::print("{:<10}{:<24}{:<18}{:<22}{}\n", key.id, key.tenant, accounts::ScopesText(key.scopes),
               base::FormatTime(key.created), StateOf(key, base::Now()));
  }
  return base::Ok();
}

Status Revoke(const Opened& opened, const KeysOptions& options) {
  BLINDAI_RETURN_IF_ERROR(opened.Record("key-revoke", options.id.substr(0, 64)));
  BLINDAI_RETURN_IF_ERROR(opened.keys->RevokeKey(options.id, base::Now()));
  fmt::print(stderr, "key {} is revoked; running programs refuse it from now on\n", options.id);
  return base::Ok();
}

Status ShowLog(const Opened& opened, const KeysOptions&) {
  BLINDAI_TRY(const auto lines, opened.audit->Last(kLogLines));
  for (const accounts::AuditLine& line : lines) {
    fmt::print("{}  {:<16}  {}  by {}\n", base::FormatTime(line.time), line.action, line.subject, line.actor);
  }
  return base::Ok();
}

}  // namespace

int RunKeysCommand(const std::string& program, const OpenDatabase& open, int argc, const char* const* argv) {
  CLI::App app{program + " keys: makes, lists and revokes API keys", program + " keys"};
  app.require_subcommand(1);
  KeysOptions options;
  Status (*chosen)(const Opened&, const KeysOptions&) = nullptr;
  const auto add = [&](const char* name, const char* what, Status (*run)(const Opened&, const KeysOptions&)) {
    CLI::App* command = app.add_subcommand(name, what);
    command
        ->add_option("--database", options.database,
                     "The database of accounts, as the configuration names it")
        ->required();
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
  add("log", "Show who changed what, the newest first", ShowLog);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool help = error.get_exit_code() == 0;
    fmt::print(help ? stdout : stderr, "{}\n", help ? app.help() : error.what());
    return help ? 0 : kExitUsage;
  }
  const Result<Opened> opened = Open(open, options);
  const Status done = opened.ok() ? chosen(*opened, options) : Status(opened.error());
  if (done.ok()) return 0;
  fmt::print(stderr, "{} keys: {}\n", program, done.error().message);
  return 1;
}

}  // namespace blindai::program
