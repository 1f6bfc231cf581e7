#include "model/onnx_reader.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "model/onnx_operators.h"

namespace blindai::model::onnx {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Status;

constexpr std::uint32_t kWireVarint = 0, kWireFixed64 = 1, kWireLength = 2, kWireFixed32 = 5;
constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxTextBytes = 4096;        // of a string attribute
constexpr std::size_t kMaxAttributeValues = 4096;  // of a list attribute
constexpr std::size_t kMaxRank = vocabulary::kMaxRank;
constexpr std::size_t kMaxKeptRaw = kMaxKeptElements * 8;
constexpr std::size_t kHeadBytes = 4;
constexpr std::size_t kNameCost = 320;

// onnx.proto3, every field of every message that a model can hold.
constexpr Field kFields[] = {
    {Message::kModel, 1, Kind::kInteger, false, {}},                      // ir_version
    {Message::kModel, 2, Kind::kScan, false, {}},                         // producer_name
    {Message::kModel, 3, Kind::kScan, false, {}},                         // producer_version
    {Message::kModel, 4, Kind::kScan, false, {}},                         // domain
    {Message::kModel, 5, Kind::kInteger, false, {}},                      // model_version
    {Message::kModel, 6, Kind::kScan, false, {}},                         // doc_string
    {Message::kModel, 7, Kind::kMessage, false, Message::kGraph},         // graph
    {Message::kModel, 8, Kind::kMessage, true, Message::kOpset},          // opset_import
    {Message::kModel, 14, Kind::kMessage, true, Message::kOpaque},        // metadata_props
    {Message::kModel, 20, Kind::kMessage, true, Message::kTraining},      // training_info
    {Message::kModel, 25, Kind::kMessage, true, Message::kFunction},      // functions
    {Message::kModel, 26, Kind::kMessage, true, Message::kOpaque},        // configuration
    {Message::kOpset, 1, Kind::kText, false, {}},                         // domain
    {Message::kOpset, 2, Kind::kInteger, false, {}},                      // version
    {Message::kGraph, 1, Kind::kMessage, true, Message::kNode},           // node
    {Message::kGraph, 2, Kind::kScan, false, {}},                         // name
    {Message::kGraph, 5, Kind::kMessage, true, Message::kTensor},         // initializer
    {Message::kGraph, 10, Kind::kScan, false, {}},                        // doc_string
    {Message::kGraph, 11, Kind::kMessage, true, Message::kValue},         // input
    {Message::kGraph, 12, Kind::kMessage, true, Message::kValue},         // output
    {Message::kGraph, 13, Kind::kMessage, true, Message::kValue},         // value_info
    {Message::kGraph, 14, Kind::kMessage, true, Message::kOpaque},        // quantization_annotation
    {Message::kGraph, 15, Kind::kMessage, true, Message::kSparse},        // sparse_initializer
    {Message::kGraph, 16, Kind::kMessage, true, Message::kOpaque},        // metadata_props
    {Message::kNode, 1, Kind::kText, true, {}},                           // input
    {Message::kNode, 2, Kind::kText, true, {}},                           // output
    {Message::kNode, 3, Kind::kScan, false, {}},                          // name
    {Message::kNode, 4, Kind::kText, false, {}},                          // op_type
    {Message::kNode, 5, Kind::kMessage, true, Message::kAttribute},       // attribute
    {Message::kNode, 6, Kind::kScan, false, {}},                          // doc_string
    {Message::kNode, 7, Kind::kText, false, {}},                          // domain
    {Message::kNode, 8, Kind::kText, false, {}},                          // overload
    {Message::kNode, 9, Kind::kMessage, true, Message::kOpaque},          // metadata_props
    {Message::kNode, 10, Kind::kMessage, true, Message::kOpaque},         // device_configurations
    {Message::kAttribute, 1, Kind::kText, false, {}},                     // name
    {Message::kAttribute, 2, Kind::kReal, false, {}},                     // f
    {Message::kAttribute, 3, Kind::kInteger, false, {}},                  // i
    {Message::kAttribute, 4, Kind::kText, false, {}},                     // s
    {Message::kAttribute, 5, Kind::kMessage, false, Message::kTensor},    // t
    {Message::kAttribute, 6, Kind::kMessage, false, Message::kGraph},     // g
    {Message::kAttribute, 7, Kind::kReals, true, {}},                     // floats
    {Message::kAttribute, 8, Kind::kIntegers, true, {}},                  // ints
    {Message::kAttribute, 9, Kind::kText, true, {}},                      // strings
    {Message::kAttribute, 10, Kind::kMessage, true, Message::kTensor},    // tensors
    {Message::kAttribute, 11, Kind::kMessage, true, Message::kGraph},     // graphs
    {Message::kAttribute, 13, Kind::kScan, false, {}},                    // doc_string
    {Message::kAttribute, 14, Kind::kMessage, false, Message::kType},     // tp
    {Message::kAttribute, 15, Kind::kMessage, true, Message::kType},      // type_protos
    {Message::kAttribute, 20, Kind::kInteger, false, {}},                 // type
    {Message::kAttribute, 21, Kind::kText, false, {}},                    // ref_attr_name
    {Message::kAttribute, 22, Kind::kMessage, false, Message::kSparse},   // sparse_tensor
    {Message::kAttribute, 23, Kind::kMessage, true, Message::kSparse},    // sparse_tensors
    {Message::kTensor, 1, Kind::kIntegers, true, {}},                     // dims
    {Message::kTensor, 2, Kind::kInteger, false, {}},                     // data_type
    {Message::kTensor, 3, Kind::kMessage, false, Message::kOpaque},       // segment
    {Message::kTensor, 4, Kind::kReals, true, {}},                        // float_data
    {Message::kTensor, 5, Kind::kIntegers, true, {}},                     // int32_data
    {Message::kTensor, 6, Kind::kScan, true, {}},                         // string_data
    {Message::kTensor, 7, Kind::kIntegers, true, {}},                     // int64_data
    {Message::kTensor, 8, Kind::kText, false, {}},                        // name
    {Message::kTensor, 9, Kind::kRaw, false, {}},                         // raw_data
    {Message::kTensor, 10, Kind::kDoubles, true, {}},                     // double_data
    {Message::kTensor, 11, Kind::kIntegers, true, {}},                    // uint64_data
    {Message::kTensor, 12, Kind::kScan, false, {}},                       // doc_string
    {Message::kTensor, 13, Kind::kMessage, true, Message::kEntry},        // external_data
    {Message::kTensor, 14, Kind::kInteger, false, {}},                    // data_location
    {Message::kTensor, 16, Kind::kMessage, true, Message::kOpaque},       // metadata_props
    {Message::kSparse, 1, Kind::kMessage, false, Message::kTensor},       // values
    {Message::kSparse, 2, Kind::kMessage, false, Message::kTensor},       // indices
    {Message::kSparse, 3, Kind::kIntegers, true, {}},                     // dims
    {Message::kValue, 1, Kind::kText, false, {}},                         // name
    {Message::kValue, 2, Kind::kMessage, false, Message::kType},          // type
    {Message::kValue, 3, Kind::kScan, false, {}},                         // doc_string
    {Message::kValue, 4, Kind::kMessage, true, Message::kOpaque},         // metadata_props
    {Message::kType, 1, Kind::kMessage, false, Message::kTensorType},     // tensor_type
    {Message::kType, 4, Kind::kMessage, false, Message::kOpaque},         // sequence_type
    {Message::kType, 5, Kind::kMessage, false, Message::kOpaque},         // map_type
    {Message::kType, 6, Kind::kScan, false, {}},                          // denotation
    {Message::kType, 7, Kind::kMessage, false, Message::kOpaque},         // opaque_type
    {Message::kType, 8, Kind::kMessage, false, Message::kOpaque},         // sparse_tensor_type
    {Message::kType, 9, Kind::kMessage, false, Message::kOpaque},         // optional_type
    {Message::kTensorType, 1, Kind::kInteger, false, {}},                 // elem_type
    {Message::kTensorType, 2, Kind::kMessage, false, Message::kShape},    // shape
    {Message::kShape, 1, Kind::kMessage, true, Message::kDim},            // dim
    {Message::kDim, 1, Kind::kInteger, false, {}},                        // dim_value
    {Message::kDim, 2, Kind::kScan, false, {}},                           // dim_param
    {Message::kDim, 3, Kind::kScan, false, {}},                           // denotation
    {Message::kFunction, 1, Kind::kScan, false, {}},                      // name
    {Message::kFunction, 4, Kind::kScan, true, {}},                       // input
    {Message::kFunction, 5, Kind::kScan, true, {}},                       // output
    {Message::kFunction, 6, Kind::kScan, true, {}},                       // attribute
    {Message::kFunction, 7, Kind::kMessage, true, Message::kNode},        // node
    {Message::kFunction, 8, Kind::kScan, false, {}},                      // doc_string
    {Message::kFunction, 9, Kind::kMessage, true, Message::kOpset},       // opset_import
    {Message::kFunction, 10, Kind::kScan, false, {}},                     // domain
    {Message::kFunction, 11, Kind::kMessage, true, Message::kAttribute},  // attribute_proto
    {Message::kFunction, 12, Kind::kMessage, true, Message::kValue},      // value_info
    {Message::kFunction, 13, Kind::kScan, false, {}},                     // overload
    {Message::kFunction, 14, Kind::kMessage, true, Message::kOpaque},     // metadata_props
    {Message::kTraining, 1, Kind::kMessage, false, Message::kGraph},      // initialization
    {Message::kTraining, 2, Kind::kMessage, false, Message::kGraph},      // algorithm
    {Message::kTraining, 3, Kind::kMessage, true, Message::kOpaque},      // initialization_binding
    {Message::kTraining, 4, Kind::kMessage, true, Message::kOpaque},      // update_binding
};

constexpr std::size_t kMessages = static_cast<std::size_t>(Message::kOpaque) + 1;
constexpr std::size_t kMaxField = 26;

constexpr auto kFieldIndex = [] {
  std::array<std::array<const Field*, kMaxField + 1>, kMessages> index{};
  for (const Field& field : kFields) index[static_cast<std::size_t>(field.message)][field.number] = &field;
  return index;
}();

constexpr std::array<std::string_view, kMessages> kMessageNames = {
    "ModelProto",     "OperatorSetIdProto", "GraphProto",        "NodeProto",
    "AttributeProto", "TensorProto",        "SparseTensorProto", "StringStringEntryProto",
    "ValueInfoProto", "TypeProto",          "TypeProto.Tensor",  "TensorShapeProto",
    "Dimension",      "FunctionProto",      "TrainingInfoProto", "(opaque)"};

bool IsField(const Field* field, Message message, std::uint8_t number) {
  return field->message == message && field->number == number;
}

// The counters of OpenTensor, by field number.
std::size_t DataIndex(std::uint8_t number) {
  switch (number) {
    case 4:
      return 0;
    case 5:
      return 1;
    case 7:
      return 2;
    case 10:
      return 3;
    default:
      return 4;
  }
}

// The data field that holds elements of a type when raw_data does not (onnx.proto3, comments of TensorProto).
std::size_t DataIndexOf(std::int64_t type) {
  switch (type) {
    case kFloat:
      return 0;
    case kInt64:
      return 2;
    case kDouble:
      return 3;
    case kUint32:
    case kUint64:
      return 4;
    default:
      return 1;
  }
}

double HalfToReal(std::uint32_t bits) {
  const int exponent = static_cast<int>((bits >> 10) & 31);
  const double fraction = static_cast<double>(bits & 1023) / 1024;
  const double sign = (bits & 0x8000) ? -1 : 1;
  if (exponent == 31) return fraction == 0 ? sign * HUGE_VAL : std::nan("");
  return exponent == 0 ? sign * std::ldexp(fraction, -14) : sign * std::ldexp(1 + fraction, exponent - 15);
}

double RealOf(std::uint64_t bits, std::int64_t type) {
  const auto low = static_cast<std::uint32_t>(bits);
  switch (type) {
    case kDouble:
      return std::bit_cast<double>(bits);
    case kFloat16:
      return HalfToReal(low & 0xffff);
    case kBfloat16:
      return std::bit_cast<float>(low << 16);
    default:
      return std::bit_cast<float>(low);
  }
}

// The integer that the low bytes of `bits` mean in an integer type.
std::int64_t IntegerOf(std::uint64_t bits, std::int64_t type) {
  switch (type) {
    case kInt8:
      return static_cast<std::int8_t>(bits);
    case kInt16:
      return static_cast<std::int16_t>(bits);
    case kInt32:
      return static_cast<std::int32_t>(bits);
    case kUint8:
    case kBool:
      return static_cast<std::uint8_t>(bits);
    case kUint16:
      return static_cast<std::uint16_t>(bits);
    case kUint32:
      return static_cast<std::uint32_t>(bits);
    default:
      return static_cast<std::int64_t>(bits);
  }
}

// What people upload by mistake, by its first bytes.
std::string_view Lookalike(base::ByteView head) {
  const std::string_view text = base::AsText(head);
  if (text.starts_with("PK\x03\x04"))
    return "a zip archive, perhaps a PyTorch checkpoint: export it to ONNX first";
  if (head[0] == 0x80 && head[1] >= 2 && head[1] <= 5)
    return "a Python pickle: export the model to ONNX first";
  if (text.starts_with("GGUF")) return "a GGUF model: export the original to ONNX instead";
  if (text.starts_with("\x89HDF")) return "an HDF5 file, perhaps a Keras model: export it to ONNX first";
  if (text.starts_with("vers")) return "a pointer of Git LFS: fetch the file itself with 'git lfs pull'";
  if (text.starts_with("<")) return "XML or HTML: check what was downloaded";
  if (text.starts_with("{")) return "JSON: check what was downloaded";
  return {};
}

base::Error External() {
  return MakeError(ErrorKind::kInvalid, "external-data",
                   "the model refers to data outside the file; save it as one file with all weights inside "
                   "(onnx.save with save_as_external_data=False)");
}

}  // namespace

Reader::Reader(const InspectLimits& limits) : limits_(limits) {
  facts_.graphs.emplace_back();
  frames_.push_back({.message = Message::kModel, .end = kNoEnd});
}

Status Reader::Malformed(std::string_view what) const {
  const bool is_onnx = (frames_.front().seen & (1U << 7)) != 0;
  return MakeError(ErrorKind::kInvalid, is_onnx ? "model-malformed" : "not-onnx",
                   (is_onnx ? "the file is damaged at byte " : "this is not an ONNX model: byte ") +
                       std::to_string(offset_) + ": " + std::string(what));
}

Status Reader::Truncated() const {
  return MakeError(ErrorKind::kInvalid, "model-truncated",
                   "the file ends early, after " + std::to_string(offset_) + " bytes; upload it again");
}

Status Reader::TooMany(std::string_view what, std::uint64_t limit) const {
  return MakeError(
      ErrorKind::kTooLarge, "model-too-complex",
      "the model has more " + std::string(what) + " than the " + std::to_string(limit) + " allowed");
}

Status Reader::Charge(std::uint64_t bytes) {
  kept_bytes_ += bytes;
  if (kept_bytes_ <= kMaxKeptBytes) return base::Ok();
  return MakeError(
      ErrorKind::kTooLarge, "model-too-complex",
      "names, attributes and shapes take more than " + std::to_string(kMaxKeptBytes >> 20) + " MiB");
}

Status Reader::Feed(base::ByteView chunk) {
  if (chunk.size() > limits_.max_bytes - facts_.bytes) {
    return MakeError(ErrorKind::kTooLarge, "model-too-large",
                     "the file is larger than the " + std::to_string(limits_.max_bytes) + " bytes allowed");
  }
  // The first four bytes are looked at together, so that chunks of any size give the same answer.
  while (facts_.bytes < kHeadBytes && !chunk.empty()) {
    head_[facts_.bytes++] = chunk.front();
    chunk = chunk.subspan(1);
    if (facts_.bytes < kHeadBytes) continue;
    if (const std::string_view other = Lookalike(head_); !other.empty()) {
      return MakeError(ErrorKind::kInvalid, "not-onnx", "this looks like " + std::string(other));
    }
    base::ByteView head = head_;
    while (!head.empty()) BLINDAI_RETURN_IF_ERROR(Step(head));
  }
  facts_.bytes += chunk.size();
  while (!chunk.empty()) BLINDAI_RETURN_IF_ERROR(Step(chunk));
  return base::Ok();
}

Status Reader::End() {
  if (facts_.bytes == 0) return MakeError(ErrorKind::kInvalid, "model-empty", "the file is empty");
  if (facts_.bytes < kHeadBytes) return Truncated();
  if (frames_.size() > 1 || state_ != State::kTag || varint_bits_ > 0) return Truncated();
  if ((frames_.front().seen & (1U << 7)) == 0) return Malformed("it ends without a graph");
  return base::Ok();
}

// Takes at least one byte.
Status Reader::Step(base::ByteView& rest) {
  switch (state_) {
    case State::kTag:
    case State::kVarint:
    case State::kLength: {
      std::optional<std::uint64_t> value;
      BLINDAI_RETURN_IF_ERROR(TakeVarint(rest, value));
      if (!value) return base::Ok();
      if (state_ == State::kTag) return OnTag(*value);
      if (state_ == State::kLength) return OnLength(*value);
      state_ = State::kTag;
      BLINDAI_RETURN_IF_ERROR(OnInteger(*value));
      return CloseMessages();
    }
    case State::kBytes: {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
      BLINDAI_RETURN_IF_ERROR(OnBytes(rest.first(size)));
      rest = rest.subspan(size);
      offset_ += size;
      left_ -= size;
      if (left_ > 0) return base::Ok();
      state_ = State::kTag;
      if (field_->kind == Kind::kText) BLINDAI_RETURN_IF_ERROR(OnText());
      return CloseMessages();
    }
    case State::kFixed: {
      fixed_ |= std::uint64_t{rest.front()} << (8 * fixed_bytes_++);
      rest = rest.subspan(1);
      ++offset_;
      if (--left_ > 0) return base::Ok();
      state_ = State::kTag;
      BLINDAI_RETURN_IF_ERROR(OnFixed(fixed_));
      return CloseMessages();
    }
    case State::kPackedVarints:
    case State::kPackedFixed:
      BLINDAI_RETURN_IF_ERROR(TakePacked(rest));
      if (left_ > 0) return base::Ok();
      if (varint_bits_ > 0) return Malformed("a packed list ends inside a number");
      state_ = State::kTag;
      return CloseMessages();
  }
  return base::Ok();
}

Status Reader::TakeVarint(base::ByteView& rest, std::optional<std::uint64_t>& value) {
  while (!rest.empty()) {
    if (offset_ >= top().end) return Malformed("a message ends inside a field");
    const std::uint8_t byte = rest.front();
    rest = rest.subspan(1);
    ++offset_;
    if (varint_bits_ == 63 && byte > 1) return Malformed("a number has more than 64 bits");
    varint_ |= std::uint64_t{byte & 0x7fU} << varint_bits_;
    varint_bits_ += 7;
    if (byte < 0x80) {
      value = std::exchange(varint_, 0);
      varint_bits_ = 0;
      return base::Ok();
    }
  }
  return base::Ok();
}

Status Reader::TakePacked(base::ByteView& rest) {
  if (state_ == State::kPackedVarints) {
    while (!rest.empty() && left_ > 0) {
      // Beyond the values that are kept, numbers are only counted.
      if (top().message == Message::kTensor && field_->number != 1 &&
          tensor_.values.size() >= kMaxKeptElements) {
        return CountVarints(rest);
      }
      const std::uint8_t byte = rest.front();
      rest = rest.subspan(1);
      ++offset_;
      --left_;
      if (varint_bits_ == 63 && byte > 1) return Malformed("a number has more than 64 bits");
      varint_ |= std::uint64_t{byte & 0x7fU} << varint_bits_;
      varint_bits_ += 7;
      if (byte >= 0x80) continue;
      varint_bits_ = 0;
      BLINDAI_RETURN_IF_ERROR(OnInteger(std::exchange(varint_, 0)));
    }
    return base::Ok();
  }
  const std::uint32_t width = field_->kind == Kind::kDoubles ? 8 : 4;
  while (!rest.empty() && left_ > 0) {
    // Beyond the values that are kept, whole numbers are only counted.
    if (fixed_bytes_ == 0 && top().message == Message::kTensor && tensor_.values.size() >= kMaxKeptElements) {
      const std::uint64_t whole = std::min<std::uint64_t>(left_, rest.size()) / width;
      tensor_.counts[DataIndex(field_->number)] += whole;
      rest = rest.subspan(static_cast<std::size_t>(whole * width));
      offset_ += whole * width;
      left_ -= whole * width;
      if (rest.empty() || left_ == 0) return base::Ok();
    }
    fixed_ |= std::uint64_t{rest.front()} << (8 * fixed_bytes_++);
    rest = rest.subspan(1);
    ++offset_;
    --left_;
    if (fixed_bytes_ < width) continue;
    fixed_bytes_ = 0;
    BLINDAI_RETURN_IF_ERROR(OnFixed(std::exchange(fixed_, 0)));
  }
  return base::Ok();
}

Status Reader::CountVarints(base::ByteView& rest) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
  std::uint32_t bits = varint_bits_;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (bits == 63 && rest[i] > 1) {
      offset_ += i + 1;
      return Malformed("a number has more than 64 bits");
    }
    count += rest[i] < 0x80 ? 1 : 0;
    bits = rest[i] < 0x80 ? 0 : bits + 7;
  }
  varint_bits_ = bits;
  tensor_.counts[DataIndex(field_->number)] += count;
  rest = rest.subspan(size);
  offset_ += size;
  left_ -= size;
  return base::Ok();
}

Status Reader::OnTag(std::uint64_t tag) {
  const std::uint64_t number = tag >> 3;
  wire_type_ = static_cast<std::uint32_t>(tag & 7);
  Frame& frame = top();
  field_ = number <= kMaxField ? kFieldIndex[static_cast<std::size_t>(frame.message)][number] : nullptr;
  const std::string place(kMessageNames[static_cast<std::size_t>(frame.message)]);
  if (!field_) return Malformed(place + " has no field " + std::to_string(number));
  if (!field_->repeated) {
    if (frame.seen & (1U << number))
      return Malformed(place + " has field " + std::to_string(number) + " twice");
  }
  frame.seen |= 1U << number;
  if (IsField(field_, Message::kTensor, 13)) return External();

  fixed_ = 0;
  fixed_bytes_ = 0;
  const bool number_field = field_->kind == Kind::kInteger || field_->kind == Kind::kIntegers;
  const bool real_field = field_->kind == Kind::kReal || field_->kind == Kind::kReals;
  if (wire_type_ == kWireVarint && number_field) {
    state_ = State::kVarint;
    return base::Ok();
  }
  const std::uint32_t width = wire_type_ == kWireFixed32 ? 4 : 8;
  if ((wire_type_ == kWireFixed32 && real_field) ||
      (wire_type_ == kWireFixed64 && field_->kind == Kind::kDoubles)) {
    if (frame.end - offset_ < width) return Malformed("a message ends inside a field");
    state_ = State::kFixed;
    left_ = width;
    return base::Ok();
  }
  if (wire_type_ == kWireLength && field_->kind != Kind::kInteger && field_->kind != Kind::kReal) {
    state_ = State::kLength;
    return base::Ok();
  }
  return Malformed(place + " has field " + std::to_string(number) + " in the wrong wire type");
}

Status Reader::OnLength(std::uint64_t length) {
  if (length > top().end - offset_) return Malformed("a field is longer than the message it is in");
  if (length > limits_.max_bytes || offset_ + length > limits_.max_bytes) {
    return MakeError(ErrorKind::kTooLarge, "model-too-large",
                     "the file is larger than the " + std::to_string(limits_.max_bytes) + " bytes allowed");
  }
  left_ = length;
  marker_ = 0;
  text_.clear();
  state_ = State::kBytes;
  switch (field_->kind) {
    case Kind::kMessage:
      if (field_->child == Message::kOpaque) break;
      state_ = State::kTag;
      BLINDAI_RETURN_IF_ERROR(Begin(field_->child, offset_ + length));
      return CloseMessages();
    case Kind::kText:
      if (length > (IsField(field_, Message::kAttribute, 4) ? kMaxTextBytes : kMaxNameBytes)) {
        return MakeError(
            ErrorKind::kTooLarge, "model-too-complex",
            "a name or text of " + std::to_string(length) + " bytes is longer than any that is allowed");
      }
      break;
    case Kind::kRaw:
      tensor_.has_raw = true;
      tensor_.raw_bytes = length;
      tensor_.raw_offset = offset_;
      break;
    case Kind::kIntegers:
      state_ = State::kPackedVarints;
      break;
    case Kind::kReals:
    case Kind::kDoubles:
      if (length % (field_->kind == Kind::kDoubles ? 8 : 4) != 0) {
        return Malformed("a packed list ends inside a number");
      }
      state_ = State::kPackedFixed;
      break;
    default:
      break;
  }
  if (IsField(field_, Message::kTensor, 6)) {
    return MakeError(ErrorKind::kUnsupported, "element-type", "a tensor holds strings, which are not served");
  }
  if (field_->message == Message::kType && field_->number != 6) {
    return MakeError(ErrorKind::kUnsupported, "element-type",
                     "a value is a sequence, map, sparse or optional value; only plain tensors are served");
  }
  if (left_ > 0) return base::Ok();
  state_ = State::kTag;
  if (field_->kind == Kind::kText) BLINDAI_RETURN_IF_ERROR(OnText());
  return CloseMessages();
}

Status Reader::OnBytes(base::ByteView piece) {
  if (field_->kind == Kind::kRaw) {
    if (tensor_.raw_bytes <= kMaxKeptRaw) tensor_.raw.insert(tensor_.raw.end(), piece.begin(), piece.end());
    return base::Ok();
  }
  if (field_->kind == Kind::kText) text_.append(base::AsText(piece));
  return Scan(piece);
}

// The engine reads its own memory at an address that a model gives when a location holds this word in its
// longer form. No honest text has it, so it is refused in every text, whatever its case.
Status Reader::Scan(base::ByteView piece) {
  constexpr std::string_view kMarker = "mem_addr";
  const auto lower = [](std::uint8_t byte) {
    return static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
  };
  for (std::size_t i = 0; i < piece.size(); ++i) {
    while (marker_ == 0 && i < piece.size() && (piece[i] | 32) != 'm') ++i;
    if (i == piece.size()) break;
    const char c = lower(piece[i]);
    // "mem" is the only beginning of the word that ends like it begins.
    if (c != kMarker[marker_]) marker_ = marker_ == 3 && c == 'e' ? 1 : 0;
    if (c == kMarker[marker_]) ++marker_;
    if (marker_ == kMarker.size()) return External();
  }
  return base::Ok();
}

// A new name costs its place in the table of names and the value that the judge will keep under it.
Status Reader::InternText(NameId& name) {
  const std::size_t before = facts_.names.size();
  name = facts_.names.Intern(text_);
  return facts_.names.size() > before ? Charge(kNameCost + text_.size()) : base::Ok();
}

Status Reader::AddName(std::vector<NameId>& names) {
  if (names.size() >= limits_.max_node_values)
    return TooMany("inputs or outputs at one node", limits_.max_node_values);
  BLINDAI_RETURN_IF_ERROR(Charge(sizeof(NameId)));
  return InternText(names.emplace_back());
}

Status Reader::OnText() {
  Frame& frame = top();
  BLINDAI_RETURN_IF_ERROR(Charge(32 + text_.size()));
  switch (frame.message) {
    case Message::kOpset:
      if (!facts_.opsets.empty()) facts_.opsets.back().domain = text_;
      return base::Ok();
    case Message::kNode:
      if (field_->number == 1) return AddName(frame.node->inputs);
      if (field_->number == 2) return AddName(frame.node->outputs);
      if (field_->number == 4) frame.node->op_type = text_;
      if (field_->number == 7 && text_ != "ai.onnx") frame.node->domain = text_;
      if (field_->number == 8 && !text_.empty()) {
        return MakeError(ErrorKind::kUnsupported, "local-functions",
                         "a node calls an overload of a local function");
      }
      return base::Ok();
    case Message::kAttribute:
      if (field_->number == 1) frame.attribute->name = text_;
      if (field_->number == 4) frame.attribute->text = text_;
      if (field_->number == 9) {
        frame.attribute->texts.push_back(text_);
        if (frame.attribute->texts.size() > limits_.max_node_values) {
          return TooMany("texts in one attribute", limits_.max_node_values);
        }
      }
      if (field_->number == 21 && !text_.empty()) {
        return MakeError(ErrorKind::kUnsupported, "local-functions",
                         "an attribute refers to an attribute of a local function");
      }
      return base::Ok();
    case Message::kTensor:
      return InternText(frame.tensor->name);
    case Message::kValue:
      return InternText(frame.value->name);
    default:
      return base::Ok();
  }
}

Status Reader::OnInteger(std::uint64_t value) {
  Frame& frame = top();
  const auto number = static_cast<std::int64_t>(value);
  switch (frame.message) {
    case Message::kModel:
      if (field_->number == 1) facts_.ir_version = number;
      return base::Ok();
    case Message::kOpset:
      if (!facts_.opsets.empty()) facts_.opsets.back().version = number;
      return base::Ok();
    case Message::kAttribute:
      if (field_->number == 3) frame.attribute->integer = number;
      if (field_->number == 20) frame.attribute->type = number;
      if (field_->number == 8) {
        if (frame.attribute->integers.size() >= kMaxAttributeValues) {
          return TooMany("numbers in one attribute", kMaxAttributeValues);
        }
        frame.attribute->integers.push_back(number);
        return Charge(sizeof(number));
      }
      return base::Ok();
    case Message::kTensor:
      if (field_->number == 1) {
        if (frame.tensor->dims.size() >= kMaxRank) return TooMany("dimensions in one tensor", kMaxRank);
        frame.tensor->dims.push_back(number);
      } else if (field_->number == 2) {
        frame.tensor->type = number;
      } else if (field_->number == 14) {
        if (number != 0) return External();
      } else {
        ++tensor_.counts[DataIndex(field_->number)];
        if (tensor_.values.size() < kMaxKeptElements) tensor_.values.push_back(value);
      }
      return base::Ok();
    case Message::kTensorType:
      if (ElementBytes(number) == 0) {
        return MakeError(ErrorKind::kUnsupported, "element-type",
                         "a value has elements of " + ElementTypeName(number) + ", which are not served");
      }
      if (frame.value) frame.value->type = number;
      return base::Ok();
    case Message::kDim:
      if (number < 0) {
        return MakeError(ErrorKind::kInvalid, "value-shape",
                         "a value has a dimension of " + std::to_string(number) +
                             "; a dimension that varies has a name or no value");
      }
      if (frame.value) frame.value->dims.back() = number;
      return base::Ok();
    default:
      return base::Ok();
  }
}

Status Reader::OnFixed(std::uint64_t bits) {
  Frame& frame = top();
  if (frame.message == Message::kTensor) {
    ++tensor_.counts[DataIndex(field_->number)];
    if (tensor_.values.size() < kMaxKeptElements) tensor_.values.push_back(bits);
    return base::Ok();
  }
  const double real = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  if (field_->kind == Kind::kReal) {
    frame.attribute->real = real;
    return base::Ok();
  }
  if (frame.attribute->reals.size() >= kMaxAttributeValues) {
    return TooMany("numbers in one attribute", kMaxAttributeValues);
  }
  frame.attribute->reals.push_back(real);
  return Charge(sizeof(real));
}

Status Reader::Begin(Message child, std::uint64_t end) {
  Frame frame = top();
  frame.message = child;
  frame.end = end;
  frame.seen = 0;
  switch (child) {
    case Message::kOpset:
      BLINDAI_RETURN_IF_ERROR(Charge(sizeof(OpsetImport)));
      // Those of a function belong to nobody: functions are refused when they end.
      if (field_->message == Message::kModel) facts_.opsets.emplace_back();
      break;
    case Message::kGraph:
      if (field_->message == Message::kModel) {
        frame.graph = &facts_.graphs.front();
        break;
      }
      if (field_->message == Message::kAttribute && ++frame.depth > limits_.max_subgraph_depth) {
        return MakeError(ErrorKind::kTooLarge, "subgraph-depth",
                         "subgraphs nest more than " + std::to_string(limits_.max_subgraph_depth) + " deep");
      }
      BLINDAI_RETURN_IF_ERROR(Charge(sizeof(GraphFacts)));
      frame.graph = &facts_.graphs.emplace_back();
      if (field_->message == Message::kAttribute) frame.attribute->graph = frame.graph;
      break;
    case Message::kFunction:
      BLINDAI_RETURN_IF_ERROR(Charge(sizeof(GraphFacts)));
      frame.graph = &facts_.graphs.emplace_back();
      break;
    case Message::kNode:
      BLINDAI_RETURN_IF_ERROR(Charge(sizeof(NodeFacts)));
      if (++facts_.nodes > limits_.max_nodes) return TooMany("nodes", limits_.max_nodes);
      frame.node = &frame.graph->nodes.emplace_back();
      break;
    case Message::kAttribute:
      BLINDAI_RETURN_IF_ERROR(Charge(sizeof(AttributeFacts)));
      if (field_->message == Message::kFunction) frame.node = &frame.graph->nodes.emplace_back();
      frame.attribute = &frame.node->attributes.emplace_back();
      if (frame.node->attributes.size() > limits_.max_node_values) {
        return TooMany("attributes at one node", limits_.max_node_values);
      }
      break;
    case Message::kTensor: {
      BLINDAI_RETURN_IF_ERROR(Charge(sizeof(TensorFacts) + 8 * kMaxRank));
      tensor_ = {};
      if (field_->message == Message::kGraph) {
        if (++initializers_ > limits_.max_initializers)
          return TooMany("initializers", limits_.max_initializers);
        frame.tensor = &frame.graph->initializers.emplace_back();
      } else if (field_->message == Message::kAttribute) {
        frame.attribute->tensor = std::make_unique<TensorFacts>();
        frame.tensor = frame.attribute->tensor.get();
      } else {
        scratch_tensor_ = {};
        frame.tensor = &scratch_tensor_;
      }
      break;
    }
    case Message::kValue:
      scratch_value_ = {};
      value_field_ = field_->number;
      frame.value = &scratch_value_;
      break;
    case Message::kType:
      if (field_->message != Message::kValue) frame.value = nullptr;
      break;
    case Message::kShape:
      if (frame.value) frame.value->has_shape = true;
      break;
    case Message::kDim:
      if (frame.value) {
        if (frame.value->dims.size() >= kMaxRank) return TooMany("dimensions in one value", kMaxRank);
        frame.value->dims.push_back(kUnknownDim);
      }
      break;
    default:
      break;
  }
  frames_.push_back(frame);
  return base::Ok();
}

// Closes every message that ends here.
Status Reader::CloseMessages() {
  while (frames_.size() > 1 && offset_ == top().end) BLINDAI_RETURN_IF_ERROR(EndMessage());
  return base::Ok();
}

Status Reader::EndMessage() {
  const Frame frame = top();
  frames_.pop_back();
  switch (frame.message) {
    case Message::kNode:
      return EndNode(*frame.node);
    case Message::kAttribute:
      return EndAttribute(frame);
    case Message::kTensor:
      return EndTensor(*frame.tensor);
    case Message::kValue:
      return EndValue(*frame.value);
    case Message::kDim:
      if ((frame.seen & 6U) == 6U) return Malformed("a dimension has both a value and a name");
      return base::Ok();
    case Message::kSparse:
      return MakeError(ErrorKind::kUnsupported, "sparse-tensor",
                       "a tensor is sparse; save it as a dense one");
    case Message::kFunction:
      return MakeError(
          ErrorKind::kUnsupported, "local-functions",
          "the model defines functions of its own; inline them (onnx.inliner.inline_local_functions)");
    case Message::kTraining:
      return MakeError(ErrorKind::kUnsupported, "training-info",
                       "the model holds training information; export it for inference");
    default:
      return base::Ok();
  }
}

// The field that holds the message decides where a value goes: one that only documents is read and forgotten.
Status Reader::EndValue(ValueFacts& value) {
  const Frame& graph = top();
  if (graph.message != Message::kGraph || value_field_ == 13) return base::Ok();
  BLINDAI_RETURN_IF_ERROR(Charge(sizeof(ValueFacts) + 8 * value.dims.size()));
  (value_field_ == 11 ? graph.graph->inputs : graph.graph->outputs).push_back(std::move(value));
  return base::Ok();
}

// What can be said of a node without its graph is said here, so that an upload need not go on to its end.
Status Reader::EndNode(const NodeFacts& node) {
  if (!node.domain.empty()) {
    return MakeError(ErrorKind::kUnsupported, "operator-domain",
                     "operator " + Quoted(node.op_type) + " is of the domain " + Quoted(node.domain) +
                         "; only operators of ONNX itself are served");
  }
  if (const std::string_view why = WhyNever(node.op_type); !why.empty()) {
    return MakeError(ErrorKind::kUnsupported, "operator-refused",
                     "operator " + Quoted(node.op_type) + " is not allowed: " + std::string(why));
  }
  if (!IsKnownOperator(node.op_type)) {
    return MakeError(ErrorKind::kUnsupported, "operator-unsupported",
                     "operator " + Quoted(node.op_type) + " is not one that the engine runs");
  }
  if (IsControlFlow(node.op_type)) {
    facts_.control_flow = true;
    if (!limits_.allow_control_flow) {
      return MakeError(ErrorKind::kUnsupported, "control-flow",
                       "operator " + Quoted(node.op_type) +
                           " is not allowed on this server; export the model without branches and loops");
    }
  }
  return base::Ok();
}

Status Reader::EndAttribute(const Frame& frame) {
  const AttributeFacts& attribute = *frame.attribute;
  // Which value field each type uses; the others must be absent (onnx.proto3, AttributeProto).
  constexpr std::array<std::uint32_t, 9> kFieldOfType = {0, 2, 3, 4, 5, 6, 7, 8, 9};
  constexpr std::uint32_t kValueFields = 0xc0cffc;
  if (attribute.type < 1 || attribute.type >= static_cast<std::int64_t>(kFieldOfType.size())) {
    return MakeError(ErrorKind::kUnsupported, "operator-attribute",
                     "attribute " + Quoted(attribute.name) + " has a type that is not served");
  }
  const std::uint32_t own = 1U << kFieldOfType[static_cast<std::size_t>(attribute.type)];
  const std::uint32_t seen = frame.seen & kValueFields;
  const bool needs_value = attribute.type == kAttributeTensor || attribute.type == kAttributeGraph;
  if ((seen & ~own) != 0 || (needs_value && seen == 0)) {
    return MakeError(ErrorKind::kInvalid, "operator-attribute",
                     "attribute " + Quoted(attribute.name) + " has a value that is not of its type");
  }
  return base::Ok();
}

Status Reader::EndTensor(TensorFacts& tensor) {
  const std::string& name = facts_.names.Text(tensor.name);
  const std::size_t element_bytes = ElementBytes(tensor.type);
  if (element_bytes == 0) {
    return MakeError(ErrorKind::kUnsupported, "element-type",
                     "tensor " + Quoted(name) + " has elements of " + ElementTypeName(tensor.type) +
                         ", which are not served");
  }
  std::uint64_t elements = 1;
  for (const std::int64_t dim : tensor.dims) {
    if (dim < 0 || __builtin_mul_overflow(elements, static_cast<std::uint64_t>(dim), &elements)) {
      return MakeError(ErrorKind::kInvalid, "weight-shape",
                       "tensor " + Quoted(name) + " has a dimension below zero or a size beyond 64 bits");
    }
  }
  if (elements > limits_.max_tensor_bytes / element_bytes) {
    return MakeError(ErrorKind::kTooLarge, "tensor-too-large",
                     "tensor " + Quoted(name) + " is larger than the " +
                         std::to_string(limits_.max_tensor_bytes) + " bytes allowed");
  }
  std::uint64_t seen = tensor_.raw_bytes / element_bytes;
  bool fits = tensor_.raw_bytes % element_bytes == 0;
  for (std::size_t i = 0; i < tensor_.counts.size(); ++i) {
    seen += tensor_.counts[i];
    if (tensor_.counts[i] > 0 && (tensor_.has_raw || i != DataIndexOf(tensor.type))) fits = false;
  }
  if (!fits || seen != elements) {
    return MakeError(ErrorKind::kInvalid, "weight-size",
                     "tensor " + Quoted(name) + " of " + ElementTypeName(tensor.type) + " has data for " +
                         std::to_string(seen) + " elements, its shape wants " + std::to_string(elements));
  }
  tensor.elements = elements;
  tensor.raw_offset = tensor_.raw_offset;
  tensor.raw_bytes = tensor_.raw_bytes;
  facts_.parameters += elements;
  return KeepValues(tensor);
}

Status Reader::KeepValues(TensorFacts& tensor) {
  if (tensor.elements > kMaxKeptElements) return base::Ok();
  tensor.has_values = true;
  const std::size_t element_bytes = ElementBytes(tensor.type);
  for (std::size_t i = 0; i < tensor.elements; ++i) {
    std::uint64_t bits = 0;
    if (tensor_.has_raw) {
      for (std::size_t b = element_bytes; b-- > 0;) bits = (bits << 8) | tensor_.raw[i * element_bytes + b];
    } else {
      bits = tensor_.values[i];
    }
    if (!IsInteger(tensor.type) && tensor.type != kBool) {
      tensor.reals.push_back(RealOf(bits, tensor.type));
      continue;
    }
    const std::int64_t integer = IntegerOf(bits, tensor.type);
    const bool beyond = tensor.type == kUint64 && integer < 0;
    if (beyond || !FitsEngine(integer)) {
      facts_.wide_constant = "tensor " + Quoted(facts_.names.Text(tensor.name)) + " holds " +
                             (beyond ? std::to_string(bits) : std::to_string(integer));
      tensor.has_values = false;
      tensor.integers.clear();
      return base::Ok();
    }
    tensor.integers.push_back(integer);
  }
  return Charge(8 * tensor.elements);
}

}  // namespace blindai::model::onnx
