#include "service/accounts/api_keys.h"

#include <utility>

#include "crypto/digest.h"
#include "crypto/random.h"
#include "encoding/base64.h"
#include "encoding/hex.h"

namespace blindai::accounts {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;

constexpr std::string_view kPrefix = "bai_";
constexpr std::size_t kIdLength = 8;
constexpr std::size_t kSecretLength = 43;
constexpr std::size_t kKeyLength = kPrefix.size() + kIdLength + 1 + kSecretLength;

constexpr std::string_view kSchema = R"(
CREATE TABLE IF NOT EXISTS tenant (
  number {identity},
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS api_key (
  id TEXT PRIMARY KEY,
  tenant {number} NOT NULL REFERENCES tenant(number),
  sha256 {bytes} NOT NULL,
  scopes TEXT NOT NULL,
  created {number} NOT NULL,
  expires {number},
  revoked {number}
);
)";

std::optional<base::Time> OptionalMoment(const Rows& rows, std::size_t row, std::size_t column) {
  if (rows.IsNull(row, column)) return std::nullopt;
  return rows.Moment(row, column);
}

Value OptionalTime(std::optional<base::Time> time) { return time ? TimeValue(*time) : Value(); }

base::Error BadCredentials() {
  return MakeError(
      ErrorKind::kUnauthorized, "bad-credentials",
      "the API key is not valid here: unknown, revoked or expired; ask the operator for a new one");
}

}  // namespace

Result<std::unique_ptr<ApiKeys>> ApiKeys::Open(std::shared_ptr<Database> database) {
  BLINDAI_RETURN_IF_ERROR(database->CreateTables(kSchema));
  return std::unique_ptr<ApiKeys>(new ApiKeys(std::move(database)));
}

Result<std::unique_ptr<ApiKeys>> ApiKeys::Open(const std::string& path) {
  BLINDAI_TRY(std::shared_ptr<Database> database, OpenSqlite(path));
  return Open(std::move(database)).Within(path);
}

Result<NewKey> ApiKeys::CreateKey(std::string_view tenant, const Scopes& scopes,
                                  std::optional<base::Time> expires, base::Time now) {
  if (!IsTenantName(tenant)) {
    return MakeError(
        ErrorKind::kInvalid, "tenant",
        "wanted a tenant's name of 1 to 64 letters, digits, '.', '_' or '-', other than anonymous", "tenant");
  }
  BLINDAI_TRY(const Scopes checked, ParseScopes(ScopesText(scopes)));
  const std::string id = encoding::HexEncode(crypto::RandomBytes(kIdLength / 2));
  std::string text = std::string(kPrefix) + id + "_" + encoding::Base64UrlEncode(crypto::RandomBytes(32));
  base::SecretBytes key = base::SecretBytes::CopyOf(base::AsBytes(text));
  base::Wipe(text.data(), text.size());
  const crypto::Sha256Digest digest = crypto::Sha256(key.ExposeSecret());

  const std::string name(tenant);
  BLINDAI_RETURN_IF_ERROR(
      database_->Run("INSERT INTO tenant (name) VALUES ($1) ON CONFLICT DO NOTHING", {name}));
  BLINDAI_TRY(const Rows inserted,
              database_->Run("INSERT INTO api_key (id, tenant, sha256, scopes, created, expires) "
                             "SELECT $1, number, $2, $3, $4, $5 FROM tenant WHERE name = $6",
                             {id, base::CopyBytes(digest.view()), ScopesText(checked), TimeValue(now),
                              OptionalTime(expires), name}));
  if (inserted.changed() != 1) return DatabaseError();
  return NewKey{KeyInfo{id, name, checked, now, expires, std::nullopt}, std::move(key)};
}

Result<std::vector<KeyInfo>> ApiKeys::ListKeys() const {
  BLINDAI_TRY(const Rows rows,
              database_->Run("SELECT id, name, scopes, created, expires, revoked FROM api_key "
                             "JOIN tenant ON tenant = number ORDER BY created, id"));
  std::vector<KeyInfo> keys;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    BLINDAI_TRY(const Scopes scopes, ParseScopes(rows.Text(i, 2)));
    keys.push_back(KeyInfo{rows.Text(i, 0), rows.Text(i, 1), scopes, rows.Moment(i, 3),
                           OptionalMoment(rows, i, 4), OptionalMoment(rows, i, 5)});
  }
  return keys;
}

Status ApiKeys::RevokeKey(std::string_view id, base::Time now) {
  BLINDAI_TRY(const Rows rows,
              database_->Run("UPDATE api_key SET revoked = $1 WHERE id = $2 AND revoked IS NULL",
                             {TimeValue(now), std::string(id)}));
  if (rows.changed() == 1) return base::Ok();
  return MakeError(ErrorKind::kNotFound, "key-not-found",
                   "no key with this id is valid here; 'keys list' shows them", "id");
}

Result<Account> ApiKeys::Identify(std::string_view key, base::Time now) const {
  // A key that is not even well formed takes the same way, with an id that nobody has.
  const std::optional<std::string_view> id = ApiKeyId(key);
  const crypto::Sha256Digest digest = crypto::Sha256(base::AsBytes(key));
  BLINDAI_TRY(const Rows rows,
              database_->Run("SELECT sha256, scopes, expires, revoked, name, number FROM api_key "
                             "JOIN tenant ON tenant = number WHERE id = $1",
                             {std::string(id.value_or("--------"))}));
  const bool found = rows.size() == 1;
  const base::Bytes stored = found ? rows.Blob(0, 0) : base::Bytes(crypto::Sha256Digest::kSize);
  const bool equal = base::ConstantTimeEqual(stored, digest.view());
  if (!found || !equal || !id) return BadCredentials();
  const std::optional<base::Time> expires = OptionalMoment(rows, 0, 2);
  if (!rows.IsNull(0, 3) || (expires && *expires <= now)) return BadCredentials();
  BLINDAI_TRY(const Scopes scopes, ParseScopes(rows.Text(0, 1)));
  return Account{rows.Text(0, 4), static_cast<std::uint64_t>(rows.Number(0, 5)), scopes};
}

std::optional<std::string_view> ApiKeyId(std::string_view key) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (key.size() != kKeyLength || !key.starts_with(kPrefix) || key[kPrefix.size() + kIdLength] != '_') {
    return std::nullopt;
  }
  const std::string_view id = key.substr(kPrefix.size(), kIdLength);
  if (id.find_first_not_of(kHex) != std::string_view::npos) return std::nullopt;
  return id;
}

}  // namespace blindai::accounts
