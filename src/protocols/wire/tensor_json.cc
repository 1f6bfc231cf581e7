#include "protocols/wire/tensor_json.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "encoding/utf8.h"
#include "protocols/wire/json_fields.h"

namespace blindai::wire {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor elements are copied as they lie in memory");

using vocabulary::Datatype;
using vocabulary::DatatypeName;

base::Error WrongElement(Datatype datatype, std::string_view wanted) {
  return base::Malformed(
      "not " + std::string(wanted) + ", which " + std::string(DatatypeName(datatype)) + " wants",
      "tensor-element");
}

template <typename T>
void Append(T value, base::Bytes& out) {
  const std::size_t at = out.size();
  out.resize(at + sizeof(T));
  std::memcpy(out.data() + at, &value, sizeof(T));
}

template <typename Integer>
base::Status AppendInteger(Datatype datatype, std::string_view text, base::Bytes& out) {
  if (text == "-0") text = "0";
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return WrongElement(datatype, std::is_signed_v<Integer> ? "an integer in its range"
                                                            : "a whole number of 0 or more in its range");
  }
  Append(value, out);
  return base::Ok();
}

// Whether a number's first digit that is not 0 stands behind the decimal point once the exponent is applied.
bool IsBelowOne(std::string_view text) {
  const std::size_t mark = text.find_first_of("eE");
  std::string_view digits = text.substr(0, mark);
  if (digits.starts_with('-')) digits.remove_prefix(1);
  std::int64_t exponent = 0;
  if (mark != std::string_view::npos) {
    std::string_view written = text.substr(mark + 1);
    if (written.starts_with('+')) written.remove_prefix(1);
    if (std::from_chars(written.data(), written.data() + written.size(), exponent).ec != std::errc()) {
      return written.starts_with('-');
    }
  }
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::size_t first = digits.find_first_not_of("0.");
  const auto position = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  return exponent < 0 ? position <= -exponent : position + exponent <= 0;
}

template <typename Float>
base::Status AppendFloat(Datatype datatype, std::string_view text, base::Bytes& out) {
  Float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    // Too small for the datatype is zero, as everywhere; too large would become Infinity and is refused.
    if (!IsBelowOne(text)) return WrongElement(datatype, "a number in its range");
    value = text.front() == '-' ? Float{-0.0} : Float{0};
  } else if (error != std::errc() || end != text.data() + text.size()) {
    return WrongElement(datatype, "a number");
  }
  Append(value, out);
  return base::Ok();
}

template <typename T>
T ElementAt(base::ByteView data, std::size_t index) {
  T value;
  std::memcpy(&value, data.data() + index * sizeof(T), sizeof(T));
  return value;
}

base::Error NoJsonForm(const vocabulary::TensorView& tensor, std::string_view why) {
  return base::MakeError(base::ErrorKind::kInvalid, "tensor-json",
                         "tensor '" + tensor.name + "' " + std::string(why) +
                             ", which JSON cannot carry; use binary tensor data (binary_data: true)",
                         tensor.name);
}

template <typename T>
base::Status AppendNumbers(const vocabulary::TensorView& tensor, std::string& out) {
  const std::size_t count = tensor.data.size() / sizeof(T);
  // 32 characters hold the longest shortest form of a double and of a 64-bit integer.
  char text[32];
  for (std::size_t i = 0; i < count; ++i) {
    const T value = ElementAt<T>(tensor.data, i);
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(value)) return NoJsonForm(tensor, "holds NaN or Infinity");
    }
    const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
    if (i > 0) out += ',';
    out.append(text, end);
  }
  return base::Ok();
}

base::Status AppendBools(const vocabulary::TensorView& tensor, std::string& out) {
  for (std::size_t i = 0; i < tensor.data.size(); ++i) {
    if (i > 0) out += ',';
    out += tensor.data[i] != 0 ? "true" : "false";
  }
  return base::Ok();
}

base::Status AppendStrings(const vocabulary::TensorView& tensor, std::string& out) {
  std::size_t at = 0;
  while (at < tensor.data.size()) {
    const auto length = ElementAt<std::uint32_t>(tensor.data.subspan(at), 0);
    const base::ByteView element = tensor.data.subspan(at + 4, length);
    if (!encoding::IsUtf8(base::AsText(element))) return NoJsonForm(tensor, "holds bytes that are not UTF-8");
    if (at > 0) out += ',';
    out += JsonString(base::AsText(element));
    at += 4 + element.size();
  }
  return base::Ok();
}

}  // namespace

bool HasJsonForm(Datatype datatype) { return datatype != Datatype::kFp16 && datatype != Datatype::kBf16; }

base::Status AppendNumber(Datatype datatype, std::string_view text, base::Bytes& out) {
  switch (datatype) {
    case Datatype::kUint8:
      return AppendInteger<std::uint8_t>(datatype, text, out);
    case Datatype::kUint16:
      return AppendInteger<std::uint16_t>(datatype, text, out);
    case Datatype::kUint32:
      return AppendInteger<std::uint32_t>(datatype, text, out);
    case Datatype::kUint64:
      return AppendInteger<std::uint64_t>(datatype, text, out);
    case Datatype::kInt8:
      return AppendInteger<std::int8_t>(datatype, text, out);
    case Datatype::kInt16:
      return AppendInteger<std::int16_t>(datatype, text, out);
    case Datatype::kInt32:
      return AppendInteger<std::int32_t>(datatype, text, out);
    case Datatype::kInt64:
      return AppendInteger<std::int64_t>(datatype, text, out);
    case Datatype::kFp32:
      return AppendFloat<float>(datatype, text, out);
    case Datatype::kFp64:
      return AppendFloat<double>(datatype, text, out);
    case Datatype::kBool:
      return WrongElement(datatype, "true or false");
    case Datatype::kBytes:
      return WrongElement(datatype, "a string");
    case Datatype::kFp16:
    case Datatype::kBf16:
      break;
  }
  return WrongElement(datatype, "binary tensor data");
}

base::Status AppendBool(Datatype datatype, bool value, base::Bytes& out) {
  if (datatype == Datatype::kBool) {
    out.push_back(value ? 1 : 0);
    return base::Ok();
  }
  return WrongElement(datatype, datatype == Datatype::kBytes ? "a string" : "a number");
}

base::Status AppendString(Datatype datatype, std::string_view text, base::Bytes& out) {
  if (datatype == Datatype::kBytes) {
    if (text.size() > std::numeric_limits<std::uint32_t>::max())
      return WrongElement(datatype, "a string below 2^32 bytes");
    Append(static_cast<std::uint32_t>(text.size()), out);
    out.insert(out.end(), text.begin(), text.end());
    return base::Ok();
  }
  return WrongElement(datatype, datatype == Datatype::kBool ? "true or false" : "a number");
}

base::Status AppendJsonData(const vocabulary::TensorView& tensor, std::string& out) {
  const auto append = [&]() -> base::Status {
    switch (tensor.datatype) {
      case Datatype::kBool:
        return AppendBools(tensor, out);
      case Datatype::kUint8:
        return AppendNumbers<std::uint8_t>(tensor, out);
      case Datatype::kUint16:
        return AppendNumbers<std::uint16_t>(tensor, out);
      case Datatype::kUint32:
        return AppendNumbers<std::uint32_t>(tensor, out);
      case Datatype::kUint64:
        return AppendNumbers<std::uint64_t>(tensor, out);
      case Datatype::kInt8:
        return AppendNumbers<std::int8_t>(tensor, out);
      case Datatype::kInt16:
        return AppendNumbers<std::int16_t>(tensor, out);
      case Datatype::kInt32:
        return AppendNumbers<std::int32_t>(tensor, out);
      case Datatype::kInt64:
        return AppendNumbers<std::int64_t>(tensor, out);
      case Datatype::kFp32:
        return AppendNumbers<float>(tensor, out);
      case Datatype::kFp64:
        return AppendNumbers<double>(tensor, out);
      case Datatype::kBytes:
        return AppendStrings(tensor, out);
      case Datatype::kFp16:
      case Datatype::kBf16:
        break;
    }
    return NoJsonForm(tensor, "is " + std::string(DatatypeName(tensor.datatype)));
  };
  out += '[';
  BLINDAI_RETURN_IF_ERROR(append());
  out += ']';
  return base::Ok();
}

}  // namespace blindai::wire
