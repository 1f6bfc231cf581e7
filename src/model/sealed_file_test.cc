// Every way to tamper with a small file of several chunks is tried, and each must be noticed.
#include "model/sealed_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "crypto/aead.h"
#include "crypto/random.h"

namespace blindai::model {
namespace {

using base::Bytes;
using base::ByteView;
using base::Result;

constexpr std::uint8_t kSmall = kMinChunkLog2;
constexpr std::size_t kChunk = std::size_t{1} << kSmall;
constexpr std::size_t kSealedChunk = kChunk + crypto::kAeadTagBytes;

const base::SecretBytes& Key() {
  static const base::SecretBytes key(Bytes(kSealingKeyBytes, 0x42));
  return key;
}
const SealedIdentity kFile{"hello", "anna", 3};

Bytes Plaintext(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return bytes;
}

Bytes Seal(ByteView plaintext, const SealedIdentity& identity = kFile, std::size_t piece = 13,
           const base::SecretBytes& key = Key(), std::uint8_t chunk_log2 = kSmall) {
  Bytes file;
  const auto write = [&file](ByteView bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return base::Ok();
  };
  auto writer = SealedWriter::Begin(write, key, identity, plaintext.size(), chunk_log2);
  BLINDAI_CHECK(writer.ok());
  while (!plaintext.empty()) {
    const std::size_t now = std::min(piece, plaintext.size());
    BLINDAI_CHECK(writer->Append(plaintext.first(now)).ok());
    plaintext = plaintext.subspan(now);
  }
  BLINDAI_CHECK(writer->Finish().ok());
  return file;
}

// Everything, or the code of the error.
Result<Bytes> Open(ByteView file, const SealedIdentity& identity = kFile,
                   const base::SecretBytes& key = Key()) {
  const auto read = [&file](std::span<std::uint8_t> out) -> Result<std::size_t> {
    const std::size_t now = std::min(out.size(), file.size());
    std::copy_n(file.begin(), now, out.begin());
    file = file.subspan(now);
    return now;
  };
  BLINDAI_TRY(SealedReader reader, SealedReader::Open(read, key, identity));
  Bytes all;
  while (true) {
    BLINDAI_TRY(const base::SecretBytes next, reader.Next());
    if (next.empty()) break;
    const ByteView piece = next.ExposeSecret();
    all.insert(all.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(reader.length(), all.size());
  return all;
}
std::string CodeOf(const Result<Bytes>& opened) { return opened.ok() ? "opened" : opened.error().code; }

TEST(SealedFile, WhatWasSealedComesBackWhateverTheSizes) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1, 3 * kChunk, 3 * kChunk + 5}) {
    for (const std::size_t piece : {std::size_t{1}, kChunk, 5 * kChunk}) {
      const Bytes plaintext = Plaintext(size);
      const Bytes file = Seal(plaintext, kFile, piece);
      EXPECT_EQ(file.size(), SealedFileBytes(size, kSmall)) << size;
      const Result<Bytes> opened = Open(file);
      ASSERT_TRUE(opened.ok()) << size;
      EXPECT_EQ(*opened, plaintext) << size;
    }
  }
}

TEST(SealedFile, WithChunksOfTheUsualSizeToo) {
  const Bytes plaintext = Plaintext(200'000);
  const Bytes file = Seal(plaintext, kFile, 50'000, Key(), kDefaultChunkLog2);
  EXPECT_EQ(file.size(), SealedFileBytes(plaintext.size()));
  EXPECT_EQ(*Open(file), plaintext);
}

TEST(SealedFile, NothingOfThePlaintextAndNoNameStandsInIt) {
  const Bytes file =
      Seal(base::AsBytes("a secret weight, a secret weight, a secret weight, a secret weight"));
  const std::string_view text = base::AsText(file);
  for (const std::string_view word : {"secret", "weight", "hello", "anna"}) {
    EXPECT_EQ(text.find(word), std::string_view::npos) << word;
  }
}

TEST(SealedFile, TheSameContentSealedTwiceIsTwoFiles) {
  const Bytes plaintext = Plaintext(100);
  const Bytes one = Seal(plaintext), other = Seal(plaintext);
  EXPECT_FALSE(std::equal(one.begin() + kSealedHeaderBytes, one.end(), other.begin() + kSealedHeaderBytes));
}

TEST(SealedFile, EveryFlippedBitIsNoticed) {
  const Bytes file = Seal(Plaintext(2 * kChunk + 9));
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bent = file;
      bent[at] ^= static_cast<std::uint8_t>(1 << bit);
      ASSERT_FALSE(Open(bent).ok()) << "byte " << at << " bit " << bit;
    }
  }
}

TEST(SealedFile, EveryTruncationIsNoticed) {
  for (const std::size_t size : {std::size_t{0}, 2 * kChunk, 2 * kChunk + 9}) {
    const Bytes file = Seal(Plaintext(size));
    for (std::size_t left = 0; left < file.size(); ++left) {
      ASSERT_FALSE(Open(ByteView(file).first(left)).ok()) << size << " cut to " << left;
    }
  }
}

TEST(SealedFile, WhateverIsAppendedIsNoticed) {
  const Bytes file = Seal(Plaintext(2 * kChunk));
  for (const std::size_t more : {std::size_t{1}, crypto::kAeadTagBytes, kSealedChunk}) {
    Bytes longer = file;
    longer.insert(longer.end(), more, 0);
    EXPECT_EQ(CodeOf(Open(longer)), "sealed-file-damaged") << more;
    // Bytes of its own, too.
    Bytes repeated = file;
    repeated.insert(repeated.end(), file.end() - static_cast<std::ptrdiff_t>(more), file.end());
    EXPECT_EQ(CodeOf(Open(repeated)), "sealed-file-damaged") << more;
  }
}

TEST(SealedFile, EveryOtherOrderOfItsChunksIsNoticed) {
  const Bytes file = Seal(Plaintext(4 * kChunk));
  std::vector<std::size_t> order = {0, 1, 2, 3};
  int permutations = 0;
  while (std::ranges::next_permutation(order).found) {
    Bytes shuffled(file.begin(), file.begin() + kSealedHeaderBytes);
    for (const std::size_t chunk : order) {
      const auto begin =
          file.begin() + static_cast<std::ptrdiff_t>(kSealedHeaderBytes + chunk * kSealedChunk);
      shuffled.insert(shuffled.end(), begin, begin + kSealedChunk);
    }
    EXPECT_EQ(CodeOf(Open(shuffled)), "sealed-file-damaged");
    ++permutations;
  }
  EXPECT_EQ(permutations, 23);
}

TEST(SealedFile, AChunkOfAnotherFileOfTheSameIdentityIsNoticed) {
  const Bytes one = Seal(Plaintext(3 * kChunk)), other = Seal(Plaintext(3 * kChunk));
  for (std::size_t chunk = 0; chunk < 3; ++chunk) {
    Bytes mixed = one;
    const std::size_t begin = kSealedHeaderBytes + chunk * kSealedChunk;
    std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(begin), kSealedChunk,
                mixed.begin() + static_cast<std::ptrdiff_t>(begin));
    EXPECT_EQ(CodeOf(Open(mixed)), "sealed-file-damaged");
  }
  Bytes head_of_other(other.begin(), other.begin() + kSealedHeaderBytes);
  head_of_other.insert(head_of_other.end(), one.begin() + kSealedHeaderBytes, one.end());
  EXPECT_EQ(CodeOf(Open(head_of_other)), "sealed-file-damaged");
}

TEST(SealedFile, AFileUnderAnotherNameOwnerVersionOrKeyIsNotOpened) {
  const Bytes file = Seal(Plaintext(100));
  const SealedIdentity others[] = {{"hell", "oanna", 3}, {"hello", "bert", 3}, {"hello", "anna", 2},
                                   {"hello", "anna", 4}, {"hello", "", 3},     {"anna", "hello", 3}};
  for (const SealedIdentity& other : others) {
    EXPECT_EQ(CodeOf(Open(file, other)), "sealed-file-damaged") << other.id << other.owner << other.version;
  }
  EXPECT_EQ(CodeOf(Open(file, kFile, base::SecretBytes(Bytes(kSealingKeyBytes, 0x43)))),
            "sealed-file-damaged");
}

TEST(SealedFile, AForeignFileIsSaidToBeOne) {
  EXPECT_EQ(CodeOf(Open({})), "sealed-file-format");
  EXPECT_EQ(CodeOf(Open(base::AsBytes("%PDF-1.7"))), "sealed-file-format");
  EXPECT_EQ(CodeOf(Open(Bytes(1000, 0))), "sealed-file-format");
}

TEST(SealedFile, AHeaderThatPromisesTooMuchReservesNothing) {
  Bytes file = Seal(Plaintext(10));
  for (std::size_t i = 0; i < 6; ++i) file[24 + i] = 0xFF;
  EXPECT_EQ(CodeOf(Open(file)), "sealed-file-damaged");
  file[31] = 1;
  EXPECT_EQ(CodeOf(Open(file)), "sealed-file-format");
}

TEST(SealedFile, AnErrorOfTheDiskIsPassedOn) {
  const auto full = [](ByteView) -> base::Status {
    return base::MakeError(base::ErrorKind::kExhausted, "disk-full", "no space");
  };
  EXPECT_EQ(SealedWriter::Begin(full, Key(), kFile, 10).error().code, "disk-full");
  const auto broken = [](std::span<std::uint8_t>) -> Result<std::size_t> {
    return base::MakeError(base::ErrorKind::kUnavailable, "disk-failed", "no answer");
  };
  EXPECT_EQ(SealedReader::Open(broken, Key(), kFile).error().code, "disk-failed");
}

TEST(SealedHeader, HasOneEncoding) {
  const Bytes file = Seal(Plaintext(1000));
  const Bytes header(file.begin(), file.begin() + kSealedHeaderBytes);
  const auto parsed = ParseSealedHeader(header);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->length, 1000u);
  EXPECT_EQ(EncodeSealedHeader(*parsed), header);
}

TEST(SealedHeader, ValuesItCannotHaveAreRefused) {
  const Bytes file = Seal(Plaintext(1000));
  const Bytes good(file.begin(), file.begin() + kSealedHeaderBytes);
  const auto refused = [&](std::size_t at, std::uint8_t value) {
    Bytes bent = good;
    bent[at] = value;
    const auto parsed = ParseSealedHeader(bent);
    return !parsed.ok() && parsed.error().code == "sealed-file-format";
  };
  EXPECT_TRUE(refused(15, '2'));
  EXPECT_TRUE(refused(16, kMinChunkLog2 - 1));
  EXPECT_TRUE(refused(16, kMaxChunkLog2 + 1));
  for (std::size_t at = 17; at < 24; ++at) EXPECT_TRUE(refused(at, 1));
  EXPECT_TRUE(refused(31, 1));
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(ParseSealedHeader(longer).ok());
}

}  // namespace
}  // namespace blindai::model
