#include "service/kept_answers.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/byte_writer.h"
#include "crypto/aead.h"
#include "crypto/hkdf.h"
#include "crypto/random.h"

namespace blindai::service {
namespace {

using base::ByteView;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::SecretBytes;

constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kCheckBytes = 32;

// What follows from a client's key and its request, for one salt. The sealing key seals one answer only, because every
// answer has a salt of its own, so that its nonce is a constant.
struct Keys {
  SecretBytes check;
  SecretBytes sealing;
};

Keys Derive(const SecretBytes& key, const crypto::Sha256Digest& request, ByteView salt) {
  base::ByteWriter writer;
  writer.Append(request.bytes).Append(key.ExposeSecret());
  const SecretBytes secret(std::move(writer).Take());
  const auto derive = [&](std::string_view purpose, std::size_t size) {
    return crypto::Hkdf(crypto::HashAlgorithm::kSha256, secret.ExposeSecret(), salt, base::AsBytes(purpose),
                        size);
  };
  return {.check = derive("blindai kept answer check", kCheckBytes),
          .sealing = derive("blindai kept answer", crypto::kAeadKeyBytes)};
}

struct Entry {
  std::uint64_t tenant = 0;
  bool has_turn = true;
  bool has_answer = false;
  base::Bytes salt = {};
  base::Bytes check = {};
  base::Bytes sealed = {};
  base::Time ends = {};
};

bool IsKey(std::string_view key) {
  return key.size() >= kMinIdempotencyKeyBytes && key.size() <= kMaxIdempotencyKeyBytes &&
         std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

struct KeptAnswers::Turn::State {
  explicit State(KeptLimits kept) : limits(std::move(kept)) {}

  // Whether there is room for one more answer, of a tenant and in all.
  bool HasRoom(std::uint64_t tenant, std::size_t size) const {
    std::size_t answers = 1, of_tenant = 1, bytes = size, bytes_of_tenant = size;
    for (const auto& [id, entry] : entries) {
      if (!entry.has_answer) continue;
      ++answers;
      bytes += entry.sealed.size();
      if (entry.tenant != tenant) continue;
      ++of_tenant;
      bytes_of_tenant += entry.sealed.size();
    }
    return answers <= limits.answers && of_tenant <= limits.answers_per_tenant && bytes <= limits.bytes &&
           bytes_of_tenant <= limits.bytes_per_tenant;
  }
  // False: the tenant has none to give up.
  bool ForgetOldest(std::uint64_t tenant) {
    auto oldest = entries.end();
    for (auto at = entries.begin(); at != entries.end(); ++at) {
      if (at->second.tenant != tenant || !at->second.has_answer || at->second.has_turn) continue;
      if (oldest == entries.end() || at->second.ends < oldest->second.ends) oldest = at;
    }
    if (oldest == entries.end()) return false;
    entries.erase(oldest);
    return true;
  }
  void Forget() {
    const base::Time now = limits.now();
    std::erase_if(entries,
                  [now](const auto& entry) { return !entry.second.has_turn && entry.second.ends <= now; });
  }

  const KeptLimits limits;
  const SecretBytes salt = crypto::RandomSecret(kSaltBytes);  // of the names below
  std::mutex mutex;
  std::map<std::string, Entry> entries;
};

KeptAnswers::KeptAnswers(KeptLimits limits) : state_(std::make_shared<Turn::State>(std::move(limits))) {}
KeptAnswers::~KeptAnswers() = default;

Result<std::unique_ptr<KeptAnswers::Turn>> KeptAnswers::Begin(const Caller& caller, std::string_view key) {
  if (!IsKey(key)) {
    return MakeError(ErrorKind::kInvalid, "idempotency-key",
                     "Idempotency-Key must be 16 to 255 visible characters, such as a random UUID",
                     "Idempotency-Key");
  }
  base::ByteWriter name;
  name.U64(caller.number).U64(caller.tenant.size()).Append(caller.tenant).Append(key);
  const SecretBytes named(std::move(name).Take());
  const SecretBytes hashed =
      crypto::Hkdf(crypto::HashAlgorithm::kSha256, named.ExposeSecret(), state_->salt.ExposeSecret(),
                   base::AsBytes("blindai kept answer id"), crypto::kAeadKeyBytes);
  std::string id(base::AsText(hashed.ExposeSecret()));

  const std::lock_guard lock(state_->mutex);
  state_->Forget();
  const auto found = state_->entries.find(id);
  if (found == state_->entries.end()) {
    state_->entries.emplace(id, Entry{.tenant = caller.number});
  } else if (found->second.has_turn) {
    return MakeError(ErrorKind::kConflict, "request-running",
                     "the request with this Idempotency-Key is still computed; ask again for its answer");
  } else {
    found->second.has_turn = true;
  }
  const bool has_answer = found != state_->entries.end() && found->second.has_answer;
  return std::unique_ptr<Turn>(new Turn(state_, std::move(id), key, has_answer));
}

void KeptAnswers::DeleteExpired() {
  const std::lock_guard lock(state_->mutex);
  state_->Forget();
}

std::size_t KeptAnswers::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->entries.size();
}

KeptAnswers::Turn::Turn(std::shared_ptr<State> state, std::string id, std::string_view key, bool has_answer)
    : state_(std::move(state)),
      id_(std::move(id)),
      key_(SecretBytes::CopyOf(base::AsBytes(key))),
      has_answer_(has_answer) {}

KeptAnswers::Turn::~Turn() {
  const std::lock_guard lock(state_->mutex);
  const auto entry = state_->entries.find(id_);
  entry->second.has_turn = false;
  if (!entry->second.has_answer) state_->entries.erase(entry);
}

void KeptAnswers::Turn::TakeRequest(ByteView bytes) { request_.Update(bytes); }

Result<SecretBytes> KeptAnswers::Turn::Answer() {
  const crypto::Sha256Digest request = request_.Finish();
  const auto reused = [] {
    return MakeError(ErrorKind::kConflict, "idempotency-key-reused",
                     "another request had this Idempotency-Key; every request needs a key of its own",
                     "Idempotency-Key");
  };
  const std::lock_guard lock(state_->mutex);
  const Entry& entry = state_->entries.at(id_);
  const Keys keys = Derive(key_, request, entry.salt);
  if (!base::ConstantTimeEqual(keys.check.ExposeSecret(), entry.check)) return reused();
  return crypto::AeadOpen(keys.sealing, crypto::AeadNonce{}, entry.sealed, base::AsBytes(id_));
}

void KeptAnswers::Turn::Keep(ByteView answer) {
  const base::Bytes salt = crypto::RandomBytes(kSaltBytes);
  const Keys keys = Derive(key_, request_.Finish(), salt);
  const KeptLimits& limits = state_->limits;
  if (answer.size() > limits.bytes_per_tenant - crypto::kAeadTagBytes) return;
  base::Bytes sealed = crypto::AeadSeal(keys.sealing, crypto::AeadNonce{}, answer, base::AsBytes(id_));
  const std::lock_guard lock(state_->mutex);
  Entry& entry = state_->entries.at(id_);
  while (!state_->HasRoom(entry.tenant, sealed.size())) {
    if (!state_->ForgetOldest(entry.tenant)) return;
  }
  entry.sealed = std::move(sealed);
  entry.salt = salt;
  entry.check = base::CopyBytes(keys.check.ExposeSecret());
  entry.ends = limits.now() + limits.kept_for;
  entry.has_answer = true;
}

}  // namespace blindai::service
