// What the gate remembers of an ONNX file: names, nodes, attributes, shapes and small constants, without the
// weights. The reader (onnx_reader.h) fills it while the file streams by, the judge (onnx_judge.h) reads it
// when it has ended. Internal to the gate.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace blindai::model::onnx {

// TensorProto.DataType, those that something here depends on.
enum ElementType : std::int64_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
};
// "FP32", "STRING", "FLOAT8E4M3FN" and so on; "type 99" for what ONNX does not define.
std::string ElementTypeName(std::int64_t type);
// Bytes of one element; 0 for the types that the gate refuses everywhere.
std::size_t ElementBytes(std::int64_t type);
bool IsInteger(std::int64_t type);
// FP64 and UINT64: served only in models that are computed exactly (onnx_exact.h).
bool IsWide(std::int64_t type);
// The engine computes 64-bit integers in 32 bits. Beyond them only the ends of the 64 bits
// mean the same: exporters write them for "up to the end".
bool FitsEngine(std::int64_t integer);

// A name of the model in an error text: at most 64 characters, those outside letters, digits and "_./:-"
// replaced.
std::string Quoted(std::string_view name);

// Names as numbers. Ordered, not hashed, so that no choice of names makes it slow.
using NameId = std::uint32_t;
inline constexpr NameId kNoName = 0;  // ""

class Names {
 public:
  Names() { Intern(""); }
  NameId Intern(std::string_view name);
  const std::string& Text(NameId id) const { return *texts_[id]; }
  std::size_t size() const { return texts_.size(); }

 private:
  std::map<std::string, NameId, std::less<>> ids_;
  std::vector<const std::string*> texts_;
};

inline constexpr std::int64_t kUnknownDim = -1;
using Dims = std::vector<std::int64_t>;

// Constants up to this many elements are kept, because shapes, axes and pads are made of them.
inline constexpr std::size_t kMaxKeptElements = 64;

struct TensorFacts {
  NameId name = kNoName;
  std::int64_t type = kUndefined;
  Dims dims;
  std::uint64_t elements = 0;
  // Where its raw data lies in the file; 0 bytes of a tensor that has its numbers in fields.
  std::uint64_t raw_offset = 0;
  std::uint64_t raw_bytes = 0;
  // The values of a tensor of at most kMaxKeptElements elements: integers and BOOL, or floating point. Integers that
  // the engine would cut are not kept (ModelFacts.wide_constant).
  bool has_values = false;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
};

struct ValueFacts {
  NameId name = kNoName;
  std::int64_t type = kUndefined;
  bool has_shape = false;
  Dims dims;  // kUnknownDim where named or absent
};

struct GraphFacts;

// AttributeProto.AttributeType.
enum AttributeType : int {
  kAttributeNone = 0,
  kAttributeFloat = 1,
  kAttributeInt = 2,
  kAttributeString = 3,
  kAttributeTensor = 4,
  kAttributeGraph = 5,
  kAttributeFloats = 6,
  kAttributeInts = 7,
  kAttributeStrings = 8,
};

struct AttributeFacts {
  std::string name;
  std::int64_t type = kAttributeNone;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  std::vector<std::string> texts;
  std::unique_ptr<TensorFacts> tensor;
  GraphFacts* graph = nullptr;  // owned by ModelFacts
};

struct NodeFacts {
  std::string op_type;
  std::string domain;
  std::vector<NameId> inputs;
  std::vector<NameId> outputs;
  std::vector<AttributeFacts> attributes;

  const AttributeFacts* Attribute(std::string_view name) const;
  std::int64_t Integer(std::string_view name, std::int64_t otherwise) const;
};

struct GraphFacts {
  std::vector<ValueFacts> inputs;
  std::vector<ValueFacts> outputs;
  std::vector<TensorFacts> initializers;
  std::vector<NodeFacts> nodes;
};

struct OpsetImport {
  std::string domain;
  std::int64_t version = 0;
};

struct ModelFacts {
  Names names;
  std::int64_t ir_version = 0;
  std::vector<OpsetImport> opsets;
  std::deque<GraphFacts> graphs;  // the first is the model's own; a deque, so that pointers stay
  std::uint64_t nodes = 0;
  std::uint64_t parameters = 0;
  std::uint64_t bytes = 0;
  bool control_flow = false;
  // Says which constant is an integer beyond 32 bits; empty where none was seen.
  std::string wide_constant;
};

}  // namespace blindai::model::onnx
