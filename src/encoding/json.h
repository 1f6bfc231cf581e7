// JSON (RFC 8259) over Boost.JSON, made strict: a size and a depth bound, and a key that stands twice in an
// object is an error, because two readers of such a text can see two different things. Errors name the place
// and never show the text. Codes: "bad-json", "duplicate-key", "too-large", and of the typed fields
// "missing-field" and "wrong-type" with the field as param.
//
//   BLINDAI_TRY(const auto document, ParseJsonObject(text));
//   BLINDAI_TRY(const std::string id, JsonString(document, "id"));
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace blindai::encoding {

struct JsonLimits {
  std::size_t max_bytes = 1024 * 1024;
  std::size_t max_depth = 32;
};

base::Result<boost::json::value> ParseJson(std::string_view text, const JsonLimits& limits = {});
base::Result<boost::json::object> ParseJsonObject(std::string_view text, const JsonLimits& limits = {});

// The exact bytes of a member's value in a text whose outermost value is an object, as they were sent:
// signatures over JSON are over these. The whole text is parsed first, so the slice cannot mean something
// else to a reader. The member's name must be written without escapes.
base::Result<std::string_view> JsonMemberText(std::string_view text, std::string_view member,
                                              const JsonLimits& limits = {});

// A required field of one type. Numbers are exact: 3.0 is no integer, and 2^63 fits only Unsigned.
base::Result<std::string> JsonString(const boost::json::object& object, std::string_view field);
base::Result<std::int64_t> JsonInteger(const boost::json::object& object, std::string_view field);
base::Result<std::uint64_t> JsonUnsigned(const boost::json::object& object, std::string_view field);
base::Result<double> JsonNumber(const boost::json::object& object, std::string_view field);
base::Result<bool> JsonBool(const boost::json::object& object, std::string_view field);
base::Result<const boost::json::object*> JsonObject(const boost::json::object& object,
                                                    std::string_view field);
base::Result<const boost::json::array*> JsonArray(const boost::json::object& object, std::string_view field);
// Text of a certain meaning.
base::Result<base::Bytes> JsonHex(const boost::json::object& object, std::string_view field);
base::Result<base::Time> JsonTime(const boost::json::object& object, std::string_view field);

// An optional field: null when it is not there or JSON's null.
const boost::json::value* JsonFind(const boost::json::object& object, std::string_view field);
// The value when the field is there and no null, the fallback when not; a wrong type is still an error.
base::Result<std::optional<std::string>> JsonOptionalString(const boost::json::object& object,
                                                            std::string_view field);

// The error for a field of a wrong type or value, for callers with rules of their own.
base::Error JsonFieldError(std::string_view field, std::string_view wanted);

}  // namespace blindai::encoding
