#include "service/accounts/session_keys.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "crypto/aead.h"
#include "crypto/hkdf.h"
#include "crypto/random.h"

namespace blindai::accounts {
namespace {

using base::Result;
using base::Status;

constexpr std::string_view kSchema = R"(
CREATE TABLE IF NOT EXISTS session_key (
  signs_from {number} PRIMARY KEY,
  signs_until {number} NOT NULL,
  sealed {bytes} NOT NULL
);
)";
constexpr std::string_view kLabel = "blindai directory session key v1";

// The last token of a period is made in its last second.
constexpr std::chrono::seconds kVerifiesLonger = kMaxSessionLife + kSessionClockSkew;

}  // namespace

struct SessionKeys::Held {
  base::Time signs_from;
  base::Time signs_until;
  std::string kid;
  crypto::SigningKey key;
};

SessionKeys::SessionKeys(std::shared_ptr<Database> database, base::SecretBytes secret,
                         const SessionKeyOptions& options)
    : database_(std::move(database)), secret_(std::move(secret)), options_(options) {}
SessionKeys::~SessionKeys() = default;

Result<std::unique_ptr<SessionKeys>> SessionKeys::Open(std::shared_ptr<Database> database,
                                                       base::SecretBytes secret,
                                                       const SessionKeyOptions& options, base::Time now) {
  BLINDAI_CHECK(secret.size() == kSessionSecretBytes);
  BLINDAI_CHECK(options.publish_ahead < options.rotate_every);
  BLINDAI_RETURN_IF_ERROR(database->CreateTables(kSchema));
  std::unique_ptr<SessionKeys> keys(new SessionKeys(std::move(database), std::move(secret), options));
  BLINDAI_RETURN_IF_ERROR(keys->Refresh(now));
  return keys;
}

// Each period has a sealing key of its own, so that a key cannot be moved to another period.
base::SecretBytes SessionKeys::SealingKey(base::Time from) const {
  const std::string salt = std::to_string(from.time_since_epoch().count());
  return crypto::Hkdf(crypto::HashAlgorithm::kSha256, secret_.ExposeSecret(), base::AsBytes(salt),
                      base::AsBytes(kLabel), crypto::kAeadKeyBytes);
}

Status SessionKeys::MakeIfMissing(base::Time from) {
  const Value begin = TimeValue(from);
  BLINDAI_TRY(const Rows there,
              database_->Run("SELECT signs_from FROM session_key WHERE signs_from = $1", {begin}));
  if (there.size() == 1) return base::Ok();
  const base::SecretBytes pem = crypto::SigningKey::GenerateP256().ToPem();
  // Random, and stored in front: two directories may seal a key for the same period at the same time.
  const auto nonce = crypto::RandomFixed<crypto::AeadNonce>();
  base::Bytes sealed = base::CopyBytes(nonce.view());
  const base::Bytes body =
      crypto::AeadSeal(SealingKey(from), nonce, pem.ExposeSecret(), base::AsBytes(kLabel));
  sealed.insert(sealed.end(), body.begin(), body.end());
  BLINDAI_RETURN_IF_ERROR(database_->Run(
      "INSERT INTO session_key (signs_from, signs_until, sealed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
      {begin, TimeValue(from + options_.rotate_every), sealed}));
  return base::Ok();
}

Result<SessionKeys::Held> SessionKeys::Unseal(const Rows& rows, std::size_t row) const {
  const base::Time from = rows.Moment(row, 0);
  const base::ByteView sealed = rows.Blob(row, 2);
  const auto refuse = [] {
    return base::MakeError(
        base::ErrorKind::kUnavailable, "session-secret",
        "the session keys of the database were sealed with another secret: all directories of one "
        "database have the same one");
  };
  crypto::AeadNonce nonce;
  if (sealed.size() < nonce.bytes.size()) return refuse();
  std::copy_n(sealed.begin(), nonce.bytes.size(), nonce.bytes.begin());
  const auto pem =
      crypto::AeadOpen(SealingKey(from), nonce, sealed.subspan(nonce.bytes.size()), base::AsBytes(kLabel));
  if (!pem.ok()) return refuse();
  BLINDAI_TRY(crypto::SigningKey key, crypto::SigningKey::FromPem(*pem));
  if (key.kind() != crypto::KeyKind::kP256) return refuse();
  std::string kid = KeyThumbprint(key.public_key());
  return Held{from, rows.Moment(row, 1), std::move(kid), std::move(key)};
}

Status SessionKeys::Refresh(base::Time now) {
  const auto period = options_.rotate_every;
  const base::Time current(now.time_since_epoch() / period * period);
  BLINDAI_RETURN_IF_ERROR(MakeIfMissing(current));
  if (now + options_.publish_ahead >= current + period)
    BLINDAI_RETURN_IF_ERROR(MakeIfMissing(current + period));
  BLINDAI_RETURN_IF_ERROR(
      database_->Run("DELETE FROM session_key WHERE signs_until <= $1", {TimeValue(now - kVerifiesLonger)}));
  BLINDAI_TRY(const Rows rows,
              database_->Run("SELECT signs_from, signs_until, sealed FROM session_key ORDER BY signs_from"));
  std::vector<Held> held;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    BLINDAI_TRY(Held key, Unseal(rows, i));
    held.push_back(std::move(key));
  }
  const std::lock_guard lock(mutex_);
  held_ = std::move(held);
  return base::Ok();
}

Result<std::string> SessionKeys::MakeToken(const SessionClaims& claims, base::Time now) const {
  const std::lock_guard lock(mutex_);
  // The newest that has begun; two can overlap when the operator changed the period.
  const auto key = std::find_if(held_.rbegin(), held_.rend(),
                                [now](const Held& k) { return k.signs_from <= now && now < k.signs_until; });
  if (key == held_.rend()) {
    return base::MakeError(
        base::ErrorKind::kUnavailable, "session-key",
        "the directory has no key for sessions now; its operator must look at its database");
  }
  return MakeSessionToken(claims, key->kid, key->key);
}

std::vector<JsonWebKey> SessionKeys::Keys() const {
  const std::lock_guard lock(mutex_);
  std::vector<JsonWebKey> keys;
  for (const Held& key : held_) keys.push_back({key.kid, key.key.public_key()});
  return keys;
}

std::string SessionKeys::Jwks() const { return EncodeJwks(Keys()); }

}  // namespace blindai::accounts
