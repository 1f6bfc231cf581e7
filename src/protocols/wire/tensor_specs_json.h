// Tensor signatures as JSON, [{"name","datatype","shape"}], the same in OIP metadata and in our model
// listing.
#pragma once

#include <vector>

#include <boost/json.hpp>

#include "base/result.h"
#include "protocols/wire/json_fields.h"
#include "vocabulary/tensor.h"

namespace blindai::wire {

boost::json::array TensorSpecsToJson(const std::vector<vocabulary::TensorSpec>& specs);
// The array `name` of an object; absent is an error.
base::Result<std::vector<vocabulary::TensorSpec>> TensorSpecsFromJson(const JsonFields& fields,
                                                                      std::string_view name,
                                                                      std::string_view code);

}  // namespace blindai::wire
