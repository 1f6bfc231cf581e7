// Makes SEV-SNP reports byte by byte, good unless a test bends them. Unsigned: fake_snp.h signs.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

namespace blindai::tests {

class SnpReportBuilder {
 public:
  // A Milan report of version 3 with VMPL 0, no debug, TCB 3.0.8.115 everywhere.
  SnpReportBuilder() : bytes_(0x4A0) {
    U32(0x000, 3).U32(0x034, 1).U64(0x008, 0x30000).U64(0x040, 0x1);
    Tcb({3, 0, 0, 0, 0, 0, 8, 115});
    Fill(0x160, 32, 0xFF);
    bytes_[0x188] = 0x19;
    bytes_[0x189] = 0x01;
    Fill(0x090, 48, 0x4D);
    Fill(0x1A0, 64, 0xC1);
  }

  SnpReportBuilder& U32(std::size_t offset, std::uint32_t value) { return Little(offset, value, 4); }
  SnpReportBuilder& U64(std::size_t offset, std::uint64_t value) { return Little(offset, value, 8); }
  SnpReportBuilder& Byte(std::size_t offset, std::uint8_t value) {
    bytes_[offset] = value;
    return *this;
  }
  SnpReportBuilder& Fill(std::size_t offset, std::size_t count, std::uint8_t value) {
    std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), count, value);
    return *this;
  }
  SnpReportBuilder& Put(std::size_t offset, base::ByteView value) {
    std::copy(value.begin(), value.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
    return *this;
  }
  // CURRENT, REPORTED, COMMITTED and LAUNCH alike.
  SnpReportBuilder& Tcb(const std::array<std::uint8_t, 8>& tcb) {
    for (const std::size_t offset : {0x038, 0x180, 0x1E0, 0x1F0}) Put(offset, tcb);
    return *this;
  }
  SnpReportBuilder& Version2() { return U32(0, 2).Fill(0x188, 3, 0); }

  const base::Bytes& bytes() const { return bytes_; }

 private:
  SnpReportBuilder& Little(std::size_t offset, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes_[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
    return *this;
  }

  base::Bytes bytes_;
};

}  // namespace blindai::tests
