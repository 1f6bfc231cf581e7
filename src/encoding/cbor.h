// CBOR (RFC 8949): one head at a time for bodies that are streamed (BlindAI 0.6 sends a model as an array of
// a billion integers), a bounded tree for everything else, and a writer. The head reader is our own, because
// a library's decoder wants a whole string in memory before it speaks.
//
// Indefinite-length strings, arrays and maps are read (AWS Nitro sends them). Refused: reserved heads, text
// that is not UTF-8, a key that stands twice in a map, keys that are neither numbers nor strings. Errors have
// the code "bad-cbor", "cbor-ends-early" where more bytes could still make it good, "too-large" over a limit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::encoding {

enum class CborKind {
  kUnsigned,
  kNegative,  // the value is -1 - number
  kBytes,
  kText,
  kArray,
  kMap,
  kTag,
  kBool,
  kNull,
  kUndefined,
  kFloat,
  kBreak,  // the end of an indefinite-length item; only in heads
};

struct CborHead {
  CborKind kind = CborKind::kNull;
  bool indefinite = false;
  // The number, the size in bytes or in elements (pairs), the tag, or 0/1 for a bool.
  std::uint64_t number = 0;
  double real = 0;             // of kFloat
  std::size_t head_bytes = 0;  // the size of the head itself; a string's bytes follow it
};

base::Result<CborHead> ReadCborHead(base::ByteView bytes);

struct CborValue {
  CborKind kind = CborKind::kNull;
  std::uint64_t number = 0;
  double real = 0;
  base::Bytes string;            // of kBytes and kText
  std::vector<CborValue> items;  // kArray: elements. kMap: key, value, key, value. kTag: the tagged value

  std::string_view text() const { return base::AsText(string); }
  // The value of a text key of a map; null when it is not there or this is no map.
  const CborValue* Find(std::string_view key) const;
};

struct CborLimits {
  std::size_t max_bytes = 1024 * 1024;
  std::size_t max_items = 64 * 1024;  // every value of the tree counts
  int max_depth = 16;
};

// Exactly one value and nothing after it.
base::Result<CborValue> ParseCbor(base::ByteView bytes, const CborLimits& limits = {});

// The size of the first value of `bytes`, with everything inside it: "cbor-ends-early" while more bytes could complete
// it. Only the structure is looked at; the value itself may still be refused by ParseCbor.
base::Result<std::size_t> CborItemSize(base::ByteView bytes, const CborLimits& limits = {});

// Fields of a map, with errors that name the field ("missing-field", "wrong-type", param = the field).
base::Result<const CborValue*> CborField(const CborValue& map, std::string_view field, CborKind kind);
base::Result<base::Bytes> CborBytesField(const CborValue& map, std::string_view field);
base::Result<std::string> CborTextField(const CborValue& map, std::string_view field);
base::Result<std::uint64_t> CborUnsignedField(const CborValue& map, std::string_view field);

// Writes heads in their shortest form. Array and Map are followed by that many values or pairs.
class CborWriter {
 public:
  CborWriter& Unsigned(std::uint64_t value) { return Head(0, value); }
  CborWriter& Signed(std::int64_t value);
  CborWriter& Bytes(base::ByteView bytes);
  // The head of a byte string whose bytes are written elsewhere, so that they are not copied.
  CborWriter& BytesHead(std::uint64_t size) { return Head(2, size); }
  CborWriter& Text(std::string_view text);
  CborWriter& Array(std::uint64_t count) { return Head(4, count); }
  CborWriter& Map(std::uint64_t count) { return Head(5, count); }
  CborWriter& Tag(std::uint64_t tag) { return Head(6, tag); }
  CborWriter& Bool(bool value) { return Byte(value ? 0xf5 : 0xf4); }
  CborWriter& Null() { return Byte(0xf6); }
  CborWriter& Double(double value);

  base::Bytes Take() && { return std::move(out_); }

 private:
  CborWriter& Head(int major, std::uint64_t number);
  CborWriter& Byte(std::uint8_t byte);

  base::Bytes out_;
};

}  // namespace blindai::encoding
