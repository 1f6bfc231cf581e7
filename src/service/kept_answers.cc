#include "service/kept_answers.h"

#include <algorithm>
#include <list>
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

constexpr std::size_t kIdBytes = 32;

struct TwoSecrets {
  SecretBytes first;
  SecretBytes second;
};

// One derivation for both, because every request needs two of these.
TwoSecrets DeriveTwo(const SecretBytes& secret, ByteView salt, std::string_view purpose,
                     std::size_t first_bytes, std::size_t second_bytes) {
  const SecretBytes both = crypto::Hkdf(crypto::HashAlgorithm::kSha256, secret.ExposeSecret(), salt,
                                        base::AsBytes(purpose), first_bytes + second_bytes);
  const ByteView bytes = both.ExposeSecret();
  return {.first = SecretBytes::CopyOf(bytes.first(first_bytes)),
          .second = SecretBytes::CopyOf(bytes.subspan(first_bytes))};
}

// The check and the sealing key of a request's answer, for one salt. The sealing key seals one answer only, because
// every answer has a salt of its own, so that its nonce is a constant.
TwoSecrets CheckAndSealingKey(const SecretBytes& key, const crypto::GmacTag& request, ByteView salt) {
  base::ByteWriter writer;
  writer.Append(request.bytes).Append(key.ExposeSecret());
  return DeriveTwo(SecretBytes(std::move(writer).Take()), salt, "blindai kept answer", kCheckBytes,
                   crypto::kAeadKeyBytes);
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

// A tenant's answers. They are all kept equally long, so the oldest ends first.
struct Shelf {
  std::list<std::string> oldest_first;
  std::size_t bytes = 0;
};

bool IsKey(std::string_view key) {
  return key.size() >= kMinIdempotencyKeyBytes && key.size() <= kMaxIdempotencyKeyBytes &&
         std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

struct KeptAnswers::Turn::State {
  explicit State(KeptLimits kept) : limits(std::move(kept)) {}

  // Whether there is room for one more answer, of a tenant and in all.
  bool HasRoom(const Shelf& shelf, std::size_t size) const {
    return answers < limits.answers && shelf.oldest_first.size() < limits.answers_per_tenant &&
           bytes + size <= limits.bytes && shelf.bytes + size <= limits.bytes_per_tenant;
  }
  // False: the tenant has none to give up.
  bool ForgetOldest(Shelf& shelf) {
    const auto oldest = std::ranges::find_if(shelf.oldest_first,
                                             [&](const std::string& id) { return !entries.at(id).has_turn; });
    if (oldest == shelf.oldest_first.end()) return false;
    Erase(shelf, oldest);
    return true;
  }
  void ForgetExpired() {
    const base::Time now = limits.now();
    for (auto& [tenant, shelf] : shelves) {
      for (auto at = shelf.oldest_first.begin(); at != shelf.oldest_first.end();) {
        const Entry& entry = entries.at(*at);
        if (entry.ends > now) break;
        at = entry.has_turn ? std::next(at) : Erase(shelf, at);
      }
    }
    std::erase_if(shelves, [](const auto& shelf) { return shelf.second.oldest_first.empty(); });
  }
  void Put(Entry& entry, const std::string& id, base::Bytes sealed) {
    Shelf& shelf = shelves[entry.tenant];
    while (!HasRoom(shelf, sealed.size())) {
      if (!ForgetOldest(shelf)) return;
    }
    ++answers;
    bytes += sealed.size();
    shelf.bytes += sealed.size();
    shelf.oldest_first.push_back(id);
    entry.sealed = std::move(sealed);
    entry.ends = limits.now() + limits.kept_for;
    entry.has_answer = true;
  }

  const KeptLimits limits;
  const SecretBytes salt = crypto::RandomSecret(kSaltBytes);  // of the names below
  std::mutex mutex;
  std::map<std::string, Entry> entries;    // those with a turn or an answer
  std::map<std::uint64_t, Shelf> shelves;  // the answers by tenant
  std::size_t answers = 0;
  std::size_t bytes = 0;

 private:
  std::list<std::string>::iterator Erase(Shelf& shelf, std::list<std::string>::iterator at) {
    const auto entry = entries.find(*at);
    --answers;
    bytes -= entry->second.sealed.size();
    shelf.bytes -= entry->second.sealed.size();
    entries.erase(entry);
    return shelf.oldest_first.erase(at);
  }
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
  const TwoSecrets derived = DeriveTwo(named, state_->salt.ExposeSecret(), "blindai kept answer id", kIdBytes,
                                       crypto::kAeadKeyBytes);
  std::string id(base::AsText(derived.first.ExposeSecret()));

  const std::lock_guard lock(state_->mutex);
  state_->ForgetExpired();
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
  return std::unique_ptr<Turn>(new Turn(state_, std::move(id), key, derived.second, has_answer));
}

void KeptAnswers::DeleteExpired() {
  const std::lock_guard lock(state_->mutex);
  state_->ForgetExpired();
}

std::size_t KeptAnswers::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->entries.size();
}

KeptAnswers::Turn::Turn(std::shared_ptr<State> state, std::string id, std::string_view key,
                        const SecretBytes& tag_key, bool has_answer)
    : state_(std::move(state)),
      id_(std::move(id)),
      key_(SecretBytes::CopyOf(base::AsBytes(key))),
      has_answer_(has_answer),
      request_(tag_key) {}

KeptAnswers::Turn::~Turn() {
  const std::lock_guard lock(state_->mutex);
  const auto entry = state_->entries.find(id_);
  entry->second.has_turn = false;
  if (!entry->second.has_answer) state_->entries.erase(entry);
}

void KeptAnswers::Turn::TakeRequest(ByteView bytes) { request_.Update(bytes); }

Result<SecretBytes> KeptAnswers::Turn::Answer() {
  const crypto::GmacTag request = request_.Finish();
  const std::lock_guard lock(state_->mutex);
  const Entry& entry = state_->entries.at(id_);
  const TwoSecrets secrets = CheckAndSealingKey(key_, request, entry.salt);
  if (!base::ConstantTimeEqual(secrets.first.ExposeSecret(), entry.check)) {
    return MakeError(ErrorKind::kConflict, "idempotency-key-reused",
                     "another request had this Idempotency-Key; every request needs a key of its own",
                     "Idempotency-Key");
  }
  return crypto::AeadOpen(secrets.second, crypto::AeadNonce{}, entry.sealed, base::AsBytes(id_));
}

void KeptAnswers::Turn::Keep(ByteView answer) {
  if (answer.size() > state_->limits.bytes_per_tenant - crypto::kAeadTagBytes) return;
  base::Bytes salt = crypto::RandomBytes(kSaltBytes);
  const TwoSecrets secrets = CheckAndSealingKey(key_, request_.Finish(), salt);
  base::Bytes sealed = crypto::AeadSeal(secrets.second, crypto::AeadNonce{}, answer, base::AsBytes(id_));
  const std::lock_guard lock(state_->mutex);
  Entry& entry = state_->entries.at(id_);
  entry.salt = std::move(salt);
  entry.check = base::CopyBytes(secrets.first.ExposeSecret());
  state_->Put(entry, id_, std::move(sealed));
}

}  // namespace blindai::service
