#include "model/store_index.h"

#include <gtest/gtest.h>

#include "base/byte_writer.h"
#include "encoding/hex.h"

namespace blindai::model {
namespace {

StoreIndex Sample() {
  StoreIndex index;
  index.is_counted = true;
  index.count = 41;
  for (const char* id : {"a", "b"}) {
    StoreIndex::Item item;
    item.model = {.id = id,
                  .owner = "anna",
                  .version = 7,
                  .sha256_hex = std::string(64, 'c'),
                  .bytes = 12,
                  .details = {1, 2, 3}};
    item.file = RandomModelFileName();
    index.items.push_back(item);
  }
  return index;
}

// The format as the document says it, for what EncodeStoreIndex would not write.
base::Bytes EncodeByHand(const StoreIndex& index, std::uint32_t format = 2) {
  base::ByteWriter writer;
  writer.U32(format).U8(index.is_counted ? 1 : 0).U64(index.count);
  writer.U32(static_cast<std::uint32_t>(index.items.size()));
  const auto sized = [&](base::ByteView bytes) {
    writer.U32(static_cast<std::uint32_t>(bytes.size())).Append(bytes);
  };
  for (const StoreIndex::Item& item : index.items) {
    sized(base::AsBytes(item.model.id));
    sized(base::AsBytes(item.model.owner));
    writer.U64(item.model.version).U64(item.model.bytes);
    writer.Append(*encoding::HexDecode(item.model.sha256_hex));
    writer.Append(*encoding::HexDecode(item.file.substr(2, 32)));
    if (format == 2) writer.U8(static_cast<std::uint8_t>(item.sealed_as));
    sized(item.model.details);
  }
  return std::move(writer).Take();
}

TEST(StoreIndex, ComesBackAsItWas) {
  const StoreIndex index = Sample();
  const base::Bytes bytes = EncodeStoreIndex(index);
  const auto read = DecodeStoreIndex(bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(EncodeStoreIndex(*read), bytes);
  EXPECT_EQ(EncodeByHand(*read), bytes);
  EXPECT_TRUE(read->is_counted);
  EXPECT_EQ(read->count, 41u);
  ASSERT_EQ(read->items.size(), 2u);
  EXPECT_EQ(read->items[1].model.id, "b");
  EXPECT_EQ(read->items[1].model.sha256_hex, std::string(64, 'c'));
  EXPECT_EQ(read->items[1].file, index.items[1].file);
  EXPECT_EQ(read->items[1].model.details, index.items[1].model.details);
}

TEST(StoreIndex, EveryTruncationAndAnyBytesBehindItAreRefused) {
  base::Bytes bytes = EncodeStoreIndex(Sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto read = DecodeStoreIndex(base::ByteView(bytes).first(size));
    ASSERT_FALSE(read.ok()) << size;
    EXPECT_EQ(read.error().code, "store-index");
  }
  bytes.push_back(0);
  EXPECT_FALSE(DecodeStoreIndex(bytes).ok());
}

TEST(StoreIndex, AnotherFormatACountThatIsNoneAndAnUnknownSealAreRefused) {
  const base::Bytes good = EncodeStoreIndex(Sample());
  base::Bytes bytes = good;
  bytes[0] = 3;
  EXPECT_FALSE(DecodeStoreIndex(bytes).ok());
  bytes = good;
  bytes[4] = 2;
  EXPECT_FALSE(DecodeStoreIndex(bytes).ok());
  // Before the length and the 3 bytes of the last item's details.
  for (const std::uint8_t seal : {0, 3, 255}) {
    bytes = good;
    bytes[bytes.size() - 8] = seal;
    EXPECT_FALSE(DecodeStoreIndex(bytes).ok());
  }
}

// Each first with something that may be, so that the refusal is for what was bent and for nothing else.
TEST(StoreIndex, ItemsThatContradictEachOtherAreRefused) {
  const StoreIndex sample = Sample();
  const auto encoded_as = [&](auto&& change) {
    StoreIndex index = sample;
    change(index.items[0], index.items[1]);
    return DecodeStoreIndex(EncodeByHand(index));
  };
  using Item = StoreIndex::Item;
  EXPECT_TRUE(encoded_as([](Item&, Item&) {}).ok());
  const auto two_versions = [](Item& a, Item& b) {
    b.model.id = a.model.id;
    b.model.version = 8;
  };
  EXPECT_TRUE(encoded_as(two_versions).ok());
  for (const std::uint64_t version : {6, 7}) {
    EXPECT_FALSE(encoded_as([&](Item& a, Item& b) {
                   two_versions(a, b);
                   b.model.version = version;
                 }).ok());
  }
  EXPECT_FALSE(encoded_as([](Item& a, Item&) { a.model.id = "c"; }).ok());
  EXPECT_FALSE(encoded_as([&](Item& a, Item& b) {
                 two_versions(a, b);
                 b.model.owner = "berta";
               }).ok());
  const auto one_file = [](Item& a, Item& b) { b.file = a.file; };
  EXPECT_TRUE(encoded_as(one_file).ok());
  const auto expect_refused = [&](auto&& bend) {
    EXPECT_FALSE(encoded_as([&](Item& a, Item& b) {
                   one_file(a, b);
                   bend(a, b);
                 }).ok());
  };
  expect_refused([](Item&, Item& b) { b.model.owner = "berta"; });
  expect_refused([](Item&, Item& b) { b.model.sha256_hex = std::string(64, 'd'); });
  expect_refused([](Item&, Item& b) { ++b.model.bytes; });
  expect_refused([](Item& a, Item&) { a.sealed_as = SealedAs::kModel; });
  expect_refused([](Item& a, Item& b) { a.sealed_as = b.sealed_as = SealedAs::kModel; });
}

TEST(StoreIndex, AnOlderServersIsReadStrictlyToo) {
  StoreIndex old = Sample();
  const base::Bytes bytes = EncodeByHand(old, 1);
  const auto read = DecodeStoreIndex(bytes);
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->items.size(), 2u);
  EXPECT_EQ(read->items[0].sealed_as, SealedAs::kModel);
  EXPECT_EQ(read->items[1].model.details, old.items[1].model.details);
  EXPECT_EQ(EncodeStoreIndex(*read)[0], 2);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeStoreIndex(base::ByteView(bytes).first(size)).ok()) << size;
  }
  // It knew one version of an id, and one model of a file.
  old.items[1].model.id = "a";
  old.items[1].model.version = 8;
  EXPECT_FALSE(DecodeStoreIndex(EncodeByHand(old, 1)).ok());
  old = Sample();
  old.items[1].file = old.items[0].file;
  EXPECT_FALSE(DecodeStoreIndex(EncodeByHand(old, 1)).ok());
}

TEST(StoreIndex, NamesOfModelFilesAreToldFromOthers) {
  EXPECT_TRUE(IsModelFileName(RandomModelFileName()));
  EXPECT_NE(RandomModelFileName(), RandomModelFileName());
  for (const char* other : {"", "index.sealed", "m-.sealed", "m-0123456789abcdef0123456789abcdeg.sealed",
                            "m-0123456789abcdef0123456789abcdef.sealed.new"}) {
    EXPECT_FALSE(IsModelFileName(other)) << other;
  }
}

}  // namespace
}  // namespace blindai::model
