#include "protocols/wire/open_inference_grpc/infer_message.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/secret.h"

namespace blindai::wire {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using inference::InferTensorContents;
using vocabulary::Datatype;

using ProtoParameters = google::protobuf::Map<std::string, inference::InferParameter>;
using ProtoShape = google::protobuf::RepeatedField<std::int64_t>;

// As many tensors as any model may have, with room for those that only a mistake sends.
constexpr int kMaxTensors = 1024;
constexpr int kMaxParameters = 1024;

base::Error Wrong(std::string_view place, std::string_view what, std::string code = "infer-field") {
  return MakeError(ErrorKind::kInvalid, std::move(code), std::string(place) + std::string(what));
}

Result<ParameterValue> DecodeParameter(std::string_view place, std::string_view name,
                                       const inference::InferParameter& parameter) {
  switch (parameter.parameter_choice_case()) {
    case inference::InferParameter::kBoolParam:
      return ParameterValue(parameter.bool_param());
    case inference::InferParameter::kInt64Param:
      return ParameterValue(std::int64_t{parameter.int64_param()});
    case inference::InferParameter::kStringParam:
      return ParameterValue(parameter.string_param());
    case inference::InferParameter::kDoubleParam:
      return ParameterValue(parameter.double_param());
    case inference::InferParameter::kUint64Param:
      return ParameterValue(std::uint64_t{parameter.uint64_param()});
    case inference::InferParameter::PARAMETER_CHOICE_NOT_SET:
      break;
  }
  return Wrong(place, "parameter '" + std::string(name) + "' has no value");
}

Result<Parameters> DecodeParameters(std::string_view place, const ProtoParameters& map) {
  if (map.size() > kMaxParameters) return Wrong(place, "has too many parameters");
  Parameters parameters;
  for (const auto& [name, value] : map) {
    BLINDAI_TRY(ParameterValue parameter, DecodeParameter(place, name, value));
    BLINDAI_RETURN_IF_ERROR(CheckParameter(place, name, parameter));
    parameters.emplace(name, std::move(parameter));
  }
  return parameters;
}

Result<vocabulary::Shape> DecodeShape(std::string_view place, const ProtoShape& shape) {
  if (static_cast<std::size_t>(shape.size()) > vocabulary::kMaxRank)
    return Wrong(place, "the shape has too many dimensions");
  return vocabulary::Shape(shape.begin(), shape.end());
}

// ---- Typed contents

// How many elements stand in the field of this datatype, and in all fields together.
struct ContentCount {
  int own = 0;
  int all = 0;
};
ContentCount CountContents(const InferTensorContents& contents, Datatype datatype) {
  ContentCount count;
  count.all = contents.bool_contents_size() + contents.int_contents_size() + contents.int64_contents_size() +
              contents.uint_contents_size() + contents.uint64_contents_size() +
              contents.fp32_contents_size() + contents.fp64_contents_size() + contents.bytes_contents_size();
  switch (datatype) {
    case Datatype::kBool:
      count.own = contents.bool_contents_size();
      break;
    case Datatype::kInt8:
    case Datatype::kInt16:
    case Datatype::kInt32:
      count.own = contents.int_contents_size();
      break;
    case Datatype::kInt64:
      count.own = contents.int64_contents_size();
      break;
    case Datatype::kUint8:
    case Datatype::kUint16:
    case Datatype::kUint32:
      count.own = contents.uint_contents_size();
      break;
    case Datatype::kUint64:
      count.own = contents.uint64_contents_size();
      break;
    case Datatype::kFp32:
      count.own = contents.fp32_contents_size();
      break;
    case Datatype::kFp64:
      count.own = contents.fp64_contents_size();
      break;
    case Datatype::kBytes:
      count.own = contents.bytes_contents_size();
      break;
    case Datatype::kFp16:
    case Datatype::kBf16:
      break;
  }
  return count;
}

template <typename Element, typename Values>
Status Append(std::string_view place, const Values& values, base::Bytes& out) {
  for (const auto value : values) {
    if (!std::in_range<Element>(value))
      return Wrong(place, "has an element that its datatype cannot hold", "tensor-element");
    const auto element = static_cast<std::make_unsigned_t<Element>>(static_cast<Element>(value));
    for (std::size_t byte = 0; byte < sizeof element; ++byte)
      out.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(element) >> (8 * byte)));
  }
  return base::Ok();
}

// Floats lie in memory as they travel: this is built for little-endian machines only.
template <typename Values>
Status AppendFloats(const Values& values, base::Bytes& out) {
  const auto* const begin = reinterpret_cast<const std::uint8_t*>(values.data());
  out.insert(out.end(), begin, begin + static_cast<std::size_t>(values.size()) * sizeof(*values.data()));
  return base::Ok();
}

Status AppendTexts(const google::protobuf::RepeatedPtrField<std::string>& texts, base::Bytes& out) {
  for (const std::string& text : texts) {
    for (int shift = 0; shift < 32; shift += 8)
      out.push_back(static_cast<std::uint8_t>(text.size() >> shift));
    out.insert(out.end(), text.begin(), text.end());
  }
  return base::Ok();
}

Status AppendContents(std::string_view place, const InferTensorContents& contents, Datatype datatype,
                      base::Bytes& out) {
  switch (datatype) {
    case Datatype::kBool:
      for (const bool value : contents.bool_contents()) out.push_back(value ? 1 : 0);
      return base::Ok();
    case Datatype::kInt8:
      return Append<std::int8_t>(place, contents.int_contents(), out);
    case Datatype::kInt16:
      return Append<std::int16_t>(place, contents.int_contents(), out);
    case Datatype::kInt32:
      return Append<std::int32_t>(place, contents.int_contents(), out);
    case Datatype::kInt64:
      return Append<std::int64_t>(place, contents.int64_contents(), out);
    case Datatype::kUint8:
      return Append<std::uint8_t>(place, contents.uint_contents(), out);
    case Datatype::kUint16:
      return Append<std::uint16_t>(place, contents.uint_contents(), out);
    case Datatype::kUint32:
      return Append<std::uint32_t>(place, contents.uint_contents(), out);
    case Datatype::kUint64:
      return Append<std::uint64_t>(place, contents.uint64_contents(), out);
    case Datatype::kFp32:
      return AppendFloats(contents.fp32_contents(), out);
    case Datatype::kFp64:
      return AppendFloats(contents.fp64_contents(), out);
    case Datatype::kBytes:
      return AppendTexts(contents.bytes_contents(), out);
    case Datatype::kFp16:
    case Datatype::kBf16:
      return Wrong(place, "FP16 and BF16 travel in raw_input_contents only", "infer-contents");
  }
  return base::Ok();
}

std::uint64_t ContentBytes(const InferTensorContents& contents, Datatype datatype, int count) {
  std::uint64_t bytes = static_cast<std::uint64_t>(count) * vocabulary::ElementSize(datatype);
  if (datatype == Datatype::kBytes) {
    for (const std::string& text : contents.bytes_contents()) bytes += 4 + text.size();
  }
  return bytes;
}

// ---- Inputs

class InputDecoder {
 public:
  InputDecoder(const inference::ModelInferRequest& message, const InferLimits& limits)
      : message_(message), limits_(limits), is_raw_(message.raw_input_contents_size() > 0) {}

  Status CheckCounts() const {
    if (message_.inputs_size() > kMaxTensors || message_.outputs_size() > kMaxTensors)
      return Wrong("", "the request has too many tensors");
    if (is_raw_ && message_.raw_input_contents_size() != message_.inputs_size()) {
      return Wrong("",
                   "raw_input_contents has " + std::to_string(message_.raw_input_contents_size()) +
                       " entries and there are " + std::to_string(message_.inputs_size()) + " inputs",
                   "infer-contents");
    }
    return base::Ok();
  }

  Result<InferTensor> Decode(int index, std::vector<base::Bytes>& storage) {
    const auto& input = message_.inputs(index);
    const std::string place = "inputs[" + std::to_string(index) + "]: ";
    InferTensor out;
    out.tensor.name = input.name();
    const std::optional<Datatype> datatype = vocabulary::DatatypeFromName(input.datatype());
    if (!datatype) return Wrong(place, "the datatype is none of the protocol's", "tensor-dtype");
    out.tensor.datatype = *datatype;
    BLINDAI_TRY(out.tensor.shape, DecodeShape(place, input.shape()));
    BLINDAI_TRY(out.parameters, DecodeParameters(place, input.parameters()));
    out.binary = is_raw_;
    if (is_raw_) {
      if (CountContents(input.contents(), *datatype).all > 0)
        return Wrong(place, "contents and raw_input_contents exclude each other", "infer-contents");
      const std::string& raw = message_.raw_input_contents(index);
      BLINDAI_RETURN_IF_ERROR(Take(raw.size()));
      out.tensor.data = base::AsBytes(raw);
    } else {
      BLINDAI_RETURN_IF_ERROR(DecodeContents(place, input.contents(), *datatype, storage));
      out.tensor.data = storage.back();
    }
    BLINDAI_RETURN_IF_ERROR(vocabulary::CheckTensor(out.tensor));
    return out;
  }

 private:
  Status Take(std::uint64_t bytes) {
    if (bytes <= limits_.tensor_bytes - taken_) {
      taken_ += bytes;
      return base::Ok();
    }
    return MakeError(ErrorKind::kTooLarge, "tensors-too-large",
                     "the tensors of the request are larger than the limit of " +
                         std::to_string(limits_.tensor_bytes) + " bytes");
  }
  Status DecodeContents(const std::string& place, const InferTensorContents& contents, Datatype datatype,
                        std::vector<base::Bytes>& storage) {
    const ContentCount count = CountContents(contents, datatype);
    if (count.own != count.all)
      return Wrong(place, "has elements in a field of another datatype", "infer-contents");
    const std::uint64_t bytes = ContentBytes(contents, datatype, count.own);
    BLINDAI_RETURN_IF_ERROR(Take(bytes));
    base::Bytes& out = storage.emplace_back();
    out.reserve(bytes);
    return AppendContents(place, contents, datatype, out);
  }

  const inference::ModelInferRequest& message_;
  const InferLimits& limits_;
  const bool is_raw_;
  std::uint64_t taken_ = 0;
};

Result<std::vector<InferTensor>> DecodeInputs(const inference::ModelInferRequest& message,
                                              const InferLimits& limits, std::vector<base::Bytes>& storage) {
  InputDecoder decoder(message, limits);
  BLINDAI_RETURN_IF_ERROR(decoder.CheckCounts());
  std::vector<InferTensor> inputs;
  std::set<std::string_view> names;
  for (int i = 0; i < message.inputs_size(); ++i) {
    BLINDAI_TRY(InferTensor input, decoder.Decode(i, storage));
    inputs.push_back(std::move(input));
    if (!names.insert(message.inputs(i).name()).second)
      return Wrong("", "an input stands in the request twice");
  }
  return inputs;
}

template <typename Values>
void WipeValues(Values& values) {
  if (values.empty()) return;
  base::Wipe(values.mutable_data(), static_cast<std::size_t>(values.size()) * sizeof(*values.data()));
}
void WipeTexts(google::protobuf::RepeatedPtrField<std::string>& texts) {
  for (std::string& text : texts) base::Wipe(text.data(), text.size());
}

}  // namespace

Result<InferRequest> DecodeInferMessage(const inference::ModelInferRequest& message,
                                        const InferLimits& limits) {
  InferRequest request;
  if (!message.id().empty()) request.id = message.id();
  request.binary_data_output = true;
  BLINDAI_TRY(request.parameters, DecodeParameters("", message.parameters()));
  BLINDAI_TRY(request.inputs, DecodeInputs(message, limits, request.storage));
  for (int i = 0; i < message.outputs_size(); ++i) {
    RequestedOutput output;
    output.name = message.outputs(i).name();
    BLINDAI_TRY(output.parameters,
                DecodeParameters("outputs[" + std::to_string(i) + "]: ", message.outputs(i).parameters()));
    request.outputs.push_back(std::move(output));
  }
  return request;
}

void EncodeInferMessage(const InferResponse& response, inference::ModelInferResponse& message) {
  message.set_model_name(response.model_name);
  message.set_model_version(response.model_version);
  message.set_id(response.id.value_or(""));
  for (const InferTensor& output : response.outputs) {
    auto& out = *message.add_outputs();
    out.set_name(output.tensor.name);
    out.set_datatype(std::string(vocabulary::DatatypeName(output.tensor.datatype)));
    for (const std::int64_t dimension : output.tensor.shape) out.add_shape(dimension);
    message.add_raw_output_contents(output.tensor.data.data(), output.tensor.data.size());
  }
}

void WipeMessage(inference::ModelInferRequest& message) {
  WipeTexts(*message.mutable_raw_input_contents());
  for (auto& input : *message.mutable_inputs()) {
    if (!input.has_contents()) continue;
    InferTensorContents& contents = *input.mutable_contents();
    WipeValues(*contents.mutable_bool_contents());
    WipeValues(*contents.mutable_int_contents());
    WipeValues(*contents.mutable_int64_contents());
    WipeValues(*contents.mutable_uint_contents());
    WipeValues(*contents.mutable_uint64_contents());
    WipeValues(*contents.mutable_fp32_contents());
    WipeValues(*contents.mutable_fp64_contents());
    WipeTexts(*contents.mutable_bytes_contents());
  }
}

void WipeMessage(inference::ModelInferResponse& message) {
  WipeTexts(*message.mutable_raw_output_contents());
}

}  // namespace blindai::wire
