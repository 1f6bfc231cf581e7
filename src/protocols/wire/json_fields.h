// Reading the fields of a small JSON object with errors that name the field; shared by the codecs of this
// room. Large JSON (tensor data) never becomes a tree of values: infer_json.h reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::wire {

// encoding/json.h with the code of the caller: strict, at most `max_bytes` of text and 32 levels.
base::Result<boost::json::value> ParseSmallJson(base::ByteView text, std::string_view code,
                                                std::size_t max_bytes = std::size_t{1} << 20);
base::Result<boost::json::object> ParseSmallJsonObject(base::ByteView text, std::string_view code,
                                                       std::size_t max_bytes = std::size_t{1} << 20);

// One object and the code and place that its errors carry. The object must outlive it.
class JsonFields {
 public:
  JsonFields(const boost::json::object& object, std::string_view code, std::string_view place = "")
      : object_(object), code_(code), place_(place) {}

  bool Has(std::string_view name) const { return object_.contains(name); }
  // Absent or null gives nothing; another type is an error.
  base::Result<std::optional<std::string>> OptionalString(std::string_view name) const;
  base::Result<std::optional<bool>> OptionalBool(std::string_view name) const;
  base::Result<std::optional<std::int64_t>> OptionalInteger(std::string_view name) const;
  base::Result<std::optional<std::uint64_t>> OptionalUnsigned(std::string_view name) const;
  // nullptr when absent or null.
  base::Result<const boost::json::object*> OptionalObject(std::string_view name) const;
  base::Result<const boost::json::array*> OptionalArray(std::string_view name) const;

  base::Result<std::string> String(std::string_view name) const;
  base::Result<const boost::json::array*> Array(std::string_view name) const;

  // An error of this object about `name`: "inputs[0]: 'shape' is …".
  base::Error Wrong(std::string_view name, std::string_view what) const;

 private:
  const boost::json::value* Find(std::string_view name) const;

  const boost::json::object& object_;
  std::string code_;
  std::string place_;
};

// `text` as a JSON string, with its quotes.
std::string JsonString(std::string_view text);

}  // namespace blindai::wire
