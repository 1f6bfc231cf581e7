#include "encoding/cbor.h"

#include <bit>
#include <cmath>
#include <set>
#include <tuple>

#include "base/byte_reader.h"
#include "encoding/utf8.h"

namespace blindai::encoding {
namespace {

base::Error BadCbor(std::string message) { return base::Malformed(std::move(message), "bad-cbor"); }
base::Error EndsEarly() { return base::Malformed("CBOR ends early", "cbor-ends-early"); }
base::Error TooLarge(std::string message) {
  return base::MakeError(base::ErrorKind::kTooLarge, "too-large", std::move(message));
}

// Additional information of the initial byte, RFC 8949 section 3.
constexpr std::uint8_t kOneByte = 24;
constexpr std::uint8_t kEightBytes = 27;
constexpr std::uint8_t kIndefinite = 31;
// Major type 7, section 3.3.
constexpr std::uint8_t kFalse = 20;
constexpr std::uint8_t kTrue = 21;
constexpr std::uint8_t kNull = 22;
constexpr std::uint8_t kUndefined = 23;
constexpr std::uint8_t kHalf = 25;
constexpr std::uint8_t kSingle = 26;
constexpr std::uint8_t kDouble = 27;

// Appendix D.
double HalfToDouble(std::uint64_t half) {
  const int exponent = static_cast<int>((half >> 10) & 0x1f);
  const double mantissa = static_cast<double>(half & 0x3ff);
  double value = 0;
  if (exponent == 0) {
    value = std::ldexp(mantissa, -24);
  } else if (exponent != 31) {
    value = std::ldexp(mantissa + 1024, exponent - 25);
  } else {
    value =
        mantissa == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  }
  return (half & 0x8000) != 0 ? -value : value;
}

base::Result<CborHead> SimpleHead(CborHead head, std::uint8_t info) {
  switch (info) {
    case kFalse:
    case kTrue:
      head.kind = CborKind::kBool;
      head.number = info == kTrue ? 1 : 0;
      return head;
    case kNull:
      head.kind = CborKind::kNull;
      return head;
    case kUndefined:
      head.kind = CborKind::kUndefined;
      return head;
    case kHalf:
      head.real = HalfToDouble(head.number);
      break;
    case kSingle:
      head.real = std::bit_cast<float>(static_cast<std::uint32_t>(head.number));
      break;
    case kDouble:
      head.real = std::bit_cast<double>(head.number);
      break;
    case kIndefinite:
      head.kind = CborKind::kBreak;
      return head;
    default:
      return BadCbor("CBOR simple value without a meaning");
  }
  head.kind = CborKind::kFloat;
  head.number = 0;
  return head;
}

class TreeParser {
 public:
  TreeParser(base::ByteView input, const CborLimits& limits) : input_(input), limits_(limits) {}

  base::Result<CborValue> Parse() {
    BLINDAI_TRY(CborValue value, Value(0));
    if (offset_ != input_.size()) {
      return BadCbor(std::to_string(input_.size() - offset_) + " bytes follow the CBOR value");
    }
    return value;
  }

 private:
  base::Result<CborHead> Head() {
    BLINDAI_TRY(const CborHead head, ReadCborHead(input_.subspan(offset_)));
    offset_ += head.head_bytes;
    return head;
  }

  base::Result<CborValue> Value(int depth) {
    BLINDAI_TRY(const CborHead head, Head());
    if (head.kind == CborKind::kBreak) return BadCbor("CBOR break outside of an indefinite-length item");
    return ValueOf(head, depth);
  }

  base::Result<CborValue> ValueOf(const CborHead& head, int depth) {
    if (depth > limits_.max_depth) return TooLarge("CBOR is nested too deeply");
    if (++items_ > limits_.max_items) return TooLarge("CBOR has too many values");
    CborValue value;
    value.kind = head.kind;
    value.number = head.number;
    value.real = head.real;
    switch (head.kind) {
      case CborKind::kBytes:
      case CborKind::kText:
        BLINDAI_RETURN_IF_ERROR(ReadString(head, value));
        break;
      case CborKind::kArray:
        BLINDAI_RETURN_IF_ERROR(ReadItems(head, 1, depth, value));
        break;
      case CborKind::kMap:
        BLINDAI_RETURN_IF_ERROR(ReadItems(head, 2, depth, value));
        BLINDAI_RETURN_IF_ERROR(CheckKeys(value));
        break;
      case CborKind::kTag: {
        BLINDAI_TRY(CborValue tagged, Value(depth + 1));
        value.items.push_back(std::move(tagged));
        break;
      }
      default:
        break;
    }
    return value;
  }

  base::Status ReadChunk(const CborHead& head, CborValue& value) {
    if (head.number > input_.size() - offset_) return EndsEarly();
    const base::ByteView chunk = input_.subspan(offset_, static_cast<std::size_t>(head.number));
    offset_ += chunk.size();
    // Section 3.2.3: each chunk of a text is UTF-8 by itself.
    if (head.kind == CborKind::kText && !IsUtf8(base::AsText(chunk)))
      return BadCbor("CBOR text is not UTF-8");
    value.string.insert(value.string.end(), chunk.begin(), chunk.end());
    return base::Ok();
  }

  base::Status ReadString(const CborHead& head, CborValue& value) {
    value.number = 0;
    if (!head.indefinite) return ReadChunk(head, value);
    while (true) {
      BLINDAI_TRY(const CborHead chunk, Head());
      if (chunk.kind == CborKind::kBreak) return base::Ok();
      if (chunk.kind != head.kind || chunk.indefinite)
        return BadCbor("CBOR string with a chunk of another kind");
      BLINDAI_RETURN_IF_ERROR(ReadChunk(chunk, value));
    }
  }

  // Grows by what was read, never by what a head promises.
  base::Status ReadItems(const CborHead& head, std::uint64_t values_each, int depth, CborValue& value) {
    value.number = 0;
    if (head.number > limits_.max_items) return TooLarge("CBOR has too many values");
    const std::uint64_t wanted = head.number * values_each;
    while (head.indefinite || value.items.size() < wanted) {
      BLINDAI_TRY(const CborHead next, Head());
      if (next.kind == CborKind::kBreak) {
        if (!head.indefinite || value.items.size() % values_each != 0) {
          return BadCbor("CBOR break where a value is wanted");
        }
        return base::Ok();
      }
      BLINDAI_TRY(CborValue item, ValueOf(next, depth + 1));
      value.items.push_back(std::move(item));
    }
    return base::Ok();
  }

  static base::Status CheckKeys(const CborValue& map) {
    std::set<std::tuple<CborKind, std::uint64_t, std::string_view>> seen;
    for (std::size_t i = 0; i < map.items.size(); i += 2) {
      const CborValue& key = map.items[i];
      const bool simple = key.kind == CborKind::kUnsigned || key.kind == CborKind::kNegative ||
                          key.kind == CborKind::kText || key.kind == CborKind::kBytes;
      if (!simple) return BadCbor("CBOR map key is neither a number nor a string");
      if (!seen.emplace(key.kind, key.number, key.text()).second) return BadCbor("CBOR map key stands twice");
    }
    return base::Ok();
  }

  base::ByteView input_;
  CborLimits limits_;
  std::size_t offset_ = 0;
  std::size_t items_ = 0;
};

// Walks over one value without keeping any of it; what is open is a stack of at most max_depth levels.
class ItemWalker {
 public:
  ItemWalker(base::ByteView input, const CborLimits& limits) : input_(input), limits_(limits) {}

  base::Result<std::size_t> Walk() {
    do {
      BLINDAI_TRY(const CborHead head, ReadCborHead(input_.subspan(offset_)));
      offset_ += head.head_bytes;
      if (++items_ > limits_.max_items) return TooLarge("CBOR has too many values");
      BLINDAI_RETURN_IF_ERROR(Take(head));
    } while (!open_.empty());
    return offset_;
  }

 private:
  struct Level {
    CborKind kind;
    bool indefinite;
    std::uint64_t left;  // values that a definite level still wants
  };

  base::Status Take(const CborHead& head) {
    const bool in_chunks = !open_.empty() && open_.back().indefinite &&
                           (open_.back().kind == CborKind::kBytes || open_.back().kind == CborKind::kText);
    if (head.kind == CborKind::kBreak) {
      if (open_.empty() || !open_.back().indefinite)
        return BadCbor("CBOR break outside of an indefinite-length item");
      open_.pop_back();
      return Complete();
    }
    if (in_chunks && (head.kind != open_.back().kind || head.indefinite))
      return BadCbor("CBOR string with a chunk of another kind");
    switch (head.kind) {
      case CborKind::kBytes:
      case CborKind::kText:
        if (head.indefinite) return Open(head, 0);
        if (head.number > input_.size() - offset_) return EndsEarly();
        offset_ += static_cast<std::size_t>(head.number);
        return Complete();
      case CborKind::kArray:
        return Open(head, 1);
      case CborKind::kMap:
        return Open(head, 2);
      case CborKind::kTag:
        return Open({.kind = CborKind::kTag, .number = 1}, 1);
      default:
        return Complete();
    }
  }

  base::Status Open(const CborHead& head, std::uint64_t values_each) {
    if (head.number > limits_.max_items) return TooLarge("CBOR has too many values");
    if (!head.indefinite && head.number == 0) return Complete();
    if (open_.size() > static_cast<std::size_t>(limits_.max_depth))
      return TooLarge("CBOR is nested too deeply");
    open_.push_back({head.kind, head.indefinite, head.number * values_each});
    return base::Ok();
  }

  // One value has ended, and with it every definite level of which it was the last.
  base::Status Complete() {
    while (!open_.empty() && !open_.back().indefinite && --open_.back().left == 0) open_.pop_back();
    return base::Ok();
  }

  base::ByteView input_;
  CborLimits limits_;
  std::size_t offset_ = 0;
  std::size_t items_ = 0;
  std::vector<Level> open_;
};

const char* KindName(CborKind kind) {
  switch (kind) {
    case CborKind::kUnsigned:
      return "an unsigned integer";
    case CborKind::kBytes:
      return "a byte string";
    case CborKind::kText:
      return "a text";
    case CborKind::kArray:
      return "an array";
    case CborKind::kMap:
      return "a map";
    case CborKind::kBool:
      return "true or false";
    case CborKind::kFloat:
      return "a float";
    default:
      return "another kind";
  }
}

}  // namespace

base::Result<CborHead> ReadCborHead(base::ByteView bytes) {
  if (bytes.empty()) return EndsEarly();
  const int major = bytes[0] >> 5;
  const std::uint8_t info = bytes[0] & 0x1f;
  CborHead head;
  head.head_bytes = 1;
  head.number = info;
  if (info >= kOneByte && info <= kEightBytes) {
    const std::size_t size = std::size_t{1} << (info - kOneByte);
    if (bytes.size() < 1 + size) return EndsEarly();
    head.number = 0;
    for (std::size_t i = 0; i < size; ++i) head.number = (head.number << 8) | bytes[1 + i];
    head.head_bytes = 1 + size;
  } else if (info == kIndefinite) {
    head.number = 0;
    head.indefinite = major >= 2 && major <= 5;
    if (!head.indefinite && major != 7) return BadCbor("CBOR head with a reserved length");
  } else if (info > kEightBytes) {
    return BadCbor("CBOR head with a reserved length");
  }
  if (major == 7) return SimpleHead(head, info);
  constexpr CborKind kKinds[] = {CborKind::kUnsigned, CborKind::kNegative, CborKind::kBytes, CborKind::kText,
                                 CborKind::kArray,    CborKind::kMap,      CborKind::kTag};
  head.kind = kKinds[major];
  return head;
}

const CborValue* CborValue::Find(std::string_view key) const {
  if (kind != CborKind::kMap) return nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind == CborKind::kText && items[i].text() == key) return &items[i + 1];
  }
  return nullptr;
}

base::Result<CborValue> ParseCbor(base::ByteView bytes, const CborLimits& limits) {
  if (bytes.size() > limits.max_bytes) {
    return TooLarge("CBOR has " + std::to_string(bytes.size()) + " bytes, at most " +
                    std::to_string(limits.max_bytes) + " are read");
  }
  return TreeParser(bytes, limits).Parse();
}

base::Result<std::size_t> CborItemSize(base::ByteView bytes, const CborLimits& limits) {
  return ItemWalker(bytes, limits).Walk();
}

base::Result<const CborValue*> CborField(const CborValue& map, std::string_view field, CborKind kind) {
  const CborValue* value = map.Find(field);
  if (value == nullptr) {
    return base::MakeError(base::ErrorKind::kInvalid, "missing-field", "field is missing", std::string(field))
        .Within(field);
  }
  if (value->kind != kind) {
    return base::MakeError(base::ErrorKind::kInvalid, "wrong-type",
                           std::string("is ") + KindName(value->kind) + ", wanted " + KindName(kind),
                           std::string(field))
        .Within(field);
  }
  return value;
}

base::Result<base::Bytes> CborBytesField(const CborValue& map, std::string_view field) {
  BLINDAI_TRY(const CborValue* value, CborField(map, field, CborKind::kBytes));
  return value->string;
}

base::Result<std::string> CborTextField(const CborValue& map, std::string_view field) {
  BLINDAI_TRY(const CborValue* value, CborField(map, field, CborKind::kText));
  return std::string(value->text());
}

base::Result<std::uint64_t> CborUnsignedField(const CborValue& map, std::string_view field) {
  BLINDAI_TRY(const CborValue* value, CborField(map, field, CborKind::kUnsigned));
  return value->number;
}

CborWriter& CborWriter::Byte(std::uint8_t byte) {
  out_.push_back(byte);
  return *this;
}

CborWriter& CborWriter::Head(int major, std::uint64_t number) {
  int bytes = 0;
  std::uint8_t info = static_cast<std::uint8_t>(number);
  if (number > 0xffffffff) {
    bytes = 8;
    info = 27;
  } else if (number > 0xffff) {
    bytes = 4;
    info = 26;
  } else if (number > 0xff) {
    bytes = 2;
    info = 25;
  } else if (number >= kOneByte) {
    bytes = 1;
    info = 24;
  }
  Byte(static_cast<std::uint8_t>((major << 5) | info));
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) Byte(static_cast<std::uint8_t>(number >> shift));
  return *this;
}

CborWriter& CborWriter::Signed(std::int64_t value) {
  if (value >= 0) return Unsigned(static_cast<std::uint64_t>(value));
  return Head(1, static_cast<std::uint64_t>(-(value + 1)));
}

CborWriter& CborWriter::Bytes(base::ByteView bytes) {
  Head(2, bytes.size());
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return *this;
}

CborWriter& CborWriter::Text(std::string_view text) {
  Head(3, text.size());
  out_.insert(out_.end(), text.begin(), text.end());
  return *this;
}

CborWriter& CborWriter::Double(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  Byte(0xfb);
  for (int shift = 56; shift >= 0; shift -= 8) Byte(static_cast<std::uint8_t>(bits >> shift));
  return *this;
}

}  // namespace blindai::encoding
