#include "attestation/evidence/protobuf_fields.h"

#include "base/byte_reader.h"

namespace blindai::evidence {
namespace {

constexpr std::size_t kMaxFields = 4096;
constexpr int kVarintBits = 64;
constexpr std::uint64_t kWireVarint = 0;
constexpr std::uint64_t kWireBytes = 2;

base::Result<std::uint64_t> ReadVarint(base::ByteReader& reader) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < kVarintBits; shift += 7) {
    BLINDAI_TRY(const std::uint8_t byte, reader.U8("varint"));
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return base::Malformed("varint: longer than ten bytes");
}

}  // namespace

base::Result<ProtobufFields> ProtobufFields::Parse(base::ByteView message) {
  ProtobufFields parsed;
  base::ByteReader reader(message);
  while (!reader.empty()) {
    if (parsed.fields_.size() == kMaxFields) return base::Malformed("protobuf: more than 4096 fields");
    BLINDAI_TRY(const std::uint64_t key, ReadVarint(reader));
    ProtobufField field;
    field.number = static_cast<std::uint32_t>(key >> 3);
    if ((key & 7) == kWireVarint) {
      BLINDAI_TRY(field.varint, ReadVarint(reader));
    } else if ((key & 7) == kWireBytes) {
      BLINDAI_TRY(const std::uint64_t size, ReadVarint(reader));
      BLINDAI_TRY(field.bytes, reader.Take("protobuf field", size));
    } else {
      return base::Malformed("protobuf: a field of a type that no such message has");
    }
    parsed.fields_.push_back(field);
  }
  return parsed;
}

base::ByteView ProtobufFields::Bytes(std::uint32_t number) const {
  base::ByteView found;
  for (const ProtobufField& field : fields_) {
    if (field.number == number) found = field.bytes;
  }
  return found;
}

std::uint64_t ProtobufFields::Varint(std::uint32_t number) const {
  std::uint64_t found = 0;
  for (const ProtobufField& field : fields_) {
    if (field.number == number) found = field.varint;
  }
  return found;
}

}  // namespace blindai::evidence
