// A small language for ONNX models, good ones and hostile ones. It writes the protobuf itself, so that a test
// can say what no library would: a length that lies, a field twice, a field out of order. Field numbers are
// those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3. Nothing is checked on purpose.
//
//   OnnxGraph graph;
//   graph.Input("x", kOnnxFloat, {"batch", 4}).Output("y", kOnnxFloat, {"batch", 2});
//   graph.Initializer(FloatTensor("w", {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
//   graph.Node(OnnxNode("MatMul", {"x", "w"}, {"y"}));
//   const base::Bytes file = OnnxModel(graph).Opset(17).Bytes();
//
// Whole models that every test may use are at the end.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace blindai::tests {

// TensorProto.DataType.
inline constexpr int kOnnxFloat = 1, kOnnxUint8 = 2, kOnnxInt8 = 3, kOnnxUint16 = 4, kOnnxInt16 = 5,
                     kOnnxInt32 = 6, kOnnxInt64 = 7, kOnnxString = 8, kOnnxBool = 9, kOnnxFloat16 = 10,
                     kOnnxDouble = 11, kOnnxUint32 = 12, kOnnxUint64 = 13, kOnnxComplex64 = 14,
                     kOnnxBfloat16 = 16, kOnnxFloat8E4M3FN = 17, kOnnxUint4 = 21, kOnnxInt4 = 22;

// One protobuf message, field by field in the order of the calls.
class Proto {
 public:
  Proto& Varint(std::uint32_t field, std::uint64_t value);
  Proto& Fixed32(std::uint32_t field, std::uint32_t value);
  Proto& Fixed64(std::uint32_t field, std::uint64_t value);
  Proto& Float(std::uint32_t field, float value);
  Proto& Text(std::uint32_t field, std::string_view value);
  Proto& Data(std::uint32_t field, base::ByteView value);
  Proto& Message(std::uint32_t field, const Proto& message);
  Proto& Packed(std::uint32_t field, const std::vector<std::int64_t>& values);
  // A length-delimited field whose length says `length`, whatever `bytes` holds.
  Proto& Lie(std::uint32_t field, std::uint64_t length, base::ByteView bytes);
  // Bytes that are no field at all.
  Proto& Raw(base::ByteView bytes);

  const base::Bytes& bytes() const { return bytes_; }

 private:
  void Number(std::uint64_t value);
  base::Bytes bytes_;
};

// A dimension: a number, or the name of one that varies.
struct OnnxDim {
  template <std::integral Number>
  OnnxDim(Number number) : value(static_cast<std::int64_t>(number)) {}  // NOLINT(google-explicit-constructor)
  OnnxDim(const char* variable) : name(variable) {}                     // NOLINT(google-explicit-constructor)
  std::int64_t value = 0;
  std::string name;
};
using OnnxDims = std::vector<OnnxDim>;

// TensorProto. `proto` takes further fields.
struct OnnxTensor {
  std::string name;
  int type = kOnnxFloat;
  std::vector<std::int64_t> dims;
  Proto proto;
};
OnnxTensor FloatTensor(std::string name, std::vector<std::int64_t> dims, const std::vector<float>& values);
OnnxTensor Int64Tensor(std::string name, std::vector<std::int64_t> dims,
                       const std::vector<std::int64_t>& values);
// Raw data of any type.
OnnxTensor RawTensor(std::string name, int type, std::vector<std::int64_t> dims, base::ByteView raw);
// External data as exporters write it; without `mark` the entries are there and the EXTERNAL mark is not.
OnnxTensor ExternalTensor(std::string name, int type, std::vector<std::int64_t> dims,
                          std::string_view location, bool mark = true);
Proto TensorProto(const OnnxTensor& tensor);
// SparseTensorProto.
Proto SparseTensorProto(const OnnxTensor& values, const OnnxTensor& indices, std::vector<std::int64_t> dims);

// ValueInfoProto of a tensor.
Proto ValueInfo(std::string_view name, int type, const OnnxDims& dims);

class OnnxGraph;

class OnnxNode {
 public:
  OnnxNode(std::string_view op_type, std::vector<std::string> inputs, std::vector<std::string> outputs);

  OnnxNode& Domain(std::string_view domain);
  OnnxNode& Int(std::string_view name, std::int64_t value);
  OnnxNode& Ints(std::string_view name, const std::vector<std::int64_t>& values);
  OnnxNode& Float(std::string_view name, float value);
  OnnxNode& Text(std::string_view name, std::string_view value);
  OnnxNode& Tensor(std::string_view name, const OnnxTensor& value);
  OnnxNode& Sparse(std::string_view name, const Proto& sparse);
  OnnxNode& Graph(std::string_view name, const OnnxGraph& graph);
  // Any AttributeProto.
  OnnxNode& Attribute(const Proto& attribute);
  // Further fields of NodeProto.
  Proto proto;
};

class OnnxGraph {
 public:
  OnnxGraph() { proto.Text(2, "graph"); }
  OnnxGraph& Input(std::string_view name, int type, const OnnxDims& dims);
  OnnxGraph& Output(std::string_view name, int type, const OnnxDims& dims);
  OnnxGraph& Initializer(const OnnxTensor& tensor);
  OnnxGraph& Node(const OnnxNode& node);
  // Further fields of GraphProto.
  Proto proto;
};

class OnnxModel {
 public:
  explicit OnnxModel(const OnnxGraph& graph) : graph_(graph.proto) {}

  OnnxModel& Opset(std::int64_t version) {
    opset_ = version;
    return *this;
  }
  OnnxModel& IrVersion(std::int64_t version) {
    ir_version_ = version;
    return *this;
  }
  // Further fields of ModelProto, after the graph and before the opset.
  Proto extra;
  // The file: IR version, graph, extra, opset; so every shorter file is an incomplete one.
  base::Bytes Bytes() const;

 private:
  Proto graph_;
  std::int64_t ir_version_ = 8;
  std::int64_t opset_ = 17;
};

// y = x.
base::Bytes IdentityModel(int type = kOnnxFloat, const OnnxDims& dims = {"batch", 4});
// sum = a + b.
base::Bytes AddModel(int type = kOnnxFloat, const OnnxDims& dims = {"batch", 4});
// y = x · w with x [batch, inner] and w [inner, outer], w[i][j] = i + j.
base::Bytes MatMulModel(std::int64_t inner = 4, std::int64_t outer = 2);
// ids = argmax of logits [batch, frames, classes] over the last axis, as int64 [batch, frames].
base::Bytes ArgMaxModel(std::int64_t classes = 32);
// y = transpose(relu(x)) with x [rows, columns], both varying: two nodes whose intermediate result stays in
// an engine.
base::Bytes ReluTransposeModel();
// Work without end in sight from a small input: x [n, 1], y = max over (x · xᵀ)², so 2·n³ operations and two
// n × n tensors: nothing for the small n of a warm-up, and with n = 12,000 about a minute of two cores in one
// kernel that no engine can interrupt.
base::Bytes LongModel(const OnnxDim& n = "n");
// y = x after a Loop of 2^62 trips. The gate refuses it; a worker that gets it all the same must be killed.
base::Bytes EndlessLoopModel();
// y = x + c with c a tensor in a file beside the model; the location may be anything.
base::Bytes ExternalDataModel(std::string_view location = "weights.bin");

}  // namespace blindai::tests
