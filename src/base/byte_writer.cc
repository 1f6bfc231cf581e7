#include "base/byte_writer.h"

namespace blindai::base {
namespace {

template <typename Integer>
void AppendLittle(Bytes& bytes, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i)
    bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

template <typename Integer>
void AppendBig(Bytes& bytes, Integer value) {
  for (std::size_t i = sizeof(Integer); i-- > 0;)
    bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

}  // namespace

ByteWriter& ByteWriter::U8(std::uint8_t value) {
  bytes_.push_back(value);
  return *this;
}
ByteWriter& ByteWriter::U16(std::uint16_t value) {
  AppendLittle(bytes_, value);
  return *this;
}
ByteWriter& ByteWriter::U32(std::uint32_t value) {
  AppendLittle(bytes_, value);
  return *this;
}
ByteWriter& ByteWriter::U64(std::uint64_t value) {
  AppendLittle(bytes_, value);
  return *this;
}
ByteWriter& ByteWriter::U16Big(std::uint16_t value) {
  AppendBig(bytes_, value);
  return *this;
}
ByteWriter& ByteWriter::U32Big(std::uint32_t value) {
  AppendBig(bytes_, value);
  return *this;
}
ByteWriter& ByteWriter::U64Big(std::uint64_t value) {
  AppendBig(bytes_, value);
  return *this;
}
ByteWriter& ByteWriter::Append(ByteView bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}
ByteWriter& ByteWriter::Zeros(std::size_t count) {
  bytes_.insert(bytes_.end(), count, 0);
  return *this;
}

}  // namespace blindai::base
