#include "protocols/wire/json_fields.h"

#include <utility>

#include "encoding/json.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::Result;

}  // namespace

Result<json::value> ParseSmallJson(base::ByteView text, std::string_view code, std::size_t max_bytes) {
  encoding::JsonLimits limits;
  limits.max_bytes = max_bytes;
  auto value = encoding::ParseJson(base::AsText(text), limits);
  if (value.ok()) return value;
  base::Error error = std::move(value).error();
  error.code = code;
  return error;
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

}  // namespace blindai::wire
