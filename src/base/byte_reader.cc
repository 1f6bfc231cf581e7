#include "base/byte_reader.h"

#include <fmt/format.h>

namespace blindai::base {

Result<ByteView> ByteReader::Take(std::string_view field, std::size_t size) {
  if (size > remaining()) {
    return Malformed(fmt::format("{}: input ends early ({} bytes wanted at offset {}, {} left)", field, size,
                                 offset_, remaining()));
  }
  const ByteView taken = input_.subspan(offset_, size);
  offset_ += size;
  return taken;
}

Status ByteReader::Skip(std::string_view field, std::size_t size) {
  auto taken = Take(field, size);
  if (!taken.ok()) return std::move(taken).error();
  return Ok();
}

Status ByteReader::End(std::string_view what) const {
  if (empty()) return Ok();
  return Malformed(
      fmt::format("{}: {} bytes follow where it should end (offset {})", what, remaining(), offset_));
}

template <typename Integer>
Result<Integer> ByteReader::Little(std::string_view field) {
  BLINDAI_TRY(const ByteView bytes, Take(field, sizeof(Integer)));
  Integer value = 0;
  for (std::size_t i = sizeof(Integer); i-- > 0;)
    value = static_cast<Integer>((static_cast<std::uint64_t>(value) << 8) | bytes[i]);
  return value;
}

template <typename Integer>
Result<Integer> ByteReader::Big(std::string_view field) {
  BLINDAI_TRY(const ByteView bytes, Take(field, sizeof(Integer)));
  Integer value = 0;
  for (const std::uint8_t byte : bytes)
    value = static_cast<Integer>((static_cast<std::uint64_t>(value) << 8) | byte);
  return value;
}

Result<std::uint8_t> ByteReader::U8(std::string_view field) { return Little<std::uint8_t>(field); }
Result<std::uint16_t> ByteReader::U16(std::string_view field) { return Little<std::uint16_t>(field); }
Result<std::uint32_t> ByteReader::U32(std::string_view field) { return Little<std::uint32_t>(field); }
Result<std::uint64_t> ByteReader::U64(std::string_view field) { return Little<std::uint64_t>(field); }
Result<std::uint16_t> ByteReader::U16Big(std::string_view field) { return Big<std::uint16_t>(field); }
Result<std::uint32_t> ByteReader::U32Big(std::string_view field) { return Big<std::uint32_t>(field); }
Result<std::uint64_t> ByteReader::U64Big(std::string_view field) { return Big<std::uint64_t>(field); }

}  // namespace blindai::base
