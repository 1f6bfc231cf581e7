#include "support/onnx_builder.h"

#include <bit>
#include <cstring>
#include <utility>

namespace blindai::tests {
namespace {

constexpr std::uint32_t kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5;

template <typename T>
base::Bytes LittleEndian(const std::vector<T>& values) {
  base::Bytes raw(values.size() * sizeof(T));
  if (!raw.empty()) std::memcpy(raw.data(), values.data(), raw.size());
  return raw;
}

Proto AttributeNamed(std::string_view name, int type) {
  Proto attribute;
  attribute.Text(1, name).Varint(20, static_cast<std::uint64_t>(type));
  return attribute;
}

}  // namespace

void Proto::Number(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  bytes_.push_back(static_cast<std::uint8_t>(value));
}

Proto& Proto::Varint(std::uint32_t field, std::uint64_t value) {
  Number((field << 3) | kVarint);
  Number(value);
  return *this;
}

Proto& Proto::Fixed32(std::uint32_t field, std::uint32_t value) {
  Number((field << 3) | kFixed32);
  for (int i = 0; i < 4; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return *this;
}

Proto& Proto::Fixed64(std::uint32_t field, std::uint64_t value) {
  Number((field << 3) | kFixed64);
  for (int i = 0; i < 8; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  return *this;
}

Proto& Proto::Float(std::uint32_t field, float value) {
  return Fixed32(field, std::bit_cast<std::uint32_t>(value));
}

Proto& Proto::Text(std::uint32_t field, std::string_view value) { return Data(field, base::AsBytes(value)); }

Proto& Proto::Data(std::uint32_t field, base::ByteView value) { return Lie(field, value.size(), value); }

Proto& Proto::Message(std::uint32_t field, const Proto& message) { return Data(field, message.bytes_); }

Proto& Proto::Packed(std::uint32_t field, const std::vector<std::int64_t>& values) {
  Proto inner;
  for (const std::int64_t value : values) inner.Number(static_cast<std::uint64_t>(value));
  return Message(field, inner);
}

Proto& Proto::Lie(std::uint32_t field, std::uint64_t length, base::ByteView bytes) {
  Number((field << 3) | kLength);
  Number(length);
  return Raw(bytes);
}

Proto& Proto::Raw(base::ByteView bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

OnnxTensor RawTensor(std::string name, int type, std::vector<std::int64_t> dims, base::ByteView raw) {
  OnnxTensor tensor{std::move(name), type, std::move(dims), {}};
  tensor.proto.Data(9, raw);
  return tensor;
}

OnnxTensor FloatTensor(std::string name, std::vector<std::int64_t> dims, const std::vector<float>& values) {
  return RawTensor(std::move(name), kOnnxFloat, std::move(dims), LittleEndian(values));
}

OnnxTensor Int64Tensor(std::string name, std::vector<std::int64_t> dims,
                       const std::vector<std::int64_t>& values) {
  return RawTensor(std::move(name), kOnnxInt64, std::move(dims), LittleEndian(values));
}

OnnxTensor ExternalTensor(std::string name, int type, std::vector<std::int64_t> dims,
                          std::string_view location, bool mark) {
  OnnxTensor tensor{std::move(name), type, std::move(dims), {}};
  Proto entry;
  entry.Text(1, "location").Text(2, location);
  tensor.proto.Message(13, entry);
  if (mark) tensor.proto.Varint(14, 1);
  return tensor;
}

Proto TensorProto(const OnnxTensor& tensor) {
  Proto proto;
  for (const std::int64_t dim : tensor.dims) proto.Varint(1, static_cast<std::uint64_t>(dim));
  proto.Varint(2, static_cast<std::uint64_t>(tensor.type));
  if (!tensor.name.empty()) proto.Text(8, tensor.name);
  return proto.Raw(tensor.proto.bytes());
}

Proto SparseTensorProto(const OnnxTensor& values, const OnnxTensor& indices, std::vector<std::int64_t> dims) {
  Proto proto;
  proto.Message(1, TensorProto(values)).Message(2, TensorProto(indices));
  for (const std::int64_t dim : dims) proto.Varint(3, static_cast<std::uint64_t>(dim));
  return proto;
}

Proto ValueInfo(std::string_view name, int type, const OnnxDims& dims) {
  Proto shape;
  for (const OnnxDim& dim : dims) {
    Proto one;
    if (dim.name.empty()) {
      one.Varint(1, static_cast<std::uint64_t>(dim.value));
    } else {
      one.Text(2, dim.name);
    }
    shape.Message(1, one);
  }
  Proto tensor;
  tensor.Varint(1, static_cast<std::uint64_t>(type)).Message(2, shape);
  Proto any;
  any.Message(1, tensor);
  Proto info;
  return info.Text(1, name).Message(2, any);
}

OnnxNode::OnnxNode(std::string_view op_type, std::vector<std::string> inputs,
                   std::vector<std::string> outputs) {
  for (const std::string& name : inputs) proto.Text(1, name);
  for (const std::string& name : outputs) proto.Text(2, name);
  proto.Text(4, op_type);
}

OnnxNode& OnnxNode::Attribute(const Proto& attribute) {
  proto.Message(5, attribute);
  return *this;
}

OnnxNode& OnnxNode::Domain(std::string_view domain) {
  proto.Text(7, domain);
  return *this;
}

OnnxNode& OnnxNode::Int(std::string_view name, std::int64_t value) {
  return Attribute(AttributeNamed(name, 2).Varint(3, static_cast<std::uint64_t>(value)));
}

OnnxNode& OnnxNode::Ints(std::string_view name, const std::vector<std::int64_t>& values) {
  Proto attribute = AttributeNamed(name, 7);
  for (const std::int64_t value : values) attribute.Varint(8, static_cast<std::uint64_t>(value));
  return Attribute(attribute);
}

OnnxNode& OnnxNode::Float(std::string_view name, float value) {
  return Attribute(AttributeNamed(name, 1).Float(2, value));
}

OnnxNode& OnnxNode::Text(std::string_view name, std::string_view value) {
  return Attribute(AttributeNamed(name, 3).Text(4, value));
}

OnnxNode& OnnxNode::Tensor(std::string_view name, const OnnxTensor& value) {
  return Attribute(AttributeNamed(name, 4).Message(5, TensorProto(value)));
}

OnnxNode& OnnxNode::Sparse(std::string_view name, const Proto& sparse) {
  return Attribute(AttributeNamed(name, 11).Message(22, sparse));
}

OnnxNode& OnnxNode::Graph(std::string_view name, const OnnxGraph& graph) {
  return Attribute(AttributeNamed(name, 5).Message(6, graph.proto));
}

OnnxGraph& OnnxGraph::Input(std::string_view name, int type, const OnnxDims& dims) {
  proto.Message(11, ValueInfo(name, type, dims));
  return *this;
}

OnnxGraph& OnnxGraph::Output(std::string_view name, int type, const OnnxDims& dims) {
  proto.Message(12, ValueInfo(name, type, dims));
  return *this;
}

OnnxGraph& OnnxGraph::Initializer(const OnnxTensor& tensor) {
  proto.Message(5, TensorProto(tensor));
  return *this;
}

OnnxGraph& OnnxGraph::Node(const OnnxNode& node) {
  proto.Message(1, node.proto);
  return *this;
}

base::Bytes OnnxModel::Bytes() const {
  Proto opset;
  opset.Text(1, "").Varint(2, static_cast<std::uint64_t>(opset_));
  Proto model;
  model.Varint(1, static_cast<std::uint64_t>(ir_version_))
      .Message(7, graph_)
      .Raw(extra.bytes())
      .Message(8, opset);
  return model.bytes();
}

base::Bytes IdentityModel(int type, const OnnxDims& dims) {
  OnnxGraph graph;
  graph.Input("x", type, dims).Output("y", type, dims).Node(OnnxNode("Identity", {"x"}, {"y"}));
  return OnnxModel(graph).Bytes();
}

base::Bytes AddModel(int type, const OnnxDims& dims) {
  OnnxGraph graph;
  graph.Input("a", type, dims).Input("b", type, dims).Output("sum", type, dims);
  graph.Node(OnnxNode("Add", {"a", "b"}, {"sum"}));
  return OnnxModel(graph).Bytes();
}

base::Bytes MatMulModel(std::int64_t inner, std::int64_t outer) {
  std::vector<float> weights;
  for (std::int64_t i = 0; i < inner; ++i) {
    for (std::int64_t j = 0; j < outer; ++j) weights.push_back(static_cast<float>(i + j));
  }
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {"batch", inner}).Output("y", kOnnxFloat, {"batch", outer});
  graph.Initializer(FloatTensor("w", {inner, outer}, weights));
  graph.Node(OnnxNode("MatMul", {"x", "w"}, {"y"}));
  return OnnxModel(graph).Bytes();
}

base::Bytes ArgMaxModel(std::int64_t classes) {
  OnnxGraph graph;
  graph.Input("logits", kOnnxFloat, {"batch", "frames", classes})
      .Output("ids", kOnnxInt64, {"batch", "frames"});
  graph.Node(OnnxNode("ArgMax", {"logits"}, {"ids"}).Int("axis", -1).Int("keepdims", 0));
  return OnnxModel(graph).Bytes();
}

base::Bytes ReluTransposeModel() {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {"rows", "columns"}).Output("y", kOnnxFloat, {"columns", "rows"});
  graph.Node(OnnxNode("Relu", {"x"}, {"positive"}));
  graph.Node(OnnxNode("Transpose", {"positive"}, {"y"}).Ints("perm", {1, 0}));
  return OnnxModel(graph).Bytes();
}

base::Bytes LongModel(const OnnxDim& n) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {n, 1}).Output("y", kOnnxFloat, {});
  graph.Node(OnnxNode("Transpose", {"x"}, {"t"}).Ints("perm", {1, 0}));
  graph.Node(OnnxNode("MatMul", {"x", "t"}, {"outer"}));
  graph.Node(OnnxNode("MatMul", {"outer", "outer"}, {"square"}));
  graph.Node(OnnxNode("ReduceMax", {"square"}, {"y"}).Int("keepdims", 0));
  return OnnxModel(graph).Bytes();
}

base::Bytes EndlessLoopModel() {
  OnnxGraph body;
  body.Input("trip", kOnnxInt64, {}).Input("go_on", kOnnxBool, {}).Input("carried", kOnnxFloat, {1});
  body.Output("still", kOnnxBool, {}).Output("next", kOnnxFloat, {1});
  body.Node(OnnxNode("Identity", {"go_on"}, {"still"})).Node(OnnxNode("Identity", {"carried"}, {"next"}));
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {1}).Output("y", kOnnxFloat, {1});
  graph.Initializer(Int64Tensor("trips", {}, {std::int64_t{1} << 62}));
  graph.Initializer(RawTensor("yes", kOnnxBool, {}, base::Bytes{1}));
  graph.Node(OnnxNode("Loop", {"trips", "yes", "x"}, {"y"}).Graph("body", body));
  return OnnxModel(graph).Bytes();
}

base::Bytes ExternalDataModel(std::string_view location) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {4}).Output("y", kOnnxFloat, {4});
  graph.Initializer(ExternalTensor("c", kOnnxFloat, {4}, location));
  graph.Node(OnnxNode("Add", {"x", "c"}, {"y"}));
  return OnnxModel(graph).Bytes();
}

}  // namespace blindai::tests
