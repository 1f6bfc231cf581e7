#include "encoding/der.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

#include "base/byte_reader.h"
#include "base/check.h"

namespace blindai::encoding {
namespace {

constexpr int kMaxDepth = 24;
constexpr std::uint8_t kConstructed = 0x20;
constexpr std::uint8_t kHighTagNumber = 0x1f;

base::Error BadDer(std::string_view field, std::string_view message) {
  return base::Malformed(std::string(message), "bad-der").Within(field);
}

base::Result<std::size_t> ReadLength(base::ByteReader& reader) {
  BLINDAI_TRY(const std::uint8_t first, reader.U8("length"));
  if (first < 0x80) return std::size_t{first};
  const int count = first & 0x7f;
  if (count == 0) return base::Malformed("indefinite length, DER wants a definite one");
  if (count > 4) return base::Malformed("length of more than four bytes");
  std::size_t length = 0;
  for (int i = 0; i < count; ++i) {
    BLINDAI_TRY(const std::uint8_t byte, reader.U8("length"));
    length = (length << 8) | byte;
  }
  const bool shortest = length >= 0x80 && (count == 1 || (length >> (8 * (count - 1))) != 0);
  if (!shortest) return base::Malformed("length is not in its shortest form");
  return length;
}

base::Result<DerElement> ReadElement(base::ByteView input) {
  base::ByteReader reader(input);
  BLINDAI_TRY(const std::uint8_t tag, reader.U8("tag"));
  if ((tag & kHighTagNumber) == kHighTagNumber) return base::Malformed("tag number above 30");
  BLINDAI_TRY(const std::size_t length, ReadLength(reader));
  BLINDAI_TRY(const base::ByteView content, reader.Take("content", length));
  return DerElement{tag, content, input.first(reader.offset())};
}

base::Status CheckNested(base::ByteView bytes, std::string_view what, int depth) {
  if (depth > kMaxDepth) return BadDer(what, "nested too deeply");
  DerReader reader(bytes);
  while (!reader.empty()) {
    BLINDAI_TRY(const DerElement element, reader.Next(what));
    if ((element.tag & kConstructed) != 0) {
      BLINDAI_RETURN_IF_ERROR(CheckNested(element.content, what, depth + 1));
    }
  }
  return base::Ok();
}

}  // namespace

base::Result<DerElement> DerReader::Next(std::string_view field) {
  auto element = ReadElement(input_.subspan(offset_));
  if (!element.ok()) return BadDer(field, element.error().message);
  offset_ += element->whole.size();
  return element;
}

base::Result<base::ByteView> DerReader::Expect(std::string_view field, std::uint8_t tag) {
  if (PeekTag() != tag) {
    return BadDer(field, "tag is " + std::to_string(PeekTag()) + ", wanted " + std::to_string(tag));
  }
  BLINDAI_TRY(const DerElement element, Next(field));
  return element.content;
}

base::Result<DerReader> DerReader::Sequence(std::string_view field) {
  BLINDAI_TRY(const base::ByteView content, Expect(field, kDerSequence));
  return DerReader(content);
}

base::Result<std::string> DerReader::Oid(std::string_view field) {
  BLINDAI_TRY(const base::ByteView content, Expect(field, kDerOid));
  if (content.empty()) return BadDer(field, "empty object identifier");
  std::string text;
  std::uint64_t arc = 0;
  bool arc_started = false;
  for (const std::uint8_t byte : content) {
    if (!arc_started && byte == 0x80) return BadDer(field, "object identifier is not in its shortest form");
    if (arc > (std::numeric_limits<std::uint64_t>::max() >> 7)) {
      return BadDer(field, "object identifier has a number over 64 bits");
    }
    arc = (arc << 7) | (byte & 0x7f);
    arc_started = (byte & 0x80) != 0;
    if (arc_started) continue;
    if (text.empty()) {
      // X.690 8.19.4: the first two numbers share one arc.
      const std::uint64_t first = std::min<std::uint64_t>(arc / 40, 2);
      text = std::to_string(first) + "." + std::to_string(arc - 40 * first);
    } else {
      text += "." + std::to_string(arc);
    }
    arc = 0;
  }
  if (arc_started) return BadDer(field, "object identifier ends early");
  return text;
}

base::Result<bool> DerReader::Boolean(std::string_view field) {
  BLINDAI_TRY(const base::ByteView content, Expect(field, kDerBoolean));
  if (content.size() != 1 || (content[0] != 0x00 && content[0] != 0xff)) {
    return BadDer(field, "BOOLEAN is neither 00 nor FF");
  }
  return content[0] == 0xff;
}

base::Result<std::uint64_t> DerReader::Unsigned(std::string_view field, std::uint8_t tag) {
  BLINDAI_TRY(const base::ByteView content, Expect(field, tag));
  if (content.empty() || content.size() > 8) return BadDer(field, "INTEGER has no bytes or more than eight");
  if ((content[0] & 0x80) != 0) return BadDer(field, "INTEGER is negative, wanted zero or more");
  if (content.size() > 1 && content[0] == 0 && (content[1] & 0x80) == 0) {
    return BadDer(field, "INTEGER is not in its shortest form");
  }
  std::uint64_t value = 0;
  for (const std::uint8_t byte : content) value = (value << 8) | byte;
  return value;
}

base::Status DerReader::End(std::string_view what) const {
  if (empty()) return base::Ok();
  return BadDer(what, std::to_string(input_.size() - offset_) + " bytes follow where it should end");
}

base::Result<std::size_t> DerElementSize(base::ByteView bytes) {
  BLINDAI_TRY(const DerElement element, DerReader(bytes).Next("element"));
  return element.whole.size();
}

base::Status CheckDer(base::ByteView bytes, std::string_view what) { return CheckNested(bytes, what, 0); }

base::Bytes DerEncode(std::uint8_t tag, base::ByteView content) {
  base::Bytes out = {tag};
  if (content.size() < 0x80) {
    out.push_back(static_cast<std::uint8_t>(content.size()));
  } else {
    base::Bytes length;
    for (std::size_t rest = content.size(); rest != 0; rest >>= 8) {
      length.insert(length.begin(), static_cast<std::uint8_t>(rest));
    }
    out.push_back(static_cast<std::uint8_t>(0x80 | length.size()));
    out.insert(out.end(), length.begin(), length.end());
  }
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

base::Bytes DerEncodeOid(std::string_view dotted) {
  std::vector<std::uint64_t> arcs;
  const char* position = dotted.data();
  const char* const end = dotted.data() + dotted.size();
  while (position < end) {
    std::uint64_t arc = 0;
    const auto [next, error] = std::from_chars(position, end, arc);
    BLINDAI_CHECK(error == std::errc() && (next == end || *next == '.'));
    arcs.push_back(arc);
    position = next + 1;
  }
  BLINDAI_CHECK(arcs.size() >= 2 && arcs[0] <= 2);
  arcs[1] += 40 * arcs[0];
  base::Bytes content;
  for (std::size_t i = 1; i < arcs.size(); ++i) {
    base::Bytes digits = {static_cast<std::uint8_t>(arcs[i] & 0x7f)};
    for (std::uint64_t rest = arcs[i] >> 7; rest != 0; rest >>= 7) {
      digits.insert(digits.begin(), static_cast<std::uint8_t>(0x80 | (rest & 0x7f)));
    }
    content.insert(content.end(), digits.begin(), digits.end());
  }
  return DerEncode(kDerOid, content);
}

base::Bytes DerEncodeUnsigned(std::uint64_t value, std::uint8_t tag) {
  base::Bytes content = {static_cast<std::uint8_t>(value)};
  for (std::uint64_t rest = value >> 8; rest != 0; rest >>= 8) {
    content.insert(content.begin(), static_cast<std::uint8_t>(rest));
  }
  if ((content[0] & 0x80) != 0) content.insert(content.begin(), 0);
  return DerEncode(tag, content);
}

}  // namespace blindai::encoding
