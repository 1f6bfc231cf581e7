#include "model/model_bundle.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/check.h"

namespace blindai::model {
namespace {

// Field 0 does not exist in protobuf.
constexpr std::string_view kMagic("\0blindai-bundle\1", 16);
constexpr std::uint64_t kAlignment = 64;
constexpr std::size_t kTailBytes = 12;

base::Error Wrong(const char* message) { return base::Malformed(message, "model-bundle"); }

base::Result<std::vector<BundlePart>> ReadIndex(base::ByteReader& reader, std::uint32_t count,
                                                std::uint64_t index_offset) {
  std::vector<BundlePart> parts(count);
  for (BundlePart& part : parts) {
    BLINDAI_TRY(const std::uint8_t length, reader.U8("length of a name"));
    BLINDAI_TRY(const base::ByteView name, reader.Take("name", length));
    part.name = base::AsText(name);
    BLINDAI_TRY(part.offset, reader.U64("offset"));
    BLINDAI_TRY(part.size, reader.U64("size"));
    if (part.offset < kMagic.size() || part.offset > index_offset || part.size > index_offset - part.offset)
      return Wrong("a part lies outside of the file");
  }
  BLINDAI_RETURN_IF_ERROR(reader.End("index"));
  return parts;
}

}  // namespace

base::Bytes BundleLayout::Begin() { return base::CopyBytes(base::AsBytes(kMagic)); }

base::Bytes BundleLayout::BeginPart(std::string name, std::uint64_t size) {
  BLINDAI_CHECK(name.size() < 256 && parts_.size() < kMaxBundleParts);
  EndPart(size);
  const std::uint64_t begin = (size + kAlignment - 1) / kAlignment * kAlignment;
  parts_.push_back({std::move(name), begin, 0});
  open_ = true;
  return base::Bytes(begin - size);
}

void BundleLayout::EndPart(std::uint64_t size) {
  if (open_) parts_.back().size = size - parts_.back().offset;
  open_ = false;
}

base::Bytes BundleLayout::End(std::uint64_t size) {
  EndPart(size);
  base::ByteWriter writer;
  for (const BundlePart& part : parts_) {
    writer.U8(static_cast<std::uint8_t>(part.name.size())).Append(part.name).U64(part.offset).U64(part.size);
  }
  writer.U32(static_cast<std::uint32_t>(parts_.size())).U64(size);
  return std::move(writer).Take();
}

bool BundleLayout::Has(std::string_view name) const {
  return std::ranges::any_of(parts_, [name](const BundlePart& part) { return part.name == name; });
}

bool IsBundle(base::ByteView file) {
  return file.size() >= kMagic.size() && base::AsText(file.first(kMagic.size())) == kMagic;
}

base::Result<std::vector<BundlePart>> ReadBundle(base::ByteView file) {
  if (!IsBundle(file) || file.size() < kMagic.size() + kTailBytes) return Wrong("it is no bundle");
  base::ByteReader tail(file.last(kTailBytes));
  BLINDAI_TRY(const std::uint32_t count, tail.U32("number of parts"));
  BLINDAI_TRY(const std::uint64_t index, tail.U64("offset of the index"));
  const std::uint64_t end = file.size() - kTailBytes;
  if (count > kMaxBundleParts || index > end) return Wrong("the index lies outside of the file");
  base::ByteReader reader(file.subspan(index, end - index));
  auto parts = ReadIndex(reader, count, index);
  if (!parts.ok()) return Wrong("the index does not go together");
  return parts;
}

}  // namespace blindai::model
