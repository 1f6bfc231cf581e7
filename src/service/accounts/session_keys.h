// The keys that sign session tokens, with their rotation. They live in the shared database, so that directories accept
// each other's tokens with nothing to copy at each rotation, and they lie there sealed (AES-256-GCM under a key from
// the secret that all directories of one database are given), so that a copy of the database signs nothing. The
// public half is always worked out from the unsealed private one: who can only write to the database cannot slip a key
// of theirs into the published set.
//
// Time is cut into periods of rotate_every. Each has one key, whichever directory makes it first; it is published
// publish_ahead before its period begins, signs during it, and verifies until its last token has ended.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "service/accounts/database.h"
#include "service/accounts/jwks.h"
#include "service/accounts/session_token.h"

namespace blindai::accounts {

inline constexpr std::size_t kSessionSecretBytes = 32;

struct SessionKeyOptions {
  std::chrono::seconds rotate_every{24 * 3600};  // longer than publish_ahead
  std::chrono::seconds publish_ahead{300};
};

class SessionKeys {
 public:
  // The secret has kSessionSecretBytes (CHECK). Codes: accounts-open, and Refresh's.
  static base::Result<std::unique_ptr<SessionKeys>> Open(std::shared_ptr<Database> database,
                                                         base::SecretBytes secret,
                                                         const SessionKeyOptions& options, base::Time now);
  ~SessionKeys();

  // Makes the keys that are due, takes over those that others made, forgets ended ones. To be called about every half
  // minute; until the next success the keys of the last one serve. Codes: accounts, session-secret (the keys were
  // sealed with another secret).
  base::Status Refresh(base::Time now);

  // Code: session-key (kUnavailable; the database failed for so long that no key is left for this time).
  base::Result<std::string> MakeToken(const SessionClaims& claims, base::Time now) const;
  // The published keys, as a key set and as its text.
  std::vector<JsonWebKey> Keys() const;
  std::string Jwks() const;

 private:
  struct Held;
  SessionKeys(std::shared_ptr<Database> database, base::SecretBytes secret, const SessionKeyOptions& options);
  base::Status MakeIfMissing(base::Time from);
  base::Result<Held> Unseal(const Rows& rows, std::size_t row) const;
  base::SecretBytes SealingKey(base::Time from) const;

  const std::shared_ptr<Database> database_;
  const base::SecretBytes secret_;
  const SessionKeyOptions options_;
  mutable std::mutex mutex_;
  std::vector<Held> held_;  // by the beginning of their period
};

}  // namespace blindai::accounts
