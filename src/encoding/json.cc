#include "encoding/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <set>
#include <vector>

#include "encoding/hex.h"

namespace blindai::encoding {
namespace {

namespace json = boost::json;

// Builds the value as Boost's own parser does, and keeps the keys of every open object to see one that
// repeats.
struct TreeHandler {
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();
  using Code = json::error_code;

  json::value_stack stack;
  std::vector<std::set<std::string, std::less<>>> open_objects;
  std::string key;
  bool duplicate_key = false;

  TreeHandler() { stack.reset(); }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) {
    open_objects.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t count, Code&) {
    open_objects.pop_back();
    stack.push_object(count);
    return true;
  }
  bool on_array_begin(Code&) { return true; }
  bool on_array_end(std::size_t count, Code&) {
    stack.push_array(count);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, Code&) {
    key.append(part.data(), part.size());
    stack.push_chars(part);
    return true;
  }
  bool on_key(json::string_view last, std::size_t, Code& code) {
    key.append(last.data(), last.size());
    duplicate_key = !open_objects.back().insert(std::exchange(key, {})).second;
    if (duplicate_key) {
      code = json::error::syntax;
      return false;
    }
    stack.push_key(last);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, Code&) {
    stack.push_chars(part);
    return true;
  }
  bool on_string(json::string_view last, std::size_t, Code&) {
    stack.push_string(last);
    return true;
  }
  bool on_number_part(json::string_view, Code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, Code&) {
    stack.push_int64(value);
    return true;
  }
  bool on_uint64(std::uint64_t value, json::string_view, Code&) {
    stack.push_uint64(value);
    return true;
  }
  bool on_double(double value, json::string_view, Code&) {
    stack.push_double(value);
    return true;
  }
  bool on_bool(bool value, Code&) {
    stack.push_bool(value);
    return true;
  }
  bool on_null(Code&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, Code&) { return true; }
  bool on_comment(json::string_view, Code&) { return true; }
};

// Walks text that ParseJson has accepted.
class ObjectScanner {
 public:
  explicit ObjectScanner(std::string_view text) : text_(text) {}

  base::Result<std::string_view> Member(std::string_view name) {
    SkipSpace();
    ++position_;  // the opening brace
    SkipSpace();
    while (text_[position_] == '"') {
      const std::string_view key = TakeString();
      SkipSpace();
      ++position_;  // the colon
      SkipSpace();
      const std::size_t start = position_;
      SkipValue();
      if (key == name) return text_.substr(start, position_ - start);
      SkipSpace();
      if (text_[position_] == ',') ++position_;
      SkipSpace();
    }
    return base::MakeError(base::ErrorKind::kInvalid, "missing-field", "field is missing", std::string(name))
        .Within(name);
  }

 private:
  void SkipSpace() { position_ = text_.find_first_not_of(" \t\r\n", position_); }

  // What stands between the quotes, escapes unread.
  std::string_view TakeString() {
    const std::size_t start = ++position_;
    while (text_[position_] != '"') position_ += text_[position_] == '\\' ? 2 : 1;
    return text_.substr(start, position_++ - start);
  }

  void SkipValue() {
    int depth = 0;
    do {
      const char c = text_[position_];
      if (c == '"') {
        TakeString();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++position_;
      } else if (c == '}' || c == ']') {
        --depth;
        ++position_;
      } else if (depth == 0) {
        position_ = text_.find_first_of(",}] \t\r\n", position_);
      } else {
        ++position_;
      }
    } while (depth > 0);
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

base::Result<const json::value*> Required(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains({field.data(), field.size()});
  if (value == nullptr) {
    return base::MakeError(base::ErrorKind::kInvalid, "missing-field", "field is missing", std::string(field))
        .Within(field);
  }
  return value;
}

}  // namespace

base::Error JsonFieldError(std::string_view field, std::string_view wanted) {
  return base::MakeError(base::ErrorKind::kInvalid, "wrong-type", "is not " + std::string(wanted),
                         std::string(field))
      .Within(field);
}

base::Result<json::value> ParseJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return base::MakeError(base::ErrorKind::kTooLarge, "too-large",
                           "JSON has " + std::to_string(text.size()) + " bytes, at most " +
                               std::to_string(limits.max_bytes) + " are read");
  }
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::basic_parser<TreeHandler> parser(options);
  json::error_code code;
  const std::size_t consumed = parser.write_some(false, text.data(), text.size(), code);
  if (parser.handler().duplicate_key) {
    return base::Malformed("JSON: a key stands twice in one object, near byte " + std::to_string(consumed),
                           "duplicate-key");
  }
  if (code == json::error::too_deep) {
    return base::MakeError(base::ErrorKind::kTooLarge, "too-large",
                           "JSON is nested deeper than " + std::to_string(limits.max_depth));
  }
  if (code) return base::Malformed("JSON is wrong near byte " + std::to_string(consumed), "bad-json");
  if (text.find_first_not_of(" \t\r\n", consumed) != std::string_view::npos) {
    return base::Malformed("JSON: something follows the value at byte " + std::to_string(consumed),
                           "bad-json");
  }
  return parser.handler().stack.release();
}

base::Result<json::object> ParseJsonObject(std::string_view text, const JsonLimits& limits) {
  BLINDAI_TRY(json::value value, ParseJson(text, limits));
  if (!value.is_object()) return base::Malformed("JSON is not an object", "bad-json");
  return std::move(value.get_object());
}

base::Result<std::string_view> JsonMemberText(std::string_view text, std::string_view member,
                                              const JsonLimits& limits) {
  BLINDAI_TRY(const json::object object, ParseJsonObject(text, limits));
  return ObjectScanner(text).Member(member);
}

base::Result<std::string> JsonString(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const json::value* value, Required(object, field));
  if (!value->is_string()) return JsonFieldError(field, "a string");
  return std::string(value->get_string());
}

base::Result<std::int64_t> JsonInteger(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const json::value* value, Required(object, field));
  if (!value->is_int64()) return JsonFieldError(field, "an integer");
  return value->get_int64();
}

base::Result<std::uint64_t> JsonUnsigned(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const json::value* value, Required(object, field));
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
  return JsonFieldError(field, "an integer of zero or more");
}

base::Result<double> JsonNumber(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const json::value* value, Required(object, field));
  if (!value->is_number()) return JsonFieldError(field, "a number");
  return value->to_number<double>();
}

base::Result<bool> JsonBool(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const json::value* value, Required(object, field));
  if (!value->is_bool()) return JsonFieldError(field, "true or false");
  return value->get_bool();
}

base::Result<const json::object*> JsonObject(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const json::value* value, Required(object, field));
  if (!value->is_object()) return JsonFieldError(field, "an object");
  return &value->get_object();
}

base::Result<const json::array*> JsonArray(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const json::value* value, Required(object, field));
  if (!value->is_array()) return JsonFieldError(field, "an array");
  return &value->get_array();
}

base::Result<base::Bytes> JsonHex(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const std::string text, JsonString(object, field));
  return HexDecode(text).Within(field);
}

base::Result<base::Time> JsonTime(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const std::string text, JsonString(object, field));
  return base::ParseTime(text).Within(field);
}

const json::value* JsonFind(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains({field.data(), field.size()});
  return value == nullptr || value->is_null() ? nullptr : value;
}

base::Result<std::optional<std::string>> JsonOptionalString(const json::object& object,
                                                            std::string_view field) {
  const json::value* value = JsonFind(object, field);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return JsonFieldError(field, "a string");
  return std::optional<std::string>(value->get_string());
}

}  // namespace blindai::encoding
