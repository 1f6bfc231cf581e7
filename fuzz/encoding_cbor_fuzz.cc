// rooms: base encoding
// Laws: a value that was read, written in its shortest form, reads as the same value; and its size is known beforehand.
#include "base/check.h"
#include "encoding/cbor.h"

namespace {

using blindai::encoding::CborKind;
using blindai::encoding::CborValue;
using blindai::encoding::CborWriter;

// False for what the writer has no word for.
bool Write(const CborValue& value, CborWriter& writer) {
  switch (value.kind) {
    case CborKind::kUnsigned:
      writer.Unsigned(value.number);
      return true;
    case CborKind::kNegative:
      if (value.number > INT64_MAX) return false;
      writer.Signed(-1 - static_cast<std::int64_t>(value.number));
      return true;
    case CborKind::kBytes:
      writer.Bytes(value.string);
      return true;
    case CborKind::kText:
      writer.Text(value.text());
      return true;
    case CborKind::kArray:
      writer.Array(value.items.size());
      break;
    case CborKind::kMap:
      writer.Map(value.items.size() / 2);
      break;
    case CborKind::kTag:
      writer.Tag(value.number);
      break;
    case CborKind::kBool:
      writer.Bool(value.number != 0);
      return true;
    case CborKind::kNull:
      writer.Null();
      return true;
    case CborKind::kFloat:
      if (value.real != value.real) return false;
      writer.Double(value.real);
      return true;
    default:
      return false;
  }
  for (const CborValue& item : value.items) {
    if (!Write(item, writer)) return false;
  }
  return true;
}

bool Same(const CborValue& left, const CborValue& right) {
  if (left.kind != right.kind || left.number != right.number || left.real != right.real ||
      left.string != right.string || left.items.size() != right.items.size()) {
    return false;
  }
  for (std::size_t i = 0; i < left.items.size(); ++i) {
    if (!Same(left.items[i], right.items[i])) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = blindai::encoding::ParseCbor({data, size});
  if (!value.ok()) return 0;
  const auto item = blindai::encoding::CborItemSize({data, size}, {.max_items = size + 1});
  BLINDAI_CHECK(item.ok() && *item == size);
  CborWriter writer;
  if (!Write(*value, writer)) return 0;
  const auto again = blindai::encoding::ParseCbor(std::move(writer).Take(), {.max_bytes = 64 << 20});
  BLINDAI_CHECK(again.ok() && Same(*value, *again));
  return 0;
}
