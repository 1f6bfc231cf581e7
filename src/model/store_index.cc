#include "model/store_index.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/check.h"
#include "crypto/random.h"
#include "encoding/hex.h"

namespace blindai::model {
namespace {

using base::ByteReader;
using base::ByteView;
using base::Result;

constexpr std::uint32_t kFormat = 2;
constexpr std::uint32_t kFormatOfOneVersion = 1;
constexpr std::size_t kSha256Bytes = 32;
constexpr std::size_t kFileNumberBytes = 16;
constexpr std::string_view kFilePrefix = "m-";
constexpr std::string_view kFileSuffix = ".sealed";

base::Error BadIndex(std::string_view why) {
  return base::Malformed("the index of the model store has " + std::string(why), "store-index");
}

void AppendSized(base::ByteWriter& writer, ByteView bytes) {
  writer.U32(static_cast<std::uint32_t>(bytes.size())).Append(bytes);
}

Result<ByteView> TakeSized(ByteReader& reader, std::string_view field, std::size_t max) {
  BLINDAI_TRY(const std::uint32_t size, reader.U32(field));
  if (size > max) return BadIndex("a field that is too long");
  return reader.Take(field, size);
}

std::string_view NumberOf(std::string_view file) {
  return file.substr(kFilePrefix.size(), 2 * kFileNumberBytes);
}

// What is wrong with the items together; empty: nothing.
std::string_view FaultOf(const std::vector<StoreIndex::Item>& items) {
  std::map<std::string_view, const StoreIndex::Item*> files;
  const StoredModel* previous = nullptr;
  for (const StoreIndex::Item& item : items) {
    const StoredModel& model = item.model;
    if (previous != nullptr) {
      if (std::tie(previous->id, previous->version) >= std::tie(model.id, model.version))
        return "models out of order";
      if (previous->id == model.id && previous->owner != model.owner) return "a model of two owners";
    }
    previous = &model;
    const auto [found, is_first] = files.emplace(item.file, &item);
    if (is_first) continue;
    const StoreIndex::Item& other = *found->second;
    const bool may_share = item.sealed_as == SealedAs::kContent && other.sealed_as == SealedAs::kContent &&
                           std::tie(other.model.owner, other.model.sha256_hex, other.model.bytes) ==
                               std::tie(model.owner, model.sha256_hex, model.bytes);
    if (!may_share) return "a file of two kinds";
  }
  return {};
}

bool HasTwoVersions(const std::vector<StoreIndex::Item>& items) {
  return std::ranges::adjacent_find(items, {}, [](const auto& item) { return item.model.id; }) != items.end();
}

Result<StoreIndex::Item> ReadItem(ByteReader& reader, std::uint32_t format) {
  StoreIndex::Item item;
  StoredModel& model = item.model;
  BLINDAI_TRY(const ByteView id, TakeSized(reader, "id", kMaxStoreNameBytes));
  BLINDAI_TRY(const ByteView owner, TakeSized(reader, "owner", kMaxStoreNameBytes));
  BLINDAI_TRY(model.version, reader.U64("version"));
  BLINDAI_TRY(model.bytes, reader.U64("bytes"));
  BLINDAI_TRY(const ByteView sha256, reader.Take("sha256", kSha256Bytes));
  BLINDAI_TRY(const ByteView number, reader.Take("file", kFileNumberBytes));
  item.sealed_as = SealedAs::kModel;
  if (format == kFormat) {
    BLINDAI_TRY(const std::uint8_t sealed_as, reader.U8("sealed as"));
    item.sealed_as = static_cast<SealedAs>(sealed_as);
    if (item.sealed_as != SealedAs::kModel && item.sealed_as != SealedAs::kContent)
      return BadIndex("a file that is sealed in an unknown way");
  }
  BLINDAI_TRY(const ByteView details, TakeSized(reader, "details", kMaxStoreDetailsBytes));
  model.id = base::AsText(id);
  model.owner = base::AsText(owner);
  model.sha256_hex = encoding::HexEncode(sha256);
  model.details = base::CopyBytes(details);
  item.file = std::string(kFilePrefix) + encoding::HexEncode(number) + std::string(kFileSuffix);
  return item;
}

}  // namespace

base::Bytes EncodeStoreIndex(const StoreIndex& index) {
  base::ByteWriter writer;
  writer.U32(kFormat).U8(index.is_counted ? 1 : 0).U64(index.count);
  writer.U32(static_cast<std::uint32_t>(index.items.size()));
  BLINDAI_CHECK(FaultOf(index.items).empty());
  for (const StoreIndex::Item& item : index.items) {
    const StoredModel& model = item.model;
    BLINDAI_CHECK(model.id.size() <= kMaxStoreNameBytes && model.owner.size() <= kMaxStoreNameBytes &&
                  model.details.size() <= kMaxStoreDetailsBytes && IsModelFileName(item.file));
    const auto sha256 = encoding::HexDecode(model.sha256_hex);
    const auto number = encoding::HexDecode(NumberOf(item.file));
    BLINDAI_CHECK(sha256.ok() && sha256->size() == kSha256Bytes && number.ok());
    AppendSized(writer, base::AsBytes(model.id));
    AppendSized(writer, base::AsBytes(model.owner));
    writer.U64(model.version).U64(model.bytes).Append(*sha256).Append(*number);
    writer.U8(static_cast<std::uint8_t>(item.sealed_as));
    AppendSized(writer, model.details);
  }
  return std::move(writer).Take();
}

Result<StoreIndex> DecodeStoreIndex(ByteView bytes) {
  ByteReader reader(bytes);
  const auto read = [&reader]() -> Result<StoreIndex> {
    StoreIndex index;
    BLINDAI_TRY(const std::uint32_t format, reader.U32("format"));
    BLINDAI_TRY(const std::uint8_t counted, reader.U8("counted"));
    BLINDAI_TRY(index.count, reader.U64("count"));
    BLINDAI_TRY(const std::uint32_t items, reader.U32("items"));
    const bool is_known = format == kFormat || format == kFormatOfOneVersion;
    if (!is_known || counted > 1 || items > kMaxStoredModels) return BadIndex("an unknown format");
    index.is_counted = counted == 1;
    for (std::uint32_t i = 0; i < items; ++i) {
      BLINDAI_TRY(StoreIndex::Item item, ReadItem(reader, format));
      index.items.push_back(std::move(item));
    }
    BLINDAI_RETURN_IF_ERROR(reader.End("index"));
    if (const std::string_view fault = FaultOf(index.items); !fault.empty()) return BadIndex(fault);
    if (format == kFormatOfOneVersion && HasTwoVersions(index.items)) return BadIndex("models out of order");
    return index;
  };
  Result<StoreIndex> index = read();
  if (!index.ok() && index.error().code != "store-index") return BadIndex("an end where more was wanted");
  return index;
}

std::string RandomModelFileName() {
  return std::string(kFilePrefix) + encoding::HexEncode(crypto::RandomBytes(kFileNumberBytes)) +
         std::string(kFileSuffix);
}

bool IsModelFileName(std::string_view name) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return name.size() == kFilePrefix.size() + 2 * kFileNumberBytes + kFileSuffix.size() &&
         name.starts_with(kFilePrefix) && name.ends_with(kFileSuffix) &&
         std::ranges::all_of(NumberOf(name), is_digit);
}

}  // namespace blindai::model
