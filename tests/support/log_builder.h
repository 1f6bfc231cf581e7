// Writes TCG event logs (crypto-agile format, SHA-256): good unless a test bends them.
#pragma once

#include <string_view>

#include "base/byte_writer.h"
#include "crypto/digest.h"

namespace blindai::tests {

class EventLogBuilder {
 public:
  EventLogBuilder() {
    base::ByteWriter header;
    header.Append(std::string_view("Spec ID Event03\0", 16))
        .U32(0)
        .U32(0x00020002)
        .U32(1)
        .U16(0x000B)
        .U16(32)
        .U8(0);
    writer_.U32(0).U32(3).Zeros(20).U32(static_cast<std::uint32_t>(header.size())).Append(header.view());
  }
  // An event whose digest is the hash of its data.
  EventLogBuilder& Event(std::uint32_t index, std::uint32_t type, base::ByteView data) {
    return Event(index, type, data, crypto::Sha256(data).view());
  }
  EventLogBuilder& Event(std::uint32_t index, std::uint32_t type, base::ByteView data,
                         base::ByteView digest) {
    writer_.U32(index).U32(type).U32(1).U16(0x000B).Append(digest);
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
  base::ByteWriter writer_;
};

}  // namespace blindai::tests
