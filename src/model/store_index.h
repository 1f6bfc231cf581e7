// What the model store knows about its files, as bytes: the content of the sealed index (docs/formats/sealed_file.md).
// Pure, strict (one encoding for one index) and bounded, although only this program can have sealed it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::model {

// One version of a model; unique in the store by (id, version). All versions of an id have one owner.
struct StoredModel {
  std::string id;
  std::string owner;
  std::uint64_t version = 0;
  std::string sha256_hex;
  std::uint64_t bytes = 0;
  // What the caller wants to know about it after a restart, in the caller's own encoding.
  base::Bytes details;
  // Found when the store was opened or the file was read, and not part of the index: the file is not there, or is
  // another one.
  bool is_damaged = false;
};

// What a model's file is sealed as (docs/formats/sealed_file.md): by what it holds, so that models of one owner may
// share it, or, as an older server wrote it, by the one id and version that it belongs to.
enum class SealedAs : std::uint8_t { kModel = 1, kContent = 2 };

struct StoreIndex {
  struct Item {
    StoredModel model;
    std::string file = {};  // its name in the folder
    SealedAs sealed_as = SealedAs::kContent;
  };
  bool is_counted = false;  // whether `count` is a value of the platform's counter
  std::uint64_t count = 0;
  std::vector<Item> items;  // by id, then version
};

inline constexpr std::size_t kMaxStoreNameBytes = 256;
inline constexpr std::size_t kMaxStoreDetailsBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxStoredModels = 1'000'000;

// Format 2. What DecodeStoreIndex demands of the items holds, and they are within the limits (CHECK).
base::Bytes EncodeStoreIndex(const StoreIndex& index);
// Format 2, and format 1 of an older server, which knew one version of an id and one model of a file. Refuses items out
// of order, an id of two owners, and a file of two owners, contents or kinds. Code: store-index.
base::Result<StoreIndex> DecodeStoreIndex(base::ByteView bytes);

// "m-", 32 hex digits, ".sealed": the files of models.
std::string RandomModelFileName();
bool IsModelFileName(std::string_view name);

}  // namespace blindai::model
