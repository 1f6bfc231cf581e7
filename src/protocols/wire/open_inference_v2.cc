#include "protocols/wire/open_inference_v2.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "protocols/wire/infer_json.h"
#include "protocols/wire/json_fields.h"
#include "protocols/wire/tensor_json.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::ByteView;
using base::MakeError;
using base::Result;
using vocabulary::Datatype;
using vocabulary::TensorSpec;

constexpr std::string_view kFieldCode = "infer-field";

// Parameters that change what the answer means and that are not served: ignoring them would give a wrong
// answer.
constexpr std::array<std::string_view, 4> kRefusedParameters = {"shared_memory_region", "classification",
                                                                "sequence_start", "sequence_end"};

base::Error RefusedParameter(std::string_view place, std::string_view name) {
  return MakeError(
      base::ErrorKind::kUnsupported, "infer-parameter",
      std::string(place) + "parameter '" + std::string(name) +
          "' is not supported (shared memory, sequences and classification are not served); leave it out",
      std::string(name));
}

// ---- Parameters ----

Result<ParameterValue> DecodeParameter(const JsonFields& fields, std::string_view name,
                                       const json::value& value) {
  switch (value.kind()) {
    case json::kind::bool_:
      return ParameterValue(value.get_bool());
    case json::kind::int64:
      return ParameterValue(value.get_int64());
    case json::kind::uint64:
      return ParameterValue(value.get_uint64());
    case json::kind::double_:
      return ParameterValue(value.get_double());
    case json::kind::string:
      return ParameterValue(std::string(value.get_string()));
    case json::kind::null:
    case json::kind::array:
    case json::kind::object:
      break;
  }
  return fields.Wrong(name, "is a parameter that is not a string, a number, true or false");
}

// Neither zero nor the empty string names a sequence.
bool NamesSequence(const ParameterValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return !text->empty();
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number != 0;
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return *number != 0;
  return true;
}

Result<Parameters> DecodeParameters(const JsonFields& fields, std::string_view place) {
  Parameters parameters;
  BLINDAI_TRY(const json::object* const object, fields.OptionalObject("parameters"));
  if (object == nullptr) return parameters;
  for (const auto& [key, value] : *object) {
    const std::string_view name(key.data(), key.size());
    BLINDAI_TRY(ParameterValue parameter, DecodeParameter(fields, name, value));
    BLINDAI_RETURN_IF_ERROR(CheckParameter(place, name, parameter));
    parameters.emplace(name, std::move(parameter));
  }
  return parameters;
}

Result<std::optional<bool>> TakeBool(Parameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return std::optional<bool>();
  const bool* const value = std::get_if<bool>(&found->second);
  if (value == nullptr) {
    return MakeError(base::ErrorKind::kInvalid, "infer-parameter",
                     "parameter '" + std::string(name) + "' is not true or false", std::string(name));
  }
  const bool answer = *value;
  parameters.erase(found);
  return std::optional<bool>(answer);
}

Result<std::optional<std::uint64_t>> TakeSize(Parameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return std::optional<std::uint64_t>();
  std::optional<std::uint64_t> size;
  if (const auto* number = std::get_if<std::int64_t>(&found->second); number != nullptr && *number >= 0) {
    size = static_cast<std::uint64_t>(*number);
  } else if (const auto* large = std::get_if<std::uint64_t>(&found->second)) {
    size = *large;
  } else {
    return MakeError(base::ErrorKind::kInvalid, "infer-parameter",
                     "parameter '" + std::string(name) + "' is not a whole number of bytes",
                     std::string(name));
  }
  parameters.erase(found);
  return size;
}

void AppendParameterValue(const ParameterValue& value, std::string& out) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*number);
  } else if (const auto* large = std::get_if<std::uint64_t>(&value)) {
    out += std::to_string(*large);
  } else if (const auto* real = std::get_if<double>(&value)) {
    out += json::serialize(json::value(*real));
  } else {
    out += JsonString(std::get<std::string>(value));
  }
}

// `,"parameters":{…}` with one value of our own in front; nothing at all when there are none.
void AppendParameters(const Parameters& parameters, std::string_view own_name,
                      const std::optional<ParameterValue>& own, std::string& out) {
  if (parameters.empty() && !own) return;
  out += ",\"parameters\":{";
  bool first = true;
  const auto append = [&](std::string_view name, const ParameterValue& value) {
    if (!std::exchange(first, false)) out += ',';
    out += JsonString(name) + ":";
    AppendParameterValue(value, out);
  };
  if (own) append(own_name, *own);
  for (const auto& [name, value] : parameters) append(name, value);
  out += '}';
}

// ---- The two parts of a body ----

struct Parts {
  ByteView json;
  ByteView blobs;
  bool has_blobs = false;
};

Result<Parts> SplitBody(ByteView body, std::optional<std::uint64_t> header_length) {
  if (!header_length) return Parts{body, {}, false};
  if (*header_length > body.size()) {
    return MakeError(base::ErrorKind::kInvalid, "infer-header-length",
                     "Inference-Header-Content-Length is " + std::to_string(*header_length) +
                         " and the body has " + std::to_string(body.size()) + " bytes",
                     std::string(kInferHeaderLengthHeader));
  }
  const auto length = static_cast<std::size_t>(*header_length);
  return Parts{body.first(length), body.subspan(length), true};
}

// ---- Tensors ----

Result<vocabulary::Shape> DecodeShape(const JsonFields& fields) {
  BLINDAI_TRY(const json::array* const array, fields.Array("shape"));
  if (array->size() > vocabulary::kMaxRank) {
    return fields.Wrong("shape", "has " + std::to_string(array->size()) + " dimensions; at most " +
                                     std::to_string(vocabulary::kMaxRank) + " are served");
  }
  vocabulary::Shape shape;
  for (const json::value& dimension : *array) {
    if (!dimension.is_int64() || dimension.get_int64() < 0) {
      return fields.Wrong("shape", "has a dimension that is not a whole number of 0 or more");
    }
    shape.push_back(dimension.get_int64());
  }
  return shape;
}

// The bytes of a blob whose size is not said: by shape and datatype.
Result<std::uint64_t> SizeFromShape(const JsonFields& fields, Datatype datatype,
                                    const vocabulary::Shape& shape) {
  if (datatype == Datatype::kBytes) {
    return fields.Wrong("parameters", "lacks binary_data_size, which a BYTES tensor needs");
  }
  BLINDAI_TRY(const std::uint64_t count, vocabulary::ElementCount(shape));
  if (count > (std::uint64_t{1} << 56)) return fields.Wrong("shape", "has too many elements");
  return count * vocabulary::ElementSize(datatype);
}

class TensorDecoder {
 public:
  TensorDecoder(std::string_view key, Parts parts) : key_(key), parts_(parts) {}

  Result<InferTensor> Decode(std::size_t index, const json::value& value, std::optional<JsonTensorData>& data,
                             std::vector<base::Bytes>& storage) {
    const std::string place = std::string(key_) + "[" + std::to_string(index) + "]";
    if (!value.is_object()) return base::Malformed(place + " is not an object", std::string(kFieldCode));
    const JsonFields fields(value.get_object(), kFieldCode, place);
    InferTensor out;
    BLINDAI_TRY(out.tensor.name, fields.String("name"));
    BLINDAI_TRY(const std::string datatype, fields.String("datatype"));
    // ParseInferJson has refused every name that is not one of the protocol's.
    out.tensor.datatype = vocabulary::DatatypeFromName(datatype).value();
    BLINDAI_TRY(out.tensor.shape, DecodeShape(fields));
    BLINDAI_TRY(out.parameters, DecodeParameters(fields, place + ": "));
    BLINDAI_TRY(const std::optional<std::uint64_t> blob_size, TakeSize(out.parameters, "binary_data_size"));
    if (data) {
      if (blob_size) return fields.Wrong("data", "and binary_data_size exclude each other");
      out.binary = false;
      storage.push_back(std::move(data->bytes));
      out.tensor.data = storage.back();
    } else {
      if (fields.Has("data")) return fields.Wrong("data", "is not an array");
      BLINDAI_TRY(out.tensor.data, TakeBlob(fields, blob_size, out.tensor));
    }
    BLINDAI_RETURN_IF_ERROR(vocabulary::CheckTensor(out.tensor));
    return out;
  }

  base::Status End() const {
    if (taken_ == parts_.blobs.size()) return base::Ok();
    return MakeError(base::ErrorKind::kInvalid, "infer-binary-size",
                     "the body has " + std::to_string(parts_.blobs.size()) +
                         " bytes behind its JSON part, the tensors use " + std::to_string(taken_));
  }

 private:
  Result<ByteView> TakeBlob(const JsonFields& fields, std::optional<std::uint64_t> size,
                            const vocabulary::TensorView& tensor) {
    if (!parts_.has_blobs) {
      if (!size) return fields.Wrong("data", "is missing");
      return MakeError(base::ErrorKind::kInvalid, "infer-header-length",
                       "binary_data_size needs the HTTP header Inference-Header-Content-Length",
                       std::string(kInferHeaderLengthHeader));
    }
    if (!size) {
      BLINDAI_TRY(size, SizeFromShape(fields, tensor.datatype, tensor.shape));
    }
    if (*size > parts_.blobs.size() - taken_) {
      return MakeError(base::ErrorKind::kInvalid, "infer-binary-size",
                       "tensor '" + tensor.name + "' has " + std::to_string(*size) +
                           " bytes of binary data, the body has " +
                           std::to_string(parts_.blobs.size() - taken_) + " left",
                       tensor.name);
    }
    const ByteView blob = parts_.blobs.subspan(taken_, static_cast<std::size_t>(*size));
    taken_ += blob.size();
    return blob;
  }

  const std::string_view key_;
  const Parts parts_;
  std::size_t taken_ = 0;
};

Result<std::vector<InferTensor>> DecodeTensors(std::string_view key, const Parts& parts, InferJson& parsed,
                                               std::vector<base::Bytes>& storage) {
  BLINDAI_TRY(const json::array* const array, JsonFields(parsed.tree, kFieldCode).Array(key));
  // Views into `storage` stay good when it grows: what they point to is each vector's own memory.
  TensorDecoder decoder(key, parts);
  parsed.data.resize(array->size());
  std::vector<InferTensor> tensors;
  tensors.reserve(array->size());
  for (std::size_t i = 0; i < array->size(); ++i) {
    BLINDAI_TRY(InferTensor tensor, decoder.Decode(i, (*array)[i], parsed.data[i], storage));
    tensors.push_back(std::move(tensor));
  }
  BLINDAI_RETURN_IF_ERROR(decoder.End());
  std::set<std::string_view> names;
  for (const InferTensor& entry : tensors) {
    if (!names.insert(entry.tensor.name).second) {
      return JsonFields(parsed.tree, kFieldCode).Wrong(key, "has tensor '" + entry.tensor.name + "' twice");
    }
  }
  return tensors;
}

base::Status AppendTensors(std::string_view key, const std::vector<InferTensor>& tensors, InferBody& body) {
  std::string& out = body.json;
  out += JsonString(key) + ":[";
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const InferTensor& entry = tensors[i];
    BLINDAI_RETURN_IF_ERROR(vocabulary::CheckTensor(entry.tensor));
    if (i > 0) out += ',';
    out += "{\"name\":" + JsonString(entry.tensor.name) + ",\"datatype\":\"";
    out += vocabulary::DatatypeName(entry.tensor.datatype);
    out += "\",\"shape\":[";
    for (std::size_t d = 0; d < entry.tensor.shape.size(); ++d) {
      if (d > 0) out += ',';
      out += std::to_string(entry.tensor.shape[d]);
    }
    out += ']';
    std::optional<ParameterValue> size;
    if (entry.binary) size = std::uint64_t{entry.tensor.data.size()};
    AppendParameters(entry.parameters, "binary_data_size", size, out);
    if (entry.binary) {
      body.blobs.push_back(entry.tensor.data);
    } else {
      out += ",\"data\":";
      BLINDAI_RETURN_IF_ERROR(AppendJsonData(entry.tensor, out));
    }
    out += '}';
  }
  out += ']';
  return base::Ok();
}

// Spaces, which JSON allows at its end, put the first blob where the elements of every datatype are aligned,
// so that the other side can use them where they lie.
void SetHeaderLength(InferBody& body) {
  constexpr std::size_t kAlignment = 16;
  if (body.blobs.empty()) return;
  body.json.append((kAlignment - body.json.size() % kAlignment) % kAlignment, ' ');
  body.header_length = body.json.size();
}

// ---- Raw body ----

Result<vocabulary::Shape> RawShape(ByteView body, const TensorSpec& spec) {
  const auto refuse = [&](const std::string& why) {
    return MakeError(base::ErrorKind::kInvalid, "infer-raw",
                     "a raw body (Inference-Header-Content-Length: 0) does not fit input '" + spec.name +
                         "' of shape " + vocabulary::ShapeText(spec.shape) + ": " + why,
                     spec.name);
  };
  vocabulary::Shape shape = spec.shape;
  auto variable = std::count(shape.begin(), shape.end(), vocabulary::kAnyDimension);
  if (variable == 2 && shape.front() == vocabulary::kAnyDimension) {
    shape.front() = 1;
    variable = 1;
  }
  if (variable > 1) return refuse("more than one dimension varies; send a JSON part with the shape");
  const auto free = std::find(shape.begin(), shape.end(), vocabulary::kAnyDimension);
  if (spec.datatype == Datatype::kBytes) {
    if (free != shape.end()) *free = 1;
    BLINDAI_TRY(const std::uint64_t count, vocabulary::ElementCount(shape));
    if (count != 1) return refuse("a raw BYTES tensor has exactly one element");
    return shape;
  }
  if (free == shape.end()) return shape;
  *free = 1;
  BLINDAI_TRY(const std::uint64_t row, vocabulary::ElementCount(shape));
  if (row == 0 || row > body.size())
    return refuse("the body is shorter than one step of the variable dimension");
  const std::uint64_t row_bytes = row * vocabulary::ElementSize(spec.datatype);
  if (body.size() % row_bytes != 0) {
    return refuse("its " + std::to_string(body.size()) + " bytes are not a multiple of " +
                  std::to_string(row_bytes));
  }
  *free = static_cast<std::int64_t>(body.size() / row_bytes);
  return shape;
}

Result<InferRequest> DecodeRawRequest(ByteView body, std::span<const TensorSpec> inputs) {
  if (inputs.size() != 1) {
    return MakeError(
        base::ErrorKind::kInvalid, "infer-raw",
        "a raw body (Inference-Header-Content-Length: 0) needs a model with one input; this one has " +
            std::to_string(inputs.size()));
  }
  const TensorSpec& spec = inputs.front();
  InferRequest request;
  request.binary_data_output = true;
  BLINDAI_TRY(vocabulary::Shape shape, RawShape(body, spec));
  if (spec.datatype == Datatype::kBytes) {
    base::Bytes element;
    BLINDAI_RETURN_IF_ERROR(AppendString(Datatype::kBytes, base::AsText(body), element));
    request.storage.push_back(std::move(element));
    body = request.storage.back();
  }
  request.inputs.push_back({{spec.name, spec.datatype, std::move(shape), body}, true, {}});
  BLINDAI_RETURN_IF_ERROR(vocabulary::CheckTensor(request.inputs.front().tensor));
  return request;
}

// ---- Requested outputs ----

Result<std::vector<RequestedOutput>> DecodeRequestedOutputs(const JsonFields& fields) {
  std::vector<RequestedOutput> outputs;
  BLINDAI_TRY(const json::array* const array, fields.OptionalArray("outputs"));
  if (array == nullptr) return outputs;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string place = "outputs[" + std::to_string(i) + "]";
    if (!(*array)[i].is_object())
      return base::Malformed(place + " is not an object", std::string(kFieldCode));
    const JsonFields entry((*array)[i].get_object(), kFieldCode, place);
    RequestedOutput output;
    BLINDAI_TRY(output.name, entry.String("name"));
    BLINDAI_TRY(output.parameters, DecodeParameters(entry, place + ": "));
    BLINDAI_TRY(output.binary_data, TakeBool(output.parameters, "binary_data"));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

void AppendRequestedOutputs(const std::vector<RequestedOutput>& outputs, std::string& out) {
  if (outputs.empty()) return;
  out += ",\"outputs\":[";
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (i > 0) out += ',';
    out += "{\"name\":" + JsonString(outputs[i].name);
    std::optional<ParameterValue> binary;
    if (outputs[i].binary_data) binary = *outputs[i].binary_data;
    AppendParameters(outputs[i].parameters, "binary_data", binary, out);
    out += '}';
  }
  out += ']';
}

}  // namespace

std::uint64_t InferBody::size() const {
  std::uint64_t total = json.size();
  for (const ByteView blob : blobs) total += blob.size();
  return total;
}

base::Bytes InferBody::Joined() const {
  base::Bytes all(json.begin(), json.end());
  for (const ByteView blob : blobs) all.insert(all.end(), blob.begin(), blob.end());
  return all;
}

Result<InferRequest> DecodeInferRequest(ByteView body, std::optional<std::uint64_t> header_length,
                                        std::span<const TensorSpec> model_inputs, const InferLimits& limits) {
  if (header_length == std::uint64_t{0}) return DecodeRawRequest(body, model_inputs);
  BLINDAI_TRY(const Parts parts, SplitBody(body, header_length));
  BLINDAI_TRY(InferJson parsed, ParseInferJson(parts.json, "inputs", limits));
  const JsonFields fields(parsed.tree, kFieldCode);
  InferRequest request;
  BLINDAI_TRY(request.id, fields.OptionalString("id"));
  BLINDAI_TRY(request.parameters, DecodeParameters(fields, ""));
  BLINDAI_TRY(const std::optional<bool> binary, TakeBool(request.parameters, "binary_data_output"));
  request.binary_data_output = binary.value_or(false);
  BLINDAI_TRY(request.inputs, DecodeTensors("inputs", parts, parsed, request.storage));
  BLINDAI_TRY(request.outputs, DecodeRequestedOutputs(fields));
  return request;
}

Result<InferBody> EncodeInferRequest(const InferRequest& request) {
  InferBody body;
  body.json = "{";
  if (request.id) body.json += "\"id\":" + JsonString(*request.id) + ",";
  BLINDAI_RETURN_IF_ERROR(AppendTensors("inputs", request.inputs, body));
  AppendRequestedOutputs(request.outputs, body.json);
  std::optional<ParameterValue> binary;
  if (request.binary_data_output) binary = true;
  AppendParameters(request.parameters, "binary_data_output", binary, body.json);
  body.json += '}';
  SetHeaderLength(body);
  return body;
}

base::Status CheckParameter(std::string_view place, std::string_view name, const ParameterValue& value) {
  const bool refused =
      std::find(kRefusedParameters.begin(), kRefusedParameters.end(), name) != kRefusedParameters.end();
  const bool off = std::holds_alternative<bool>(value) && !std::get<bool>(value);
  if ((refused && !off) || (name == "sequence_id" && NamesSequence(value)))
    return RefusedParameter(place, name);
  return base::Ok();
}

std::optional<std::chrono::microseconds> TimeoutOf(const InferRequest& request) {
  const auto found = request.parameters.find("timeout");
  if (found == request.parameters.end()) return std::nullopt;
  const auto* const number = std::get_if<std::int64_t>(&found->second);
  if (number == nullptr || *number <= 0) return std::nullopt;
  return std::chrono::microseconds(*number);
}

bool WantsBinary(const InferRequest& request, std::string_view output_name) {
  for (const RequestedOutput& output : request.outputs) {
    if (output.name == output_name && output.binary_data) return *output.binary_data;
  }
  return request.binary_data_output;
}

Result<InferBody> EncodeInferResponse(const InferResponse& response) {
  InferBody body;
  body.json = "{\"model_name\":" + JsonString(response.model_name);
  if (!response.model_version.empty())
    body.json += ",\"model_version\":" + JsonString(response.model_version);
  if (response.id) body.json += ",\"id\":" + JsonString(*response.id);
  AppendParameters(response.parameters, "", std::nullopt, body.json);
  body.json += ',';
  BLINDAI_RETURN_IF_ERROR(AppendTensors("outputs", response.outputs, body));
  body.json += '}';
  SetHeaderLength(body);
  return body;
}

Result<InferResponse> DecodeInferResponse(ByteView body, std::optional<std::uint64_t> header_length,
                                          const InferLimits& limits) {
  BLINDAI_TRY(const Parts parts, SplitBody(body, header_length));
  BLINDAI_TRY(InferJson parsed, ParseInferJson(parts.json, "outputs", limits));
  const JsonFields fields(parsed.tree, kFieldCode);
  InferResponse response;
  BLINDAI_TRY(response.model_name, fields.String("model_name"));
  BLINDAI_TRY(std::optional<std::string> version, fields.OptionalString("model_version"));
  response.model_version = std::move(version).value_or("");
  BLINDAI_TRY(response.id, fields.OptionalString("id"));
  BLINDAI_TRY(response.parameters, DecodeParameters(fields, ""));
  BLINDAI_TRY(response.outputs, DecodeTensors("outputs", parts, parsed, response.storage));
  return response;
}

}  // namespace blindai::wire
