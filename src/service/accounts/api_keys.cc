#include "service/accounts/api_keys.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
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

constexpr const char* kSchema = R"(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
CREATE TABLE IF NOT EXISTS tenant (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE IF NOT EXISTS api_key (
  id TEXT PRIMARY KEY,
  tenant INTEGER NOT NULL REFERENCES tenant(number),
  sha256 BLOB NOT NULL,
  scopes TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER,
  revoked INTEGER
) STRICT;
)";

base::Error DatabaseError() {
  return MakeError(ErrorKind::kInternal, "accounts",
                   "the accounts database failed; the server's operator must look at it");
}

// A prepared statement; parameters are bound, never pasted into the text.
class Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    if (sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK) statement_ = nullptr;
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Text(int index, std::string_view text) {
    if (ok())
      sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& Blob(int index, base::ByteView bytes) {
    if (ok())
      sqlite3_bind_blob(statement_, index, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& Number(int index, std::int64_t value) {
    if (ok()) sqlite3_bind_int64(statement_, index, value);
    return *this;
  }
  Statement& Moment(int index, std::optional<base::Time> time) {
    return time ? Number(index, time->time_since_epoch().count()) : *this;  // unbound is NULL
  }

  // SQLITE_ROW, SQLITE_DONE or an error.
  int Step() { return ok() ? sqlite3_step(statement_) : SQLITE_ERROR; }

  std::string TextAt(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return text == nullptr
               ? ""
               : std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }
  base::Bytes BlobAt(int column) const {
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes == nullptr ? base::Bytes() : base::Bytes(bytes, bytes + size);
  }
  std::int64_t NumberAt(int column) const { return sqlite3_column_int64(statement_, column); }
  std::optional<base::Time> MomentAt(int column) const {
    if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
    return base::Time(std::chrono::seconds(NumberAt(column)));
  }

 private:
  bool ok() const { return statement_ != nullptr; }
  sqlite3_stmt* statement_ = nullptr;
};

base::Error BadCredentials() {
  return MakeError(
      ErrorKind::kUnauthorized, "bad-credentials",
      "the API key is not valid here: unknown, revoked or expired; ask the operator for a new one");
}

}  // namespace

Result<std::unique_ptr<ApiKeys>> ApiKeys::Open(const std::string& path) {
  sqlite3* database = nullptr;
  const int opened = sqlite3_open_v2(
      path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  auto accounts = std::unique_ptr<ApiKeys>(new ApiKeys(database));
  if (opened != SQLITE_OK || sqlite3_exec(database, kSchema, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return MakeError(ErrorKind::kUnavailable, "accounts-open",
                     "the accounts database cannot be opened, or is none of ours: " + path);
  }
  // Another process (blindai-server keys …) may be writing: wait for it instead of failing.
  sqlite3_busy_timeout(database, 5000);
  return accounts;
}

ApiKeys::~ApiKeys() { sqlite3_close(database_); }

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

  const std::lock_guard lock(mutex_);
  if (Statement(database_, "INSERT INTO tenant (name) VALUES (?) ON CONFLICT DO NOTHING")
          .Text(1, tenant)
          .Step() != SQLITE_DONE) {
    return DatabaseError();
  }
  Statement insert(database_,
                   "INSERT INTO api_key (id, tenant, sha256, scopes, created, expires) "
                   "SELECT ?, number, ?, ?, ?, ? FROM tenant WHERE name = ?");
  insert.Text(1, id)
      .Blob(2, digest.view())
      .Text(3, ScopesText(checked))
      .Moment(4, now)
      .Moment(5, expires)
      .Text(6, tenant);
  if (insert.Step() != SQLITE_DONE || sqlite3_changes(database_) != 1) return DatabaseError();
  return NewKey{KeyInfo{id, std::string(tenant), checked, now, expires, std::nullopt}, std::move(key)};
}

Result<std::vector<KeyInfo>> ApiKeys::ListKeys() const {
  const std::lock_guard lock(mutex_);
  Statement select(
      database_,
      "SELECT id, name, scopes, created, expires, revoked FROM api_key JOIN tenant ON tenant = number "
      "ORDER BY created, id");
  std::vector<KeyInfo> keys;
  int step = select.Step();
  for (; step == SQLITE_ROW; step = select.Step()) {
    BLINDAI_TRY(const Scopes scopes, ParseScopes(select.TextAt(2)));
    keys.push_back(KeyInfo{select.TextAt(0), select.TextAt(1), scopes,
                           select.MomentAt(3).value_or(base::Time{}), select.MomentAt(4),
                           select.MomentAt(5)});
  }
  if (step != SQLITE_DONE) return DatabaseError();
  return keys;
}

Status ApiKeys::RevokeKey(std::string_view id, base::Time now) {
  const std::lock_guard lock(mutex_);
  Statement update(database_, "UPDATE api_key SET revoked = ? WHERE id = ? AND revoked IS NULL");
  if (update.Moment(1, now).Text(2, id).Step() != SQLITE_DONE) return DatabaseError();
  if (sqlite3_changes(database_) == 1) return base::Ok();
  return MakeError(ErrorKind::kNotFound, "key-not-found",
                   "no key with this id is valid here; 'keys list' shows them", "id");
}

Result<Account> ApiKeys::Identify(std::string_view key, base::Time now) const {
  const bool well_formed =
      key.size() == kKeyLength && key.starts_with(kPrefix) && key[kPrefix.size() + kIdLength] == '_';
  // A key that is not even well formed takes the same way, with an id that nobody has.
  const std::string_view id =
      well_formed ? key.substr(kPrefix.size(), kIdLength) : std::string_view("--------");
  const crypto::Sha256Digest digest = crypto::Sha256(base::AsBytes(key));

  const std::lock_guard lock(mutex_);
  Statement select(
      database_,
      "SELECT sha256, scopes, expires, revoked, name, number FROM api_key JOIN tenant ON tenant = number "
      "WHERE id = ?");
  const int step = select.Text(1, id).Step();
  if (step != SQLITE_ROW && step != SQLITE_DONE) return DatabaseError();
  const bool found = step == SQLITE_ROW;
  const base::Bytes stored = found ? select.BlobAt(0) : base::Bytes(crypto::Sha256Digest::kSize);
  const bool equal = base::ConstantTimeEqual(stored, digest.view());
  if (!found || !equal || !well_formed) return BadCredentials();
  const std::optional<base::Time> expires = select.MomentAt(2);
  if (select.MomentAt(3) || (expires && *expires <= now)) return BadCredentials();
  BLINDAI_TRY(const Scopes scopes, ParseScopes(select.TextAt(1)));
  return Account{select.TextAt(4), static_cast<std::uint64_t>(select.NumberAt(5)), scopes};
}

}  // namespace blindai::accounts
