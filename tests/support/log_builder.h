// Writes TCG event logs (crypto-agile format, one bank: SHA-256 unless another is named), good unless a test
// bends them.
#pragma once

#include <string_view>

#include "base/byte_writer.h"
#include "crypto/digest.h"

namespace blindai::tests {

class EventLogBuilder {
 public:
  explicit EventLogBuilder(crypto::HashAlgorithm bank = crypto::HashAlgorithm::kSha256)
      : bank_(bank), bank_id_(bank == crypto::HashAlgorithm::kSha256 ? 0x000B : 0x000C) {
    base::ByteWriter header;
    header.Append(std::string_view("Spec ID Event03\0", 16))
        .U32(0)
        .U32(0x00020002)
        .U32(1)
        .U16(bank_id_)
        .U16(bank == crypto::HashAlgorithm::kSha256 ? 32 : 48)
        .U8(0);
    writer_.U32(0).U32(3).Zeros(20).U32(static_cast<std::uint32_t>(header.size())).Append(header.view());
  }
  // An event whose digest is the hash of its data.
  EventLogBuilder& Event(std::uint32_t index, std::uint32_t type, base::ByteView data) {
    return Event(index, type, data, crypto::Hash(bank_, data));
  }
  EventLogBuilder& Event(std::uint32_t index, std::uint32_t type, base::ByteView data,
                         base::ByteView digest) {
    writer_.U32(index).U32(type).U32(1).U16(bank_id_).Append(digest);
    writer_.U32(static_cast<std::uint32_t>(data.size())).Append(data);
    return *this;
  }
  EventLogBuilder& Separator(std::uint32_t index) { return Event(index, 4, base::Bytes(4)); }
  // The UEFI variable SecureBoot as firmware measures it.
  EventLogBuilder& SecureBoot(std::uint8_t value, std::uint32_t index = 7) {
    return Event(index, 0x80000001, SecureBootVariable(value));
  }
  static base::Bytes SecureBootVariable(std::uint8_t value) {
    base::ByteWriter variable;
    variable.Append(base::Bytes(16, 0x8B)).U64(10).U64(1);
    for (const char c : std::string_view("SecureBoot")) variable.U16(static_cast<std::uint8_t>(c));
    variable.U8(value);
    return std::move(variable).Take();
  }
  base::Bytes Build() const { return base::CopyBytes(writer_.view()); }

 private:
  crypto::HashAlgorithm bank_;
  std::uint16_t bank_id_;
  base::ByteWriter writer_;
};

}  // namespace blindai::tests
