// Builds byte strings field by field; the counterpart of byte_reader.h.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace blindai::base {

class ByteWriter {
 public:
  // Little-endian integers.
  ByteWriter& U8(std::uint8_t value);
  ByteWriter& U16(std::uint16_t value);
  ByteWriter& U32(std::uint32_t value);
  ByteWriter& U64(std::uint64_t value);
  // Big-endian integers.
  ByteWriter& U16Big(std::uint16_t value);
  ByteWriter& U32Big(std::uint32_t value);
  ByteWriter& U64Big(std::uint64_t value);

  ByteWriter& Append(ByteView bytes);
  ByteWriter& Append(std::string_view text) { return Append(AsBytes(text)); }
  ByteWriter& Zeros(std::size_t count);

  std::size_t size() const { return bytes_.size(); }
  ByteView view() const { return bytes_; }
  Bytes Take() && { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

}  // namespace blindai::base
