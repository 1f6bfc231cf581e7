// A small strict reader of DER (ITU-T X.690 section 10), for the structures inside certificate extensions
// that OpenSSL does not know: Intel's 1.2.840.113741.1.13.1, AMD's 1.3.6.1.4.1.3704. Definite and shortest
// lengths only, tags below 31 only; it never allocates for a length that is not there. Errors have the code
// "bad-der".
//
//   DerReader reader(extension);
//   BLINDAI_TRY(DerReader fields, reader.Sequence("SGX extension"));
//   BLINDAI_TRY(const std::string oid, fields.Oid("field"));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::encoding {

// Identifier octets, universal class.
inline constexpr std::uint8_t kDerBoolean = 0x01;
inline constexpr std::uint8_t kDerInteger = 0x02;
inline constexpr std::uint8_t kDerBitString = 0x03;
inline constexpr std::uint8_t kDerOctetString = 0x04;
inline constexpr std::uint8_t kDerNull = 0x05;
inline constexpr std::uint8_t kDerOid = 0x06;
inline constexpr std::uint8_t kDerEnumerated = 0x0a;
inline constexpr std::uint8_t kDerUtf8String = 0x0c;
inline constexpr std::uint8_t kDerIa5String = 0x16;
inline constexpr std::uint8_t kDerSequence = 0x30;
inline constexpr std::uint8_t kDerSet = 0x31;

struct DerElement {
  std::uint8_t tag = 0;
  base::ByteView content;
  base::ByteView whole;  // tag, length and content
};

class DerReader {
 public:
  explicit DerReader(base::ByteView input) : input_(input) {}

  bool empty() const { return offset_ == input_.size(); }
  // The tag of the next element, 0 at the end.
  std::uint8_t PeekTag() const { return empty() ? std::uint8_t{0} : input_[offset_]; }

  base::Result<DerElement> Next(std::string_view field);
  // The content of the next element, which must have this tag.
  base::Result<base::ByteView> Expect(std::string_view field, std::uint8_t tag);
  base::Result<DerReader> Sequence(std::string_view field);
  base::Result<base::ByteView> OctetString(std::string_view field) { return Expect(field, kDerOctetString); }
  // Dotted text: "1.2.840.113741.1.13.1".
  base::Result<std::string> Oid(std::string_view field);
  base::Result<bool> Boolean(std::string_view field);
  // A non-negative INTEGER or ENUMERATED below 2^63.
  base::Result<std::uint64_t> Unsigned(std::string_view field, std::uint8_t tag = kDerInteger);
  base::Status End(std::string_view what) const;

 private:
  base::ByteView input_;
  std::size_t offset_ = 0;
};

// The size of the element that the bytes start with: certificates in host tables are padded with zeros.
base::Result<std::size_t> DerElementSize(base::ByteView bytes);

// Walks every constructed element: an error unless all lengths are definite, shortest and nested exactly.
base::Status CheckDer(base::ByteView bytes, std::string_view what);

// Writing, for certificates' extensions and tests.
base::Bytes DerEncode(std::uint8_t tag, base::ByteView content);
base::Bytes DerEncodeOid(std::string_view dotted);  // CHECKs that it is an OID
base::Bytes DerEncodeUnsigned(std::uint64_t value, std::uint8_t tag = kDerInteger);

}  // namespace blindai::encoding
