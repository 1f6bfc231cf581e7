#include "model/store_index.h"

#include <gtest/gtest.h>

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

TEST(StoreIndex, ComesBackAsItWas) {
  const StoreIndex index = Sample();
  const base::Bytes bytes = EncodeStoreIndex(index);
  const auto read = DecodeStoreIndex(bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(EncodeStoreIndex(*read), bytes);
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

TEST(StoreIndex, AnotherFormatACountThatIsNoneAndModelsOutOfOrderAreRefused) {
  const base::Bytes good = EncodeStoreIndex(Sample());
  base::Bytes bytes = good;
  bytes[0] = 2;
  EXPECT_FALSE(DecodeStoreIndex(bytes).ok());
  bytes = good;
  bytes[4] = 2;
  EXPECT_FALSE(DecodeStoreIndex(bytes).ok());
  bytes = good;
  bytes[21] = 'c';  // the first id, behind format, count, number of items and its length
  EXPECT_FALSE(DecodeStoreIndex(bytes).ok());
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
