// A file that only this program, on this platform, with this identity, can read, and in which every change
// is noticed. The disk and whoever owns it are not trusted: they may change, cut, extend, swap, reorder,
// copy and keep old versions. Format: docs/formats/sealed_file.md. AES-256-GCM by chunk, each nonce the
// chunk's number and whether it is the last (the STREAM construction, Hoang, Reyhanitabar, Rogaway, Vizár
// 2015), under a key of the file's own: HKDF-SHA256 of the store's key, a random salt, and what the file is
// (id, owner, version, length; the id may be a content's digest, as in model_store.h). A file under another
// name, of another owner or version has another key, so a swap looks like damage.
//
// Names do not stand in the file: who opens it says which file it must be. An older copy of the *same*
// version of the same file is the same bytes; that this is the newest version is for the index to know
// (model_store.h).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace blindai::model {

inline constexpr std::size_t kSealedHeaderBytes = 80;
inline constexpr std::size_t kSealingKeyBytes = 32;
// Chunks are 2^N bytes.
inline constexpr std::uint8_t kMinChunkLog2 = 6;
inline constexpr std::uint8_t kDefaultChunkLog2 = 16;
inline constexpr std::uint8_t kMaxChunkLog2 = 20;
inline constexpr std::uint64_t kMaxSealedBytes = std::uint64_t{1} << 48;

// What a sealed file is; whoever opens it must say the same.
struct SealedIdentity {
  std::string id;
  std::string owner;
  std::uint64_t version = 0;
};

struct SealedSaltTag {};
using SealedSalt = base::FixedBytes<32, SealedSaltTag>;
struct SealedTagTag {};
using SealedTag = base::FixedBytes<16, SealedTagTag>;

// The first bytes of a file, as they were read: not authenticated yet.
struct SealedHeader {
  std::uint8_t chunk_log2 = kDefaultChunkLog2;
  std::uint64_t length = 0;  // of the plaintext
  SealedSalt salt;
  SealedTag tag;
};
// Pure and strict: one encoding for one header. Code: sealed-file-format (not a sealed file, or of a later format).
base::Result<SealedHeader> ParseSealedHeader(base::ByteView bytes);
base::Bytes EncodeSealedHeader(const SealedHeader& header);

// The size of the whole file.
std::uint64_t SealedFileBytes(std::uint64_t length, std::uint8_t chunk_log2 = kDefaultChunkLog2);

// Writes plaintext of a length that is known beforehand. `write` takes the file's bytes in order; its errors end the
// writing.
class SealedWriter {
 public:
  using Write = std::function<base::Status(base::ByteView)>;

  // The key has kSealingKeyBytes (CHECK).
  static base::Result<SealedWriter> Begin(Write write, const base::SecretBytes& key,
                                          const SealedIdentity& identity, std::uint64_t length,
                                          std::uint8_t chunk_log2 = kDefaultChunkLog2);
  // In pieces of any size; more than `length` altogether is a broken promise (CHECK).
  base::Status Append(base::ByteView plaintext);
  // Everything has been appended (CHECK).
  base::Status Finish();

 private:
  SealedWriter(Write write, base::SecretBytes file_key, std::uint64_t length, std::uint8_t chunk_log2);
  base::Status WriteChunk(base::ByteView plaintext, bool is_last);

  Write write_;
  base::SecretBytes file_key_;
  base::SecretBytes chunk_;  // plaintext that waits to be a whole chunk
  std::size_t filled_ = 0;
  std::uint64_t left_;  // plaintext that has not been appended yet
  std::uint64_t number_ = 0;
};

// Reads it back. Codes: sealed-file-format, sealed-file-damaged (changed, cut, extended, another file's, or sealed
// under another key), and those of `read`.
class SealedReader {
 public:
  // Fills the span as far as the file goes: fewer bytes only at its end.
  using Read = std::function<base::Result<std::size_t>(std::span<std::uint8_t>)>;

  static base::Result<SealedReader> Open(Read read, const base::SecretBytes& key,
                                         const SealedIdentity& identity);
  std::uint64_t length() const { return left_ + given_; }
  // The next authentic plaintext; empty once the whole file has been read and found complete. What came before an error
  // was authentic too, but is not the whole: use nothing before the end was reached.
  base::Result<base::SecretBytes> Next();

 private:
  SealedReader(Read read, base::SecretBytes file_key, const SealedHeader& header);

  Read read_;
  base::SecretBytes file_key_;
  std::uint64_t left_;
  std::uint64_t given_ = 0;
  std::uint8_t chunk_log2_;
  std::uint64_t number_ = 0;
  bool ended_ = false;
};

}  // namespace blindai::model
