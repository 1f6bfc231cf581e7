// Answers that a client may ask for again because they were lost on the way: a request that carries an idempotency key
// is computed once, and the same request with the same key gets the same answer for two minutes.
// https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
//
// An answer is request data, so none is kept that this server could read: it is sealed (AES-256-GCM) under
// a key that follows (HKDF, RFC 5869) from the client's key and from a tag over every byte of the request
// under that key (GMAC). Of both nothing stays here but a random salt and a check; whoever asks again
// brings them. Everything is in memory and bounded, by number and bytes and for each tenant: a tenant's
// oldest answers make room for its newest, and what finds no room is not kept and is computed again when it
// is asked for again. Keys of different tenants never meet.
//
// Any thread may call.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "service/caller.h"

namespace blindai::service {

// Shorter keys are guessed, longer ones are no keys. A UUID has 36.
inline constexpr std::size_t kMinIdempotencyKeyBytes = 16;
inline constexpr std::size_t kMaxIdempotencyKeyBytes = 255;

struct KeptLimits {
  std::size_t answers = 4096;  // of all tenants; those that are still computed do not count
  std::size_t answers_per_tenant = 256;
  std::size_t bytes = std::size_t{64} << 20;
  std::size_t bytes_per_tenant = std::size_t{16} << 20;
  std::chrono::seconds kept_for{120};
  std::function<base::Time()> now = base::Now;
};

class KeptAnswers {
 public:
  explicit KeptAnswers(KeptLimits limits = {});
  ~KeptAnswers();
  KeptAnswers(const KeptAnswers&) = delete;
  KeptAnswers& operator=(const KeptAnswers&) = delete;

  // One request with its key. Nobody else has a turn with the key until this is dropped.
  class Turn {
   public:
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    // The next bytes of what makes the request the same as another.
    void TakeRequest(base::ByteView bytes);
    // Whether an answer is kept under the key, of this request or of another one; it cannot change.
    bool has_answer() const { return has_answer_; }
    // After the whole request. Code: idempotency-key-reused (it was another request).
    base::Result<base::SecretBytes> Answer();
    // Instead: keeps the answer of this request, where there is room.
    void Keep(base::ByteView answer);

   private:
    friend class KeptAnswers;
    struct State;
    Turn(std::shared_ptr<State> state, std::string id, std::string_view key, const base::SecretBytes& tag_key,
         bool has_answer);
    const std::shared_ptr<State> state_;
    const std::string id_;
    const base::SecretBytes key_;
    const bool has_answer_;
    crypto::Gmac request_;
  };

  // Codes: idempotency-key (not of 16 to 255 visible characters), request-running (kConflict).
  base::Result<std::unique_ptr<Turn>> Begin(const Caller& caller, std::string_view key);

  // Forgets what is over; to be called now and then.
  void DeleteExpired();
  std::size_t size() const;

 private:
  const std::shared_ptr<Turn::State> state_;
};

}  // namespace blindai::service
