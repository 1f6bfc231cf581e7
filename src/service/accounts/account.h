// Whose credential a request carries, and what it allows: what an API key (api_keys.h) and a session token
// (session_token.h) have in common. What a request may then do is decided elsewhere (service/caller.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace blindai::accounts {

struct Scopes {
  bool upload = false;
  bool run = false;
  bool server = false;  // an inference server that reports to a directory
  bool admin = false;
  friend bool operator==(const Scopes&, const Scopes&) = default;
};

// "upload,run"; the order is fixed.
std::string ScopesText(const Scopes& scopes, char separator = ',');
// Words separated by commas, at least one. Code: scope.
base::Result<Scopes> ParseScopes(std::string_view text);

// A tenant's name is a word as of a model's owner: letters, digits, '.', '_', '-', at most 64, and not "anonymous".
bool IsTenantName(std::string_view name);

struct Account {
  std::string tenant;
  // From 1; two tenants of one database never share it.
  std::uint64_t number = 0;
  Scopes scopes;
  friend bool operator==(const Account&, const Account&) = default;
};

}  // namespace blindai::accounts
