// Reads bytes with a view that walks forward and names each field, so that an error says where it is:
// "REPORTDATA: input ends early (64 bytes wanted at offset 368, 12 left)". It never allocates and never reads
// past its view.
//
//   ByteReader reader(quote);
//   BLINDAI_TRY(const std::uint16_t version, reader.U16("version"));
//   BLINDAI_TRY(const ByteView body, reader.Take("report body", 384));
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::base {

class ByteReader {
 public:
  explicit ByteReader(ByteView input) : input_(input) {}

  std::size_t offset() const { return offset_; }
  std::size_t remaining() const { return input_.size() - offset_; }
  bool empty() const { return remaining() == 0; }
  // What has not been read, without reading it.
  ByteView rest() const { return input_.subspan(offset_); }

  // Little-endian integers.
  Result<std::uint8_t> U8(std::string_view field);
  Result<std::uint16_t> U16(std::string_view field);
  Result<std::uint32_t> U32(std::string_view field);
  Result<std::uint64_t> U64(std::string_view field);
  // Big-endian integers (TPM, CBOR, TLS).
  Result<std::uint16_t> U16Big(std::string_view field);
  Result<std::uint32_t> U32Big(std::string_view field);
  Result<std::uint64_t> U64Big(std::string_view field);

  // The next `size` bytes, as a view into the input.
  Result<ByteView> Take(std::string_view field, std::size_t size);
  Status Skip(std::string_view field, std::size_t size);

  // The next N bytes as a value of type FixedBytes<N, Tag>.
  template <typename Fixed>
  Result<Fixed> Fill(std::string_view field) {
    auto taken = Take(field, Fixed::kSize);
    if (!taken.ok()) return std::move(taken).error();
    Fixed out;
    for (std::size_t i = 0; i < Fixed::kSize; ++i) out.bytes[i] = (*taken)[i];
    return out;
  }

  // An error unless everything has been read.
  Status End(std::string_view what) const;

 private:
  template <typename Integer>
  Result<Integer> Little(std::string_view field);
  template <typename Integer>
  Result<Integer> Big(std::string_view field);

  ByteView input_;
  std::size_t offset_ = 0;
};

}  // namespace blindai::base
