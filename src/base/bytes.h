// The plain byte types that every room shares. Borrow with ByteView, own with Bytes, and give a fixed size
// its own array so that a measurement cannot be passed where report data is wanted (FixedBytes with a tag).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace blindai::base {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// N bytes with a meaning: struct ReportDataTag {}; using ReportData = FixedBytes<64, ReportDataTag>.
template <std::size_t N, typename Tag = void>
struct FixedBytes {
  static constexpr std::size_t kSize = N;
  std::array<std::uint8_t, N> bytes{};

  ByteView view() const { return ByteView(bytes.data(), N); }
  bool is_zero() const {
    std::uint8_t any = 0;
    for (const std::uint8_t byte : bytes) any = static_cast<std::uint8_t>(any | byte);
    return any == 0;
  }
  friend bool operator==(const FixedBytes&, const FixedBytes&) = default;
};

inline ByteView AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view AsText(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes CopyBytes(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

// Equality whose time depends on the lengths only.
bool ConstantTimeEqual(ByteView left, ByteView right);

}  // namespace blindai::base
