// What the model store knows about its files, as bytes: the content of the sealed index (docs/formats/sealed_file.md).
// Pure, strict (one encoding for one index) and bounded, although only this program can have sealed it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::model {

struct StoredModel {
  std::string id;  // unique in the store
  std::string owner;
  std::uint64_t version = 0;
  std::string sha256_hex;
  std::uint64_t bytes = 0;
  // What the caller wants to know about it after a restart, in the caller's own encoding.
  base::Bytes details;
  // Found when the store was opened, and not part of the index: the file is not there, or is another one.
  bool is_damaged = false;
};

struct StoreIndex {
  struct Item {
    StoredModel model;
    std::string file;  // its name in the folder
  };
  bool is_counted = false;  // whether `count` is a value of the platform's counter
  std::uint64_t count = 0;
  std::vector<Item> items;  // by id
};

inline constexpr std::size_t kMaxStoreNameBytes = 256;
inline constexpr std::size_t kMaxStoreDetailsBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxStoredModels = 1'000'000;

// The ids are in order and within the limits (CHECK).
base::Bytes EncodeStoreIndex(const StoreIndex& index);
// Code: store-index.
base::Result<StoreIndex> DecodeStoreIndex(base::ByteView bytes);

// "m-", 32 hex digits, ".sealed": the files of models.
std::string RandomModelFileName();
bool IsModelFileName(std::string_view name);

}  // namespace blindai::model
