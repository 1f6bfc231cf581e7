#include "protocols/wire/json_fields.h"

#include <limits>

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::Result;

}  // namespace

Result<json::value> ParseSmallJson(base::ByteView text, std::string_view code, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    return base::MakeError(base::ErrorKind::kTooLarge, std::string(code),
                           "JSON of " + std::to_string(text.size()) + " bytes; at most " +
                               std::to_string(max_bytes) + " are read here");
  }
  json::error_code error;
  json::parser parser({}, json::parse_options{});
  const std::size_t used = parser.write_some(base::AsText(text).data(), text.size(), error);
  if (error || used != text.size()) {
    return base::Malformed("not valid JSON (read up to byte " + std::to_string(used) + ")",
                           std::string(code));
  }
  return parser.release();
}

Result<json::object> ParseSmallJsonObject(base::ByteView text, std::string_view code, std::size_t max_bytes) {
  BLINDAI_TRY(json::value value, ParseSmallJson(text, code, max_bytes));
  if (!value.is_object()) return base::Malformed("JSON that is not an object", std::string(code));
  return std::move(value.get_object());
}

base::Error JsonFields::Wrong(std::string_view name, std::string_view what) const {
  std::string message = "'" + std::string(name) + "' " + std::string(what);
  std::string param(name);
  if (!place_.empty()) {
    message = place_ + ": " + message;
    param = place_ + "." + param;
  }
  return base::MakeError(base::ErrorKind::kInvalid, code_, std::move(message), std::move(param));
}

const json::value* JsonFields::Find(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<std::optional<std::string>> JsonFields::OptionalString(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return Wrong(name, "is not a string");
  return std::optional<std::string>(std::string(value->get_string()));
}

Result<std::optional<bool>> JsonFields::OptionalBool(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_bool()) return Wrong(name, "is not true or false");
  return std::optional<bool>(value->get_bool());
}

Result<std::optional<std::int64_t>> JsonFields::OptionalInteger(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::optional<std::int64_t>();
  if (!value->is_int64()) return Wrong(name, "is not an integer of 64 bits");
  return std::optional<std::int64_t>(value->get_int64());
}

Result<std::optional<std::uint64_t>> JsonFields::OptionalUnsigned(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::optional<std::uint64_t>();
  if (value->is_uint64()) return std::optional<std::uint64_t>(value->get_uint64());
  if (value->is_int64() && value->get_int64() >= 0) {
    return std::optional<std::uint64_t>(static_cast<std::uint64_t>(value->get_int64()));
  }
  return Wrong(name, "is not a whole number of 0 or more");
}

Result<const json::object*> JsonFields::OptionalObject(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return static_cast<const json::object*>(nullptr);
  if (!value->is_object()) return Wrong(name, "is not an object");
  return &value->get_object();
}

Result<const json::array*> JsonFields::OptionalArray(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return static_cast<const json::array*>(nullptr);
  if (!value->is_array()) return Wrong(name, "is not an array");
  return &value->get_array();
}

Result<std::string> JsonFields::String(std::string_view name) const {
  BLINDAI_TRY(std::optional<std::string> text, OptionalString(name));
  if (!text) return Wrong(name, "is missing; a string is wanted");
  return *std::move(text);
}

Result<const json::array*> JsonFields::Array(std::string_view name) const {
  BLINDAI_TRY(const json::array* const array, OptionalArray(name));
  if (array == nullptr) return Wrong(name, "is missing; an array is wanted");
  return array;
}

std::string JsonString(std::string_view text) {
  return json::serialize(json::string_view(text.data(), text.size()));
}

bool IsUtf8(base::ByteView bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const std::uint8_t lead = bytes[i++];
    if (lead < 0x80) continue;
    const std::size_t more = lead >= 0xC2 && lead < 0xE0   ? 1
                             : lead >= 0xE0 && lead < 0xF0 ? 2
                             : lead >= 0xF0 && lead < 0xF5 ? 3
                                                           : 0;
    if (more == 0 || bytes.size() - i < more) return false;
    // The first continuation byte also excludes overlong forms, surrogates and what lies above U+10FFFF.
    const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (bytes[i] < low || bytes[i] > high) return false;
    for (std::size_t k = 1; k < more; ++k) {
      if ((bytes[i + k] & 0xC0) != 0x80) return false;
    }
    i += more;
  }
  return true;
}

}  // namespace blindai::wire
