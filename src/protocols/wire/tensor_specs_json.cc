#include "protocols/wire/tensor_specs_json.h"

namespace blindai::wire {

namespace json = boost::json;

json::array TensorSpecsToJson(const std::vector<vocabulary::TensorSpec>& specs) {
  json::array out;
  for (const vocabulary::TensorSpec& spec : specs) {
    out.push_back({{"name", spec.name},
                   {"datatype", vocabulary::DatatypeName(spec.datatype)},
                   {"shape", json::array(spec.shape.begin(), spec.shape.end())}});
  }
  return out;
}

base::Result<std::vector<vocabulary::TensorSpec>> TensorSpecsFromJson(const JsonFields& fields,
                                                                      std::string_view name,
                                                                      std::string_view code) {
  BLINDAI_TRY(const json::array* const array, fields.Array(name));
  std::vector<vocabulary::TensorSpec> specs;
  for (const json::value& entry : *array) {
    if (!entry.is_object()) return fields.Wrong(name, "has an entry that is not an object");
    const JsonFields entry_fields(entry.get_object(), code, name);
    vocabulary::TensorSpec spec;
    BLINDAI_TRY(spec.name, entry_fields.String("name"));
    BLINDAI_TRY(const std::string datatype, entry_fields.String("datatype"));
    const auto known = vocabulary::DatatypeFromName(datatype);
    if (!known) return entry_fields.Wrong("datatype", "is not a datatype of the Open Inference Protocol");
    spec.datatype = *known;
    BLINDAI_TRY(const json::array* const shape, entry_fields.Array("shape"));
    if (shape->size() > vocabulary::kMaxRank) return entry_fields.Wrong("shape", "has too many dimensions");
    for (const json::value& dimension : *shape) {
      if (!dimension.is_int64() || dimension.get_int64() < vocabulary::kAnyDimension) {
        return entry_fields.Wrong("shape", "has a dimension that is not a whole number of -1 or more");
      }
      spec.shape.push_back(dimension.get_int64());
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace blindai::wire
