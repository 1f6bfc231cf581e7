// API keys: who may upload, run and administer, for which tenant, until when. A key is shown once, when it is
// made; the database holds only its SHA-256, which is enough because a key is 256 random bits and cannot be
// guessed from it. Every way in which a key can be wrong (unknown, revoked, expired, misspelt) is one answer
// in the same time.
//
//   key = "bai_" + 8 hex digits (the key's id, to find and revoke it) + "_" + 43 characters (the secret,
//   base64url)
//
// Any thread may call.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "service/accounts/account.h"
#include "service/accounts/database.h"

namespace blindai::accounts {

// What may be shown about a key.
struct KeyInfo {
  std::string id;
  std::string tenant;
  Scopes scopes;
  base::Time created;
  std::optional<base::Time> expires;
  std::optional<base::Time> revoked;
};

struct NewKey {
  KeyInfo info;
  base::SecretBytes key;  // the whole text; never stored
};

class ApiKeys {
 public:
  // Creates the tables that are missing. Code: accounts-open.
  static base::Result<std::unique_ptr<ApiKeys>> Open(std::shared_ptr<Database> database);
  // The same with OpenSqlite.
  static base::Result<std::unique_ptr<ApiKeys>> Open(const std::string& path);

  // Codes: tenant (IsTenantName), scope (none given), accounts (the database failed, as for all of these).
  base::Result<NewKey> CreateKey(std::string_view tenant, const Scopes& scopes,
                                 std::optional<base::Time> expires, base::Time now);
  base::Result<std::vector<KeyInfo>> ListKeys() const;
  // Code: key-not-found.
  base::Status RevokeKey(std::string_view id, base::Time now);

  // The account behind a key. Code: bad-credentials (kUnauthorized), the same for every reason.
  base::Result<Account> Identify(std::string_view key, base::Time now) const;

 private:
  explicit ApiKeys(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  const std::shared_ptr<Database> database_;
};

// The id in a key's text, which is no secret; nothing when the text has not the form of a key.
std::optional<std::string_view> ApiKeyId(std::string_view key);

}  // namespace blindai::accounts
