#include "model/sealed_file.h"

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "crypto/aead.h"
#include "crypto/hkdf.h"
#include "crypto/random.h"

namespace blindai::model {
namespace {

using base::ByteView;
using base::Result;
using base::Status;

constexpr std::string_view kMagic = "blindai sealed 1";
constexpr std::string_view kKeyLabel = "blindai sealed file 1";
constexpr std::size_t kAuthenticHeaderBytes = kSealedHeaderBytes - crypto::kAeadTagBytes;

base::Error NotSealed(std::string why) {
  return base::Malformed("the file is not a sealed file of this version: " + std::move(why),
                         "sealed-file-format");
}

base::Error Damaged() {
  return base::Malformed(
      "the sealed file is damaged, incomplete, another one, or was sealed by another program or platform",
      "sealed-file-damaged");
}

base::SecretBytes FileKey(const base::SecretBytes& key, const SealedSalt& salt,
                          const SealedIdentity& identity, std::uint64_t length) {
  BLINDAI_CHECK(key.size() == kSealingKeyBytes);
  base::ByteWriter info;
  info.Append(kKeyLabel).U8(0);
  for (const std::string* text : {&identity.id, &identity.owner}) {
    info.U32(static_cast<std::uint32_t>(text->size())).Append(*text);
  }
  info.U64(identity.version).U64(length);
  return crypto::Hkdf(crypto::HashAlgorithm::kSha256, key.ExposeSecret(), salt.view(), info.view(),
                      crypto::kAeadKeyBytes);
}

// A key is used for one file only, and a file's chunks are numbered, so no nonce comes twice.
crypto::AeadNonce ChunkNonce(std::uint64_t number, bool is_last) {
  crypto::AeadNonce nonce;
  for (unsigned i = 0; i < 8; ++i) nonce.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  nonce.bytes[11] = is_last ? 1 : 0;
  return nonce;
}
crypto::AeadNonce HeaderNonce() {
  crypto::AeadNonce nonce;
  nonce.bytes.fill(0xFF);
  return nonce;
}

}  // namespace

Result<SealedHeader> ParseSealedHeader(ByteView bytes) {
  base::ByteReader reader(bytes);
  const Result<ByteView> magic = reader.Take("magic", kMagic.size());
  if (!magic.ok() || base::AsText(*magic) != kMagic) return NotSealed("it begins with something else");
  if (bytes.size() != kSealedHeaderBytes) return NotSealed("its header ends early");
  SealedHeader header;
  BLINDAI_TRY(header.chunk_log2, reader.U8("chunk size"));
  BLINDAI_TRY(const ByteView reserved, reader.Take("reserved", 7));
  BLINDAI_TRY(header.length, reader.U64("length"));
  BLINDAI_TRY(header.salt, reader.Fill<SealedSalt>("salt"));
  BLINDAI_TRY(header.tag, reader.Fill<SealedTag>("tag"));
  const bool is_known = header.chunk_log2 >= kMinChunkLog2 && header.chunk_log2 <= kMaxChunkLog2 &&
                        header.length <= kMaxSealedBytes &&
                        std::ranges::all_of(reserved, [](std::uint8_t byte) { return byte == 0; });
  if (!is_known) return NotSealed("its header has values that it cannot have");
  return header;
}

base::Bytes EncodeSealedHeader(const SealedHeader& header) {
  base::ByteWriter writer;
  writer.Append(kMagic).U8(header.chunk_log2).Zeros(7).U64(header.length);
  writer.Append(header.salt.view()).Append(header.tag.view());
  return std::move(writer).Take();
}

std::uint64_t SealedFileBytes(std::uint64_t length, std::uint8_t chunk_log2) {
  const std::uint64_t chunk = std::uint64_t{1} << chunk_log2;
  const std::uint64_t chunks = length == 0 ? 1 : (length - 1) / chunk + 1;
  return kSealedHeaderBytes + length + chunks * crypto::kAeadTagBytes;
}

Result<SealedWriter> SealedWriter::Begin(Write write, const base::SecretBytes& key,
                                         const SealedIdentity& identity, std::uint64_t length,
                                         std::uint8_t chunk_log2) {
  BLINDAI_CHECK(length <= kMaxSealedBytes && chunk_log2 >= kMinChunkLog2 && chunk_log2 <= kMaxChunkLog2);
  SealedHeader header;
  header.chunk_log2 = chunk_log2;
  header.length = length;
  header.salt = crypto::RandomFixed<SealedSalt>();
  base::SecretBytes file_key = FileKey(key, header.salt, identity, length);
  const base::Bytes authentic = EncodeSealedHeader(header);
  const base::Bytes tag =
      crypto::AeadSeal(file_key, HeaderNonce(), {}, ByteView(authentic).first(kAuthenticHeaderBytes));
  std::ranges::copy(tag, header.tag.bytes.begin());
  BLINDAI_RETURN_IF_ERROR(write(EncodeSealedHeader(header)));
  return SealedWriter(std::move(write), std::move(file_key), length, chunk_log2);
}

SealedWriter::SealedWriter(Write write, base::SecretBytes file_key, std::uint64_t length,
                           std::uint8_t chunk_log2)
    : write_(std::move(write)),
      file_key_(std::move(file_key)),
      chunk_(std::size_t{1} << chunk_log2),
      left_(length) {}

Status SealedWriter::WriteChunk(ByteView plaintext, bool is_last) {
  return write_(crypto::AeadSeal(file_key_, ChunkNonce(number_++, is_last), plaintext, {}));
}

Status SealedWriter::Append(ByteView plaintext) {
  BLINDAI_CHECK(plaintext.size() <= left_);
  while (!plaintext.empty()) {
    const std::size_t piece = std::min(plaintext.size(), chunk_.size() - filled_);
    std::copy_n(plaintext.begin(), piece,
                chunk_.ExposeSecretForWriting().begin() + static_cast<std::ptrdiff_t>(filled_));
    filled_ += piece;
    left_ -= piece;
    plaintext = plaintext.subspan(piece);
    // The last chunk waits for Finish, which marks it.
    if (filled_ == chunk_.size() && left_ != 0) {
      BLINDAI_RETURN_IF_ERROR(WriteChunk(chunk_.ExposeSecret(), false));
      filled_ = 0;
    }
  }
  return base::Ok();
}

Status SealedWriter::Finish() {
  BLINDAI_CHECK(left_ == 0);
  return WriteChunk(chunk_.ExposeSecret().first(filled_), true);
}

Result<SealedReader> SealedReader::Open(Read read, const base::SecretBytes& key,
                                        const SealedIdentity& identity) {
  base::Bytes bytes(kSealedHeaderBytes);
  BLINDAI_TRY(const std::size_t got, read(bytes));
  bytes.resize(got);
  BLINDAI_TRY(const SealedHeader header, ParseSealedHeader(bytes));
  base::SecretBytes file_key = FileKey(key, header.salt, identity, header.length);
  const auto authentic = crypto::AeadOpen(file_key, HeaderNonce(), header.tag.view(),
                                          ByteView(bytes).first(kAuthenticHeaderBytes));
  if (!authentic.ok()) return Damaged();
  return SealedReader(std::move(read), std::move(file_key), header);
}

SealedReader::SealedReader(Read read, base::SecretBytes file_key, const SealedHeader& header)
    : read_(std::move(read)),
      file_key_(std::move(file_key)),
      left_(header.length),
      chunk_log2_(header.chunk_log2) {}

Result<base::SecretBytes> SealedReader::Next() {
  if (ended_) return base::SecretBytes();
  const std::uint64_t chunk = std::uint64_t{1} << chunk_log2_;
  const std::size_t size = static_cast<std::size_t>(std::min(left_, chunk));
  const bool is_last = left_ <= chunk;
  base::Bytes sealed(size + crypto::kAeadTagBytes);
  BLINDAI_TRY(const std::size_t got, read_(sealed));
  if (got != sealed.size()) return Damaged();
  auto plaintext = crypto::AeadOpen(file_key_, ChunkNonce(number_++, is_last), sealed, {});
  if (!plaintext.ok()) return Damaged();
  left_ -= size;
  given_ += size;
  if (is_last) {
    std::uint8_t behind = 0;
    BLINDAI_TRY(const std::size_t more, read_(std::span(&behind, 1)));
    if (more != 0) return Damaged();
    ended_ = true;
  }
  return std::move(plaintext).value();
}

}  // namespace blindai::model
