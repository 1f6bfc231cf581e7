// The few messages of Protocol Buffers that evidence comes wrapped in (BlindAI's proofs, go-tpm-tools'
// attestations), as a list of fields. Only varints and length-delimited fields exist in them; anything else
// is refused. Nothing is copied: the fields are views into the input.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

struct ProtobufField {
  std::uint32_t number = 0;
  std::uint64_t varint = 0;  // when bytes is empty and the field was a number
  base::ByteView bytes;
};

class ProtobufFields {
 public:
  // Code: malformed. At most 4096 fields.
  static base::Result<ProtobufFields> Parse(base::ByteView message);

  const std::vector<ProtobufField>& all() const { return fields_; }
  // The last field of a number, as a reader of Protocol Buffers takes it; empty when there is none.
  base::ByteView Bytes(std::uint32_t number) const;
  std::uint64_t Varint(std::uint32_t number) const;

 private:
  std::vector<ProtobufField> fields_;
};

}  // namespace blindai::evidence
