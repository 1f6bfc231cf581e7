// Reads an ONNX file as a stream: a protobuf walker that knows every message and field of onnx.proto3, keeps
// facts about the graph and skips the weights. It is stricter than protobuf where protobuf is lenient,
// because two readers of one file must not see two models: an unknown field, a field of the wrong wire type,
// a singular field that comes twice, a number outside its range are errors here. Wire format:
// https://protobuf.dev/programming-guides/encoding/ Internal to the gate; the codes are in
// docs/formats/models.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/inspect_onnx.h"
#include "model/onnx_facts.h"

namespace blindai::model::onnx {

// The messages of onnx.proto3. Opaque ones hold only texts and numbers that no engine acts on.
enum class Message : std::uint8_t {
  kModel,
  kOpset,
  kGraph,
  kNode,
  kAttribute,
  kTensor,
  kSparse,
  kEntry,
  kValue,
  kType,
  kTensorType,
  kShape,
  kDim,
  kFunction,
  kTraining,
  kOpaque,
};

// How a field is read.
enum class Kind : std::uint8_t {
  kInteger,   // varint, kept
  kIntegers,  // varints, packed or one by one
  kReal,      // float
  kReals,     // floats, packed or one by one
  kDoubles,   // doubles, packed or one by one
  kText,      // bytes that are kept, bounded
  kScan,      // bytes that are only searched for the memory marker
  kRaw,       // raw tensor data: counted, kept when short
  kMessage,
};

struct Field {
  Message message;
  std::uint8_t number;
  Kind kind;
  bool repeated;
  Message child;  // of a kMessage
};

class Reader {
 public:
  explicit Reader(const InspectLimits& limits);

  base::Status Feed(base::ByteView chunk);
  // The file has ended: it ended where a file may end.
  base::Status End();

  const ModelFacts& facts() const { return facts_; }

 private:
  enum class State : std::uint8_t { kTag, kVarint, kLength, kBytes, kFixed, kPackedVarints, kPackedFixed };

  // One open message. The pointers lead to what it fills.
  struct Frame {
    Message message;
    std::uint64_t end;
    std::uint32_t seen = 0;
    std::size_t depth = 0;  // of subgraphs
    GraphFacts* graph = nullptr;
    NodeFacts* node = nullptr;
    AttributeFacts* attribute = nullptr;
    TensorFacts* tensor = nullptr;
    ValueFacts* value = nullptr;
  };

  // What has been seen of the tensor that is open. Tensors do not nest.
  struct OpenTensor {
    std::vector<std::uint8_t> raw;
    std::uint64_t raw_bytes = 0;
    std::uint64_t raw_offset = 0;
    bool has_raw = false;
    // float, int32, int64, double, uint64 data: elements seen, and the values of the first ones.
    std::array<std::uint64_t, 5> counts{};
    std::vector<std::uint64_t> values;
  };

  base::Status Step(base::ByteView& rest);
  base::Status OnTag(std::uint64_t tag);
  base::Status OnInteger(std::uint64_t value);
  base::Status OnFixed(std::uint64_t bits);
  base::Status OnLength(std::uint64_t length);
  base::Status OnBytes(base::ByteView piece);
  base::Status OnText();
  base::Status Begin(Message child, std::uint64_t end);
  base::Status EndMessage();
  base::Status CloseMessages();
  base::Status TakeVarint(base::ByteView& rest, std::optional<std::uint64_t>& value);
  base::Status TakePacked(base::ByteView& rest);
  base::Status CountVarints(base::ByteView& rest);

  base::Status EndNode(const NodeFacts& node);
  base::Status EndAttribute(const Frame& frame);
  base::Status EndTensor(TensorFacts& tensor);
  base::Status EndValue(ValueFacts& value);
  base::Status KeepValues(TensorFacts& tensor);

  base::Status Charge(std::uint64_t bytes);
  base::Status InternText(NameId& name);
  base::Status AddName(std::vector<NameId>& names);
  base::Status TooMany(std::string_view what, std::uint64_t limit) const;
  base::Status Malformed(std::string_view what) const;
  base::Status Truncated() const;
  base::Status Scan(base::ByteView piece);
  Frame& top() { return frames_.back(); }

  InspectLimits limits_;
  ModelFacts facts_;
  std::vector<Frame> frames_;
  std::uint64_t offset_ = 0;
  std::uint64_t kept_bytes_ = 0;

  State state_ = State::kTag;
  const Field* field_ = nullptr;
  std::uint32_t wire_type_ = 0;
  std::uint64_t left_ = 0;    // of the bytes, packed numbers or fixed number that is open
  std::uint64_t varint_ = 0;  // the varint that is open
  std::uint32_t varint_bits_ = 0;
  std::uint64_t fixed_ = 0;
  std::uint32_t fixed_bytes_ = 0;  // read of it
  std::string text_;
  std::size_t marker_ = 0;  // characters of the memory marker matched so far
  std::uint64_t initializers_ = 0;
  OpenTensor tensor_;
  TensorFacts scratch_tensor_;          // of sparse tensors, which are refused when they end
  ValueFacts scratch_value_;            // the value that is open
  std::uint8_t value_field_ = 0;        // the field of GraphProto that it is in
  std::array<std::uint8_t, 4> head_{};  // the first bytes, to say what a file is that is not ONNX
};

}  // namespace blindai::model::onnx
