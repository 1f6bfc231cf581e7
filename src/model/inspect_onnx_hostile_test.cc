// Models that must not reach an engine, each with the code that says why. A story is a good model with one
// thing bent; most of them crash, hang or open something in an inference engine that gets them.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "model/inspect_onnx.h"
#include "support/onnx_builder.h"
#include "support/paths.h"

namespace blindai::model {
namespace {

using namespace tests;
using base::Bytes;

constexpr std::int64_t kHuge = std::int64_t{1} << 40;

struct Story {
  std::string name;
  std::string code;
  std::function<Bytes()> model;
  bool control_flow = false;  // on a server that allows it
};
void PrintTo(const Story& story, std::ostream* out) { *out << story.name; }

class HostileModel : public testing::TestWithParam<Story> {};

TEST_P(HostileModel, IsRefused) {
  const InspectLimits limits{.allow_control_flow = GetParam().control_flow};
  const auto summary = InspectOnnx(GetParam().model(), limits);
  ASSERT_FALSE(summary.ok());
  EXPECT_EQ(summary.error().code, GetParam().code) << summary.error().message;
  EXPECT_FALSE(summary.error().message.empty());
  EXPECT_LT(summary.error().message.size(), 400u);
}

std::string NameOf(const testing::TestParamInfo<Story>& info) { return info.param.name; }

// ---- small parts
// ---------------------------------------------------------------------------------------------------

// x and y are vectors of four; the middle is the story's.
OnnxGraph Frame(const OnnxDims& dims = {4}) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, dims).Output("y", kOnnxFloat, {"n"});
  return graph;
}
Bytes Model(const OnnxGraph& graph, std::int64_t opset = 17) { return OnnxModel(graph).Opset(opset).Bytes(); }

// One node from x to y.
Bytes One(const OnnxNode& node, const std::vector<OnnxTensor>& weights = {}, const OnnxDims& dims = {4},
          std::int64_t opset = 17) {
  OnnxGraph graph = Frame(dims);
  for (const OnnxTensor& weight : weights) graph.Initializer(weight);
  return Model(graph.Node(node), opset);
}
Bytes One(const OnnxNode& node, const OnnxDims& dims, std::int64_t opset = 17) {
  return One(node, {}, dims, opset);
}

// y = x with a weight that only is there.
Bytes WithWeight(const OnnxTensor& weight) { return One(OnnxNode("Identity", {"x"}, {"y"}), {weight}); }

Bytes Of(const Proto& proto) { return proto.bytes(); }

OnnxTensor Zeros(std::string name, std::vector<std::int64_t> dims) {
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) count *= dim;
  return FloatTensor(std::move(name), std::move(dims), std::vector<float>(static_cast<std::size_t>(count)));
}

// A node that makes y from constants: the engine would compute it when it compiles.
Bytes FromConstants(OnnxNode node, const std::vector<OnnxTensor>& weights) {
  OnnxGraph graph = Frame();
  for (const OnnxTensor& weight : weights) graph.Initializer(weight);
  return Model(graph.Node(std::move(node)).Node(OnnxNode("Add", {"x", "made"}, {"y"})));
}

OnnxGraph Branch(const OnnxNode& node) {
  OnnxGraph graph;
  graph.Output("b", kOnnxFloat, {4});
  graph.Node(node);
  return graph;
}
OnnxNode If(const OnnxGraph& branch, std::string output = "y") {
  OnnxNode node("If", {"c"}, {std::move(output)});
  return node.Graph("then_branch", branch).Graph("else_branch", Branch(OnnxNode("Identity", {"x"}, {"b"})));
}
// An If whose condition is a constant.
Bytes WithIf(const OnnxNode& node) {
  OnnxGraph graph = Frame();
  return Model(graph.Initializer(RawTensor("c", kOnnxBool, {}, Bytes{1})).Node(node));
}
Bytes NestedIfs(int depth) {
  OnnxGraph inner = Branch(OnnxNode("Identity", {"x"}, {"b"}));
  for (int i = 1; i < depth; ++i) inner = Branch(If(inner, "b"));
  return WithIf(If(inner));
}

OnnxGraph LoopBody(int carried_type = kOnnxFloat, const OnnxDims& dims = {4}) {
  OnnxGraph body;
  body.Input("i", kOnnxInt64, {}).Input("go", kOnnxBool, {}).Input("v", carried_type, dims);
  body.Output("still", kOnnxBool, {}).Output("w", carried_type, dims);
  body.Node(OnnxNode("Identity", {"go"}, {"still"})).Node(OnnxNode("Identity", {"v"}, {"w"}));
  return body;
}
Bytes WithLoop(std::int64_t trips, const OnnxGraph& body = LoopBody(), std::string count = "trips") {
  OnnxGraph graph = Frame();
  graph.Initializer(Int64Tensor("trips", {}, {trips})).Initializer(RawTensor("yes", kOnnxBool, {}, Bytes{1}));
  return Model(graph.Node(OnnxNode("Loop", {std::move(count), "yes", "x"}, {"y"}).Graph("body", body)));
}

// An LSTM whose weights are for `hidden` and whose attribute says something else.
Bytes Recurrent(const std::string& op, std::int64_t gates, std::int64_t hidden, std::int64_t said,
                bool fixed = true) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {"t", 1, 3}).Output("y", kOnnxFloat, {"t", 1, 1, hidden});
  if (fixed) {
    graph.Initializer(Zeros("w", {1, gates * hidden, 3}))
        .Initializer(Zeros("r", {1, gates * hidden, hidden}));
  } else {
    graph.Input("w", kOnnxFloat, {1, "a", 3}).Input("r", kOnnxFloat, {1, "a", hidden});
  }
  return Model(graph.Node(OnnxNode(op, {"x", "w", "r"}, {"y"}).Int("hidden_size", said)));
}

// ---- the file
// ------------------------------------------------------------------------------------------------------

Bytes Text(std::string_view text) { return base::CopyBytes(base::AsBytes(text)); }
Bytes Append(Bytes file, std::string_view tail) {
  file.insert(file.end(), tail.begin(), tail.end());
  return file;
}
Bytes ModelWith(const Proto& extra) {
  OnnxGraph graph = Frame();
  OnnxModel model(graph.Node(OnnxNode("Identity", {"x"}, {"y"})));
  model.extra = extra;
  return model.Bytes();
}
Bytes ModelWithIr(std::int64_t version) {
  OnnxGraph graph = Frame();
  return OnnxModel(graph.Node(OnnxNode("Identity", {"x"}, {"y"}))).IrVersion(version).Bytes();
}
Proto Opset(std::string_view domain, std::int64_t version) {
  return Proto().Text(1, domain).Varint(2, static_cast<std::uint64_t>(version));
}
// y = x with one more field in the graph.
Bytes GraphWith(const std::function<void(OnnxGraph&)>& change) {
  OnnxGraph graph = Frame();
  graph.Node(OnnxNode("Identity", {"x"}, {"y"}));
  change(graph);
  return Model(graph);
}

std::vector<Story> FileStories() {
  return {
      {"EmptyFile", "model-empty", [] { return Bytes{}; }},
      {"ThreeBytes", "model-truncated",
       [] {
         return Bytes{8, 8, 58};
       }},
      {"Noise", "not-onnx", [] { return Bytes(64, 255); }},
      {"ZeroBytes", "not-onnx", [] { return Bytes(64, 0); }},
      {"ZipArchive", "not-onnx", [] { return Text("PK\x03\x04 a checkpoint"); }},
      {"Pickle", "not-onnx", [] { return Text("\x80\x04\x95 a pickle"); }},
      {"GgufModel", "not-onnx", [] { return Text("GGUF and more"); }},
      {"Hdf5", "not-onnx", [] { return Text("\x89HDF\r\n\x1a\n"); }},
      {"GitLfsPointer", "not-onnx", [] { return Text("version https://git-lfs"); }},
      {"OpenVinoIr", "not-onnx", [] { return Text("<?xml version=\"1.0\"?><net name=\"m\"/>"); }},
      {"Json", "not-onnx", [] { return Text("{\"error\": \"not found\"}"); }},
      {"NoGraph", "not-onnx", [] { return Of(Proto().Varint(1, 8).Text(2, "a producer")); }},
      {"TrailingZeros", "model-malformed",
       [] { return Append(IdentityModel(), std::string_view("\0\0\0", 3)); }},
      {"TrailingText", "model-malformed", [] { return Append(IdentityModel(), "trailing garbage"); }},
      {"UnknownFieldOfTheModel", "model-malformed", [] { return ModelWith(Proto().Text(23, "more")); }},
      {"UnknownFieldOfANode", "model-malformed",
       [] {
         OnnxNode node("Identity", {"x"}, {"y"});
         node.proto.Varint(23, 1);
         return One(node);
       }},
      {"TwoGraphs", "model-malformed", [] { return ModelWith(Proto().Message(7, OnnxGraph().proto)); }},
      {"WrongWireType", "model-malformed", [] { return ModelWith(Proto().Text(5, "not a number")); }},
      {"ProtobufGroup", "model-malformed",
       [] {
         return ModelWith(Proto().Raw(Bytes{0x73, 0x74}));
       }},
      {"NumberOfElevenBytes", "model-malformed",
       [] {
         return ModelWith(Proto().Raw(Bytes{0x28, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}));
       }},
      {"FieldLongerThanItsMessage", "model-malformed",
       [] { return GraphWith([](OnnxGraph& graph) { graph.proto.Lie(10, 1000, {}); }); }},
      {"FieldLongerThanTheFile", "model-truncated", [] { return ModelWith(Proto().Lie(6, 100'000, {})); }},
      {"FieldLongerThanAnyFile", "model-too-large",
       [] { return ModelWith(Proto().Lie(6, static_cast<std::uint64_t>(kHuge), {})); }},
      {"FieldOf2To63Bytes", "model-too-large",
       [] { return ModelWith(Proto().Lie(6, std::uint64_t{1} << 63, {})); }},
      {"DimensionWithValueAndName", "model-malformed",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           Proto dim;
           dim.Varint(1, 3).Text(2, "n");
           Proto tensor;
           tensor.Varint(1, 1).Message(2, Proto().Message(1, dim));
           graph.proto.Message(13, Proto().Text(1, "z").Message(2, Proto().Message(1, tensor)));
         });
       }},
      {"NoIrVersion", "ir-version", [] { return ModelWithIr(0); }},
      {"IrVersionOfTomorrow", "ir-version", [] { return ModelWithIr(99); }},
      {"NegativeIrVersion", "ir-version", [] { return ModelWithIr(-1); }},
      {"OpsetTooOld", "opset", [] { return One(OnnxNode("Identity", {"x"}, {"y"}), OnnxDims{4}, 6); }},
      {"OpsetTooNew", "opset", [] { return One(OnnxNode("Identity", {"x"}, {"y"}), OnnxDims{4}, 99); }},
      {"OpsetMinusOne", "opset", [] { return One(OnnxNode("Identity", {"x"}, {"y"}), OnnxDims{4}, -1); }},
      {"OpsetOfAnEndlessLoad", "opset",
       [] { return One(OnnxNode("Identity", {"x"}, {"y"}), OnnxDims{4}, std::int64_t{1} << 62); }},
      {"DefaultOpsetTwice", "opset", [] { return ModelWith(Proto().Message(8, Opset("ai.onnx", 17))); }},
      {"OtherOpsetOfAnEndlessLoad", "opset",
       [] { return ModelWith(Proto().Message(8, Opset("com.example", std::int64_t{1} << 62))); }},
      {"LocalFunction", "local-functions",
       [] {
         Proto function;
         function.Text(1, "f").Text(10, "local").Message(7, OnnxNode("Identity", {"a"}, {"b"}).proto);
         return ModelWith(Proto().Message(25, function));
       }},
      {"EmptyLocalFunction", "local-functions", [] { return ModelWith(Proto().Message(25, Proto())); }},
      {"FunctionOverload", "local-functions",
       [] {
         OnnxNode node("Identity", {"x"}, {"y"});
         node.proto.Text(8, "one");
         return One(node);
       }},
      {"AttributeReference", "local-functions",
       [] {
         return One(OnnxNode("Softmax", {"x"}, {"y"})
                        .Attribute(Proto().Text(1, "axis").Varint(20, 2).Text(21, "outer_axis")));
       }},
      {"TrainingInformation", "training-info",
       [] { return ModelWith(Proto().Message(20, Proto().Message(1, OnnxGraph().proto))); }},
  };
}
INSTANTIATE_TEST_SUITE_P(File, HostileModel, testing::ValuesIn(FileStories()), NameOf);

// ---- names, order, signature
// ---------------------------------------------------------------------------------------

std::vector<Story> GraphStories() {
  return {
      {"NoNodes", "model-signature",
       [] {
         OnnxGraph graph;
         return Model(graph.Input("x", kOnnxFloat, {4}).Output("x", kOnnxFloat, {4}));
       }},
      {"NoInputs", "model-signature",
       [] {
         OnnxGraph graph;
         graph.Output("y", kOnnxFloat, {4}).Initializer(Zeros("w", {4}));
         return Model(graph.Node(OnnxNode("Identity", {"w"}, {"y"})));
       }},
      {"NoOutputs", "model-signature",
       [] {
         OnnxGraph graph;
         return Model(graph.Input("x", kOnnxFloat, {4}).Node(OnnxNode("Identity", {"x"}, {"y"})));
       }},
      {"InputWithoutName", "model-signature",
       [] { return GraphWith([](OnnxGraph& graph) { graph.Input("", kOnnxFloat, {4}); }); }},
      {"InputWithoutRank", "model-signature",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           graph.proto.Message(11, Proto().Text(1, "z").Message(2, Proto().Message(1, Proto().Varint(1, 1))));
         });
       }},
      {"InputWithoutType", "element-type",
       [] { return GraphWith([](OnnxGraph& graph) { graph.proto.Message(11, Proto().Text(1, "z")); }); }},
      {"OutputOfAnotherType", "model-signature",
       [] {
         OnnxGraph graph;
         graph.Input("x", kOnnxFloat, {4}).Output("y", kOnnxInt64, {4});
         return Model(graph.Node(OnnxNode("Relu", {"x"}, {"y"})));
       }},
      {"StringInput", "element-type", [] { return IdentityModel(kOnnxString); }},
      {"DoublesThatAreComputedWith", "element-type", [] { return AddModel(kOnnxDouble); }},
      {"DoublesBesideAnOperatorThatIsNotExact", "element-type",
       [] {
         OnnxGraph graph;
         graph.Input("x", kOnnxFloat, {4}).Input("d", kOnnxDouble, {4});
         graph.Output("y", kOnnxFloat, {4}).Output("e", kOnnxDouble, {4});
         return Model(graph.Node(OnnxNode("Identity", {"d"}, {"e"})).Node(OnnxNode("Relu", {"x"}, {"y"})));
       }},
      {"Uint64Division", "element-type",
       [] {
         OnnxGraph graph;
         graph.Input("x", kOnnxUint64, {1}).Output("y", kOnnxUint64, {1});
         graph.Initializer(RawTensor("w", kOnnxUint64, {1}, Bytes{3, 0, 0, 0, 0, 0, 0, 0}));
         return Model(graph.Node(OnnxNode("Div", {"x", "w"}, {"y"})));
       }},
      {"Uint64MadeByAnotherOperator", "element-type",
       [] {
         OnnxGraph graph;
         graph.Input("x", kOnnxFloat, {4}).Output("y", kOnnxUint64, {4});
         return Model(graph.Node(OnnxNode("EyeLike", {"x"}, {"y"}).Int("dtype", kOnnxUint64)));
       }},
      {"FourBitInput", "element-type", [] { return IdentityModel(kOnnxUint4); }},
      {"EightBitFloatInput", "element-type", [] { return IdentityModel(kOnnxFloat8E4M3FN); }},
      {"ComplexInput", "element-type", [] { return IdentityModel(kOnnxComplex64); }},
      {"UndefinedElementType", "element-type", [] { return IdentityModel(0); }},
      {"ElementTypeThatTruncatesToFloat", "element-type",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           Proto tensor;
           tensor.Varint(1, (std::uint64_t{1} << 32) + 1).Message(2, Proto());
           graph.proto.Message(11, Proto().Text(1, "z").Message(2, Proto().Message(1, tensor)));
         });
       }},
      {"SequenceInput", "element-type",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           Proto element;
           element.Message(1, Proto().Varint(1, 1));
           graph.proto.Message(
               11, Proto().Text(1, "z").Message(2, Proto().Message(4, Proto().Message(1, element))));
         });
       }},
      {"OptionalInput", "element-type",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           graph.proto.Message(11, Proto().Text(1, "z").Message(2, Proto().Message(9, Proto())));
         });
       }},
      {"MapInput", "element-type",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           graph.proto.Message(11, Proto().Text(1, "z").Message(2, Proto().Message(5, Proto())));
         });
       }},
      {"NegativeDimensionOfAnInput", "value-shape",
       [] {
         return IdentityModel(kOnnxFloat, {-1, 4});
       }},
      {"InputThatIsAlwaysEmpty", "value-shape",
       [] {
         return IdentityModel(kOnnxFloat, {0, 4});
       }},
      {"HugeDimensionOfAnInput", "tensor-too-large",
       [] {
         return IdentityModel(kOnnxFloat, {"n", kHuge});
       }},
      {"HugeInput", "tensor-too-large",
       [] {
         return IdentityModel(kOnnxFloat, {1 << 20, 1 << 20});
       }},
      {"InputSizeThatWraps", "tensor-too-large",
       [] {
         return IdentityModel(kOnnxFloat, {1 << 30, 1 << 30, 1 << 30, 1 << 30});
       }},
      {"TooManyDimensions", "model-too-complex",
       [] { return IdentityModel(kOnnxFloat, OnnxDims(40, OnnxDim(1))); }},
      {"TooManyInputs", "model-too-complex",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           for (int i = 0; i < 64; ++i) graph.Input("in" + std::to_string(i), kOnnxFloat, {1});
         });
       }},
      {"TooManyOutputs", "model-too-complex",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           for (int i = 0; i < 64; ++i) {
             graph.Node(OnnxNode("Identity", {"x"}, {"out" + std::to_string(i)}));
             graph.Output("out" + std::to_string(i), kOnnxFloat, {4});
           }
         });
       }},
      {"TooManyNodes", "model-too-complex",
       [] {
         OnnxGraph graph = Frame();
         std::string last = "x";
         for (int i = 0; i < 5'000; ++i) {
           const std::string next = "n" + std::to_string(i);
           graph.Node(OnnxNode("Relu", {last}, {next}));
           last = next;
         }
         return Model(graph.Node(OnnxNode("Identity", {last}, {"y"})));
       }},
      {"TooManyInitializers", "model-too-complex",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           for (int i = 0; i < 10'001; ++i) graph.Initializer(Zeros("w" + std::to_string(i), {1}));
         });
       }},
      {"TooManyInputsOfANode", "model-too-complex",
       [] { return One(OnnxNode("Sum", std::vector<std::string>(65, "x"), {"y"})); }},
      {"NameOfAMegabyte", "model-too-complex",
       [] { return One(OnnxNode("Identity", {std::string(1 << 20, 'x')}, {"y"})); }},
      {"NamesBeyondTheBudget", "model-too-complex",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           for (int i = 0; i < 60'000; ++i)
             graph.Output(std::string(500, 'o') + std::to_string(i), kOnnxFloat, {1});
         });
       }},
      {"AttributeTextOfAMegabyte", "model-too-complex",
       [] { return One(OnnxNode("Einsum", {"x"}, {"y"}).Text("equation", std::string(1 << 20, 'a'))); }},
      {"AttributeOfAMillionNumbers", "model-too-complex",
       [] {
         return One(
             OnnxNode("Transpose", {"x"}, {"y"}).Ints("perm", std::vector<std::int64_t>(1'000'000, 0)));
       }},
      {"SameInputTwice", "name-duplicate",
       [] { return GraphWith([](OnnxGraph& graph) { graph.Input("x", kOnnxFloat, {4}); }); }},
      {"SameOutputTwice", "name-duplicate",
       [] { return GraphWith([](OnnxGraph& graph) { graph.Output("y", kOnnxFloat, {4}); }); }},
      {"SameInitializerTwice", "name-duplicate",
       [] {
         return GraphWith(
             [](OnnxGraph& graph) { graph.Initializer(Zeros("w", {1})).Initializer(Zeros("w", {2})); });
       }},
      {"SameValueTwice", "name-duplicate",
       [] { return GraphWith([](OnnxGraph& graph) { graph.Node(OnnxNode("Relu", {"x"}, {"y"})); }); }},
      {"NodeThatOverwritesAnInput", "name-duplicate",
       [] { return GraphWith([](OnnxGraph& graph) { graph.Node(OnnxNode("Relu", {"x"}, {"x"})); }); }},
      {"NodeThatOverwritesAWeight", "name-duplicate",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           graph.Initializer(Zeros("w", {1})).Node(OnnxNode("Relu", {"x"}, {"w"}));
         });
       }},
      {"InitializerWithoutName", "name-missing", [] { return WithWeight(Zeros("", {1})); }},
      {"UndefinedInput", "name-undefined",
       [] {
         return One(OnnxNode("Add", {"x", "nowhere"}, {"y"}));
       }},
      {"UndefinedOutput", "name-undefined",
       [] { return GraphWith([](OnnxGraph& graph) { graph.Output("z", kOnnxFloat, {4}); }); }},
      {"UnsortedNodes", "node-order",
       [] {
         OnnxGraph graph = Frame();
         return Model(graph.Node(OnnxNode("Relu", {"a"}, {"y"})).Node(OnnxNode("Relu", {"x"}, {"a"})));
       }},
      {"NodeThatFeedsItself", "graph-cycle",
       [] {
         return One(OnnxNode("Add", {"x", "y"}, {"y"}));
       }},
      {"TwoNodesThatFeedEachOther", "graph-cycle",
       [] {
         OnnxGraph graph = Frame();
         graph.Node(OnnxNode("Add", {"x", "b"}, {"a"})).Node(OnnxNode("Relu", {"a"}, {"b"}));
         return Model(graph.Node(OnnxNode("Relu", {"b"}, {"y"})));
       }},
  };
}
INSTANTIATE_TEST_SUITE_P(Graph, HostileModel, testing::ValuesIn(GraphStories()), NameOf);

// ---- operators and attributes
// --------------------------------------------------------------------------------------

Bytes Convolution(const std::function<void(OnnxNode&)>& bend) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {1, 2, "t"})
      .Output("y", kOnnxFloat, {1, 4, "t"})
      .Initializer(Zeros("w", {4, 2, 3}));
  OnnxNode node("Conv", {"x", "w"}, {"y"});
  bend(node);
  return Model(graph.Node(node));
}

std::vector<Story> OperatorStories() {
  std::vector<Story> stories = {
      {"UnknownOperator", "operator-unsupported", [] { return One(OnnxNode("Frobnicate", {"x"}, {"y"})); }},
      {"NoOperator", "operator-unsupported", [] { return One(OnnxNode("", {"x"}, {"y"})); }},
      {"OperatorOfALaterOpset", "operator-unsupported",
       [] { return One(OnnxNode("Gelu", {"x"}, {"y"}), OnnxDims{4}, 17); }},
      {"OperatorThatIsGone", "operator-unsupported",
       [] {
         return One(OnnxNode("Upsample", {"x", "s"}, {"y"}), {FloatTensor("s", {1}, {2})}, {4}, 13);
       }},
      {"ForeignDomain", "operator-domain",
       [] {
         return One(OnnxNode("FusedMatMul", {"x", "x"}, {"y"}).Domain("com.microsoft"));
       }},
      {"CompiledContext", "operator-domain",
       [] { return One(OnnxNode("EPContext", {"x"}, {"y"}).Domain("com.microsoft")); }},
      {"ClassicalOperator", "operator-domain",
       [] {
         return One(OnnxNode("ArrayFeatureExtractor", {"x", "x"}, {"y"}).Domain("ai.onnx.ml"));
       }},
      {"DomainWithControlCharacters", "operator-domain",
       [] { return One(OnnxNode("Relu", {"x"}, {"y"}).Domain("\x1b[2J\n")); }},
      {"TooFewInputs", "operator-inputs", [] { return One(OnnxNode("Add", {"x"}, {"y"})); }},
      {"NoInputsAtAll", "operator-inputs", [] { return One(OnnxNode("Concat", {}, {"y"}).Int("axis", 0)); }},
      {"TooManyInputsForTheOperator", "operator-inputs",
       [] {
         return One(OnnxNode("Relu", {"x", "x"}, {"y"}));
       }},
      {"RequiredInputLeftEmpty", "operator-inputs",
       [] {
         return One(OnnxNode("Add", {"x", ""}, {"y"}));
       }},
      {"EmptyPartOfAConcat", "operator-inputs",
       [] {
         return One(OnnxNode("Concat", {"x", "", "x"}, {"y"}).Int("axis", 0));
       }},
      {"NoOutputsOfANode", "operator-outputs",
       [] { return GraphWith([](OnnxGraph& graph) { graph.Node(OnnxNode("Relu", {"x"}, {})); }); }},
      {"TooManyOutputsOfANode", "operator-outputs",
       [] {
         return One(OnnxNode("Relu", {"x"}, {"y", "z"}));
       }},
      {"UnknownAttribute", "operator-attribute",
       [] { return One(OnnxNode("Relu", {"x"}, {"y"}).Int("alpha", 1)); }},
      {"MissingAttribute", "operator-attribute",
       [] {
         return One(OnnxNode("Concat", {"x", "x"}, {"y"}));
       }},
      {"AttributeOfTheWrongType", "operator-attribute",
       [] { return One(OnnxNode("Softmax", {"x"}, {"y"}).Float("axis", 1)); }},
      {"AttributeGivenTwice", "operator-attribute",
       [] { return One(OnnxNode("Softmax", {"x"}, {"y"}).Int("axis", 0).Int("axis", -1)); }},
      {"AttributeWhoseTypeLies", "operator-attribute",
       [] {
         return One(
             OnnxNode("Softmax", {"x"}, {"y"}).Attribute(Proto().Text(1, "axis").Varint(20, 2).Float(2, 1)));
       }},
      {"AttributeOfTensors", "operator-attribute",
       [] {
         return One(
             OnnxNode("Constant", {}, {"y"})
                 .Attribute(Proto().Text(1, "value").Varint(20, 9).Message(10, TensorProto(Zeros("", {4})))));
       }},
      {"AxisOutsideTheRank", "operator-attribute",
       [] {
         return One(OnnxNode("Concat", {"x", "x"}, {"y"}).Int("axis", 3));
       }},
      {"AxisFarOutside", "operator-attribute",
       [] { return One(OnnxNode("Softmax", {"x"}, {"y"}).Int("axis", std::int64_t{1} << 30)); }},
      {"PermThatIsNone", "operator-attribute",
       [] {
         return One(OnnxNode("Transpose", {"x"}, {"y"}).Ints("perm", {0, 0}), OnnxDims{2, 2});
       }},
      {"PermOfAnotherRank", "operator-attribute",
       [] {
         return One(OnnxNode("Transpose", {"x"}, {"y"}).Ints("perm", {0, 1, 2}), OnnxDims{2, 2});
       }},
      {"StrideOfZero", "operator-attribute",
       [] { return Convolution([](OnnxNode& n) { n.Ints("strides", {0}); }); }},
      {"StrideOf2To40", "element-range",
       [] { return Convolution([](OnnxNode& n) { n.Ints("strides", {kHuge}); }); }},
      {"StrideOf2To30", "operator-attribute",
       [] { return Convolution([](OnnxNode& n) { n.Ints("strides", {1 << 30}); }); }},
      {"PoolingStrideOfZero", "operator-attribute",
       [] {
         return One(OnnxNode("MaxPool", {"x"}, {"y"}).Ints("kernel_shape", {2}).Ints("strides", {0}),
                    OnnxDims{1, 1, 8});
       }},
      {"PoolingWithoutKernel", "operator-attribute",
       [] {
         return One(OnnxNode("MaxPool", {"x"}, {"y"}), OnnxDims{1, 1, 8});
       }},
      {"DilationOfZero", "operator-attribute",
       [] { return Convolution([](OnnxNode& n) { n.Ints("dilations", {0}); }); }},
      {"NegativeConvolutionPad", "operator-attribute",
       [] { return Convolution([](OnnxNode& n) {
              n.Ints("pads", {-9, 0});
            }); }},
      {"GroupOfZero", "operator-attribute",
       [] { return Convolution([](OnnxNode& n) { n.Int("group", 0); }); }},
      {"GroupThatDoesNotDivide", "operator-inputs",
       [] { return Convolution([](OnnxNode& n) { n.Int("group", 3); }); }},
      {"KernelShapeThatIsNotTheWeights", "operator-attribute",
       [] { return Convolution([](OnnxNode& n) { n.Ints("kernel_shape", {5}); }); }},
      {"PadsOfAnotherRank", "operator-attribute",
       [] { return Convolution([](OnnxNode& n) {
              n.Ints("pads", {1, 1, 1, 1});
            }); }},
      {"BlockSizeOfZero", "operator-attribute",
       [] {
         return One(OnnxNode("DepthToSpace", {"x"}, {"y"}).Int("blocksize", 0), OnnxDims{1, 4, 2, 2});
       }},
      {"BlockSizeOf2To30", "operator-attribute",
       [] {
         return One(OnnxNode("SpaceToDepth", {"x"}, {"y"}).Int("blocksize", 1 << 30), OnnxDims{1, 4, 2, 2});
       }},
      {"AttentionThroughAWindow", "operator-refused",
       [] {
         OnnxGraph graph;
         for (const char* name : {"q", "k", "v"}) graph.Input(name, kOnnxFloat, {1, 2, 4, 8});
         graph.Output("y", kOnnxFloat, {1, 2, 4, 8});
         return Model(graph.Node(OnnxNode("Attention", {"q", "k", "v"}, {"y"}).Int("left_window_size", 1)),
                      25);
       }},
      {"SpaceToDepthByColumns", "operator-refused",
       [] {
         return One(OnnxNode("SpaceToDepth", {"x"}, {"y"}).Int("blocksize", 2).Text("mode", "CRD"),
                    OnnxDims{1, 4, 2, 2}, 28);
       }},
      {"RecurrenceWithTheBatchFirst", "operator-refused",
       [] {
         OnnxGraph graph;
         graph.Input("x", kOnnxFloat, {1, 3, 2}).Output("y", kOnnxFloat, {1, 3, 1, 2});
         graph.Initializer(Zeros("w", {1, 2, 2})).Initializer(Zeros("r", {1, 2, 2}));
         return Model(
             graph.Node(OnnxNode("RNN", {"x", "w", "r"}, {"y"}).Int("hidden_size", 2).Int("layout", 1)));
       }},
      {"BitShiftOfOpset28", "operator-refused",
       [] {
         OnnxGraph graph;
         graph.Input("x", kOnnxUint8, {4}).Input("by", kOnnxUint8, {4}).Output("y", kOnnxUint8, {4});
         return Model(graph.Node(OnnxNode("BitShift", {"x", "by"}, {"y"}).Text("direction", "LEFT")), 28);
       }},
      {"CastToDouble", "element-type",
       [] {
         OnnxGraph graph;
         graph.Input("x", kOnnxFloat, {4}).Output("y", kOnnxFloat, {4});
         graph.Node(OnnxNode("Cast", {"x"}, {"wide"}).Int("to", kOnnxDouble));
         graph.Node(OnnxNode("Cast", {"wide"}, {"back"}).Int("to", kOnnxFloat));
         return Model(graph.Node(OnnxNode("Relu", {"back"}, {"y"})));
       }},
      {"CastToStrings", "element-type",
       [] { return One(OnnxNode("Cast", {"x"}, {"y"}).Int("to", kOnnxString)); }},
      {"CastToNothing", "element-type", [] { return One(OnnxNode("Cast", {"x"}, {"y"}).Int("to", 0)); }},
      {"ConstantOfStrings", "element-type",
       [] { return FromConstants(OnnxNode("Constant", {}, {"made"}).Text("value_string", "text"), {}); }},
      {"ConstantWithTwoValues", "operator-attribute",
       [] {
         return FromConstants(OnnxNode("Constant", {}, {"made"}).Float("value_float", 1).Int("value_int", 1),
                              {});
       }},
      {"ConstantWithoutValue", "operator-attribute",
       [] { return FromConstants(OnnxNode("Constant", {}, {"made"}), {}); }},
      {"MatricesThatDoNotFit", "operator-inputs",
       [] {
         return One(OnnxNode("MatMul", {"x", "w"}, {"y"}), {Zeros("w", {5, 2})}, {1, 4});
       }},
      {"ShapesThatDoNotBroadcast", "operator-inputs",
       [] {
         return One(OnnxNode("Add", {"x", "w"}, {"y"}), {Zeros("w", {3})});
       }},
      {"EmptyConvolutionKernel", "operator-inputs",
       [] {
         return One(OnnxNode("Conv", {"x", "w"}, {"y"}), {Zeros("w", {4, 2, 0})}, {1, 2, "t"});
       }},
  };
  for (const char* name : {"Scatter",
                           "ScatterElements",
                           "GatherND",
                           "RandomNormal",
                           "RandomNormalLike",
                           "RandomUniform",
                           "RandomUniformLike",
                           "Multinomial",
                           "Bernoulli",
                           "StringNormalizer",
                           "StringConcat",
                           "StringSplit",
                           "RegexFullMatch",
                           "TfIdfVectorizer",
                           "DFT",
                           "STFT",
                           "SequenceAt",
                           "SplitToSequence",
                           "Optional",
                           "OptionalGetElement",
                           "Gradient",
                           "Adam"}) {
    stories.push_back({std::string("Never") + name, "operator-refused", [name] {
                         return One(OnnxNode(name, {"x", "x", "x"}, {"y"}));
                       }});
  }
  for (const char* name : {"If", "Loop", "Scan"}) {
    stories.push_back({std::string(name) + "WhereItIsNotAllowed", "control-flow",
                       [name] { return One(OnnxNode(name, {"x"}, {"y"})); }});
  }
  return stories;
}
INSTANTIATE_TEST_SUITE_P(Operator, HostileModel, testing::ValuesIn(OperatorStories()), NameOf);

// ---- weights
// -------------------------------------------------------------------------------------------------------

std::vector<Story> WeightStories() {
  return {
      {"TooFewBytes", "weight-size", [] { return WithWeight(RawTensor("w", kOnnxFloat, {4}, Bytes(15))); }},
      {"TooManyBytes", "weight-size", [] { return WithWeight(RawTensor("w", kOnnxFloat, {4}, Bytes(20))); }},
      {"NoData", "weight-size",
       [] {
         return WithWeight({"w", kOnnxFloat, {4}, {}});
       }},
      {"DataOfAnotherType", "weight-size",
       [] {
         OnnxTensor weight{"w", kOnnxFloat, {2}, {}};
         weight.proto.Packed(7, {1, 2});
         return WithWeight(weight);
       }},
      {"DataTwice", "weight-size",
       [] {
         OnnxTensor weight = Zeros("w", {2});
         weight.proto.Packed(5, {1, 2});
         return WithWeight(weight);
       }},
      {"PackedListThatEndsInsideANumber", "model-malformed",
       [] {
         OnnxTensor weight{"w", kOnnxInt64, {1}, {}};
         weight.proto.Data(7, Bytes{0x80});
         return WithWeight(weight);
       }},
      {"FloatsThatEndInsideANumber", "model-malformed",
       [] {
         OnnxTensor weight{"w", kOnnxFloat, {1}, {}};
         weight.proto.Data(4, Bytes{1, 2, 3});
         return WithWeight(weight);
       }},
      {"NegativeDimension", "weight-shape",
       [] { return WithWeight(RawTensor("w", kOnnxFloat, {-4}, Bytes(16))); }},
      {"DimensionsThatWrapToOne", "weight-shape",
       [] {
         return WithWeight(
             RawTensor("w", kOnnxFloat, {std::int64_t{1} << 32, std::int64_t{1} << 32, 1}, Bytes(4)));
       }},
      {"WeightLargerThanAllowed", "tensor-too-large",
       [] {
         return WithWeight(RawTensor("w", kOnnxFloat, {1 << 20, 1 << 12}, Bytes(4)));
       }},
      {"TooManyWeightDimensions", "model-too-complex",
       [] { return WithWeight(RawTensor("w", kOnnxFloat, std::vector<std::int64_t>(33, 1), Bytes(4))); }},
      {"StringWeight", "element-type",
       [] {
         OnnxTensor weight{"w", kOnnxString, {1}, {}};
         weight.proto.Text(6, "text");
         return WithWeight(weight);
       }},
      {"DoubleWeight", "element-type",
       [] { return One(OnnxNode("Relu", {"x"}, {"y"}), {RawTensor("w", kOnnxDouble, {1}, Bytes(8))}); }},
      {"Uint64Weight", "element-type",
       [] { return One(OnnxNode("Relu", {"x"}, {"y"}), {RawTensor("w", kOnnxUint64, {1}, Bytes(8))}); }},
      {"DoubleWeightOfTooFewBytes", "weight-size",
       [] { return WithWeight(RawTensor("w", kOnnxDouble, {4}, Bytes(16))); }},
      {"FourBitWeight", "element-type", [] { return WithWeight(RawTensor("w", kOnnxInt4, {2}, Bytes(1))); }},
      {"EightBitFloatWeight", "element-type",
       [] { return WithWeight(RawTensor("w", kOnnxFloat8E4M3FN, {1}, Bytes(1))); }},
      {"TypeThatTruncatesToFloat", "element-type",
       [] {
         Proto tensor;
         tensor.Varint(1, 1).Varint(2, (std::uint64_t{1} << 32) + 1).Text(8, "w").Data(9, Bytes(4));
         return GraphWith([&tensor](OnnxGraph& graph) { graph.proto.Message(5, tensor); });
       }},
      {"IntegerBeyond32Bits", "element-range",
       [] { return One(OnnxNode("Relu", {"x"}, {"y"}), {Int64Tensor("w", {1}, {kHuge + 1})}); }},
      {"SparseWeight", "sparse-tensor",
       [] {
         return GraphWith([](OnnxGraph& graph) {
           graph.proto.Message(15, SparseTensorProto(Zeros("w", {1}), Int64Tensor("i", {1}, {0}), {8}));
         });
       }},
      {"SparseConstant", "sparse-tensor",
       [] {
         return FromConstants(
             OnnxNode("Constant", {}, {"made"})
                 .Sparse("sparse_value", SparseTensorProto(Zeros("w", {1}), Int64Tensor("i", {1}, {0}), {4})),
             {});
       }},
      {"SegmentedWeightTwice", "model-malformed",
       [] {
         OnnxTensor weight = Zeros("w", {1});
         weight.proto.Data(9, Bytes(4));
         return WithWeight(weight);
       }},
      {"ConstantsBeyondTheirSum", "constants-too-large",
       [] {
         OnnxGraph graph = Frame();
         graph.Initializer(Int64Tensor("s", {2}, {1 << 14, 1 << 14}));
         for (int i = 0; i < 5; ++i) {
           graph.Node(OnnxNode("ConstantOfShape", {"s"}, {"c" + std::to_string(i)}));
         }
         return Model(graph.Node(OnnxNode("Identity", {"x"}, {"y"})));
       }},
  };
}
INSTANTIATE_TEST_SUITE_P(Weight, HostileModel, testing::ValuesIn(WeightStories()), NameOf);

// ---- sizes
// ---------------------------------------------------------------------------------------------------------

// A node whose operand comes from a request.
Bytes FromRequest(OnnxNode node, const OnnxDims& operand) {
  OnnxGraph graph = Frame();
  graph.Input("r", kOnnxInt64, operand);
  return Model(graph.Node(std::move(node)));
}
Bytes Division(const std::string& op, int type, const std::vector<OnnxTensor>& divisor) {
  OnnxGraph graph;
  graph.Input("x", type, {4}).Output("y", type, {4});
  if (divisor.empty()) {
    graph.Input("d", type, {4});
  } else {
    graph.Initializer(divisor.front());
  }
  return Model(graph.Node(OnnxNode(op, {"x", "d"}, {"y"})));
}

std::vector<Story> SizeStories() {
  return {
      {"ConstantOfShapeOf4Gigabytes", "tensor-too-large",
       [] {
         return FromConstants(OnnxNode("ConstantOfShape", {"s"}, {"made"}),
                              {Int64Tensor("s", {2}, {1 << 16, 1 << 14})});
       }},
      {"ConstantOfShapeThatWraps", "tensor-too-large",
       [] {
         return FromConstants(OnnxNode("ConstantOfShape", {"s"}, {"made"}),
                              {Int64Tensor("s", {4}, {1 << 30, 1 << 30, 1 << 30, 1 << 30})});
       }},
      {"ConstantOfNegativeShape", "size-invalid",
       [] {
         return FromConstants(OnnxNode("ConstantOfShape", {"s"}, {"made"}), {Int64Tensor("s", {1}, {-4})});
       }},
      {"ConstantOfShapeFromARequest", "size-from-data",
       [] { return FromRequest(OnnxNode("ConstantOfShape", {"r"}, {"y"}), {2}); }},
      {"ConstantOfShapeFromACastRequest", "size-from-data",
       [] {
         OnnxGraph graph = Frame();
         graph.Node(OnnxNode("Cast", {"x"}, {"r"}).Int("to", kOnnxInt64));
         return Model(graph.Node(OnnxNode("ConstantOfShape", {"r"}, {"y"})));
       }},
      {"ShapeMadeOfArithmetic", "tensor-too-large",
       [] {
         OnnxGraph graph = Frame();
         graph.Initializer(Int64Tensor("a", {1}, {1 << 15})).Initializer(Int64Tensor("b", {1}, {1 << 10}));
         graph.Node(OnnxNode("Mul", {"a", "a"}, {"c"}))
             .Node(OnnxNode("Concat", {"c", "b"}, {"s"}).Int("axis", 0));
         return Model(graph.Node(OnnxNode("ConstantOfShape", {"s"}, {"big"}))
                          .Node(OnnxNode("Identity", {"x"}, {"y"})));
       }},
      {"ExpandToAGigabyteTimesFour", "tensor-too-large",
       [] {
         return One(OnnxNode("Expand", {"x", "s"}, {"y"}), {Int64Tensor("s", {2}, {1 << 28, 4})});
       }},
      {"ExpandFromARequest", "size-from-data",
       [] {
         return FromRequest(OnnxNode("Expand", {"x", "r"}, {"y"}), {2});
       }},
      {"TileABillionTimes", "size-invalid",
       [] {
         return One(OnnxNode("Tile", {"x", "s"}, {"y"}), {Int64Tensor("s", {1}, {1 << 30})});
       }},
      {"TileAMillionTimes", "tensor-too-large",
       [] {
         return One(OnnxNode("Tile", {"x", "s"}, {"y"}), {Int64Tensor("s", {1}, {1 << 20})}, {1024});
       }},
      {"TileMinusOneTimes", "size-invalid",
       [] {
         return One(OnnxNode("Tile", {"x", "s"}, {"y"}), {Int64Tensor("s", {1}, {-1})});
       }},
      {"TileFromARequest", "size-from-data",
       [] {
         return FromRequest(OnnxNode("Tile", {"x", "r"}, {"y"}), {1});
       }},
      {"RangeOf2To40Floats", "tensor-too-large",
       [] {
         return FromConstants(
             OnnxNode("Range", {"a", "b", "c"}, {"made"}),
             {FloatTensor("a", {}, {0}), FloatTensor("b", {}, {1e12F}), FloatTensor("c", {}, {1})});
       }},
      {"RangeOf2To31", "tensor-too-large",
       [] {
         return FromConstants(
             OnnxNode("Range", {"a", "b", "c"}, {"made"}),
             {Int64Tensor("a", {}, {0}), Int64Tensor("b", {}, {INT32_MAX}), Int64Tensor("c", {}, {1})});
       }},
      {"RangeWithStepZero", "size-invalid",
       [] {
         return FromConstants(OnnxNode("Range", {"a", "b", "a"}, {"made"}),
                              {Int64Tensor("a", {}, {0}), Int64Tensor("b", {}, {4})});
       }},
      {"RangeFromARequest", "size-from-data",
       [] {
         OnnxGraph graph = Frame();
         graph.Input("r", kOnnxInt64, {})
             .Initializer(Int64Tensor("a", {}, {0}))
             .Initializer(Int64Tensor("c", {}, {1}));
         return Model(
             graph.Node(OnnxNode("Range", {"a", "r", "c"}, {"z"})).Node(OnnxNode("Identity", {"x"}, {"y"})));
       }},
      {"PadBy2To30", "size-invalid",
       [] {
         return One(OnnxNode("Pad", {"x", "p"}, {"y"}), {Int64Tensor("p", {2}, {1 << 30, 0})});
       }},
      {"PadByTheSmallestInteger", "size-invalid",
       [] {
         return One(OnnxNode("Pad", {"x", "p"}, {"y"}), {Int64Tensor("p", {2}, {INT64_MIN, 0})});
       }},
      {"PadThatCutsMoreThanThereIs", "size-invalid",
       [] {
         return One(OnnxNode("Pad", {"x", "p"}, {"y"}), {Int64Tensor("p", {2}, {-3, -3})});
       }},
      {"PadThatReflectsMoreThanThereIs", "size-invalid",
       [] {
         return One(OnnxNode("Pad", {"x", "p"}, {"y"}).Text("mode", "reflect"),
                    {Int64Tensor("p", {2}, {4, 0})});
       }},
      {"PadsOfTheWrongLength", "operator-inputs",
       [] {
         return One(OnnxNode("Pad", {"x", "p"}, {"y"}), {Int64Tensor("p", {4}, {1, 1, 1, 1})});
       }},
      {"PadFromARequest", "size-from-data",
       [] {
         return FromRequest(OnnxNode("Pad", {"x", "r"}, {"y"}), {2});
       }},
      {"PadAttributeOf2To19", "tensor-too-large",
       [] {
         return One(OnnxNode("Pad", {"x"}, {"y"}).Ints("pads", {1 << 19, 0, 1 << 19, 1 << 19}),
                    OnnxDims{4, 4}, 10);
       }},
      {"OneHotOf2To31", "tensor-too-large",
       [] {
         OnnxGraph graph;
         graph.Input("i", kOnnxInt64, {4}).Output("y", kOnnxFloat, {4, "n"});
         graph.Initializer(Int64Tensor("d", {}, {INT32_MAX})).Initializer(FloatTensor("v", {2}, {0, 1}));
         return Model(graph.Node(OnnxNode("OneHot", {"i", "d", "v"}, {"y"})));
       }},
      {"OneHotOfDepthZero", "size-invalid",
       [] {
         OnnxGraph graph;
         graph.Input("i", kOnnxInt64, {4}).Output("y", kOnnxFloat, {4, "n"});
         graph.Initializer(Int64Tensor("d", {}, {0})).Initializer(FloatTensor("v", {2}, {0, 1}));
         return Model(graph.Node(OnnxNode("OneHot", {"i", "d", "v"}, {"y"})));
       }},
      {"ResizeByAMillion", "tensor-too-large",
       [] {
         return One(OnnxNode("Resize", {"x", "", "s"}, {"y"}), {FloatTensor("s", {3}, {1, 1, 1e6F})},
                    {1, 1, 1024});
       }},
      {"ResizeByZero", "size-invalid",
       [] {
         return One(OnnxNode("Resize", {"x", "", "s"}, {"y"}), {FloatTensor("s", {3}, {1, 1, 0})}, {1, 1, 4});
       }},
      {"ResizeByNotANumber", "size-invalid",
       [] {
         const float nan = std::numeric_limits<float>::quiet_NaN();
         return One(OnnxNode("Resize", {"x", "", "s"}, {"y"}), {FloatTensor("s", {3}, {1, 1, nan})},
                    {1, 1, 4});
       }},
      {"ResizeToTooMuch", "tensor-too-large",
       [] {
         return One(OnnxNode("Resize", {"x", "", "", "s"}, {"y"}),
                    {Int64Tensor("s", {3}, {1, 1 << 16, 1 << 16})}, {1, 1, 4});
       }},
      {"ResizeFromARequest", "size-from-data",
       [] {
         OnnxGraph graph;
         graph.Input("x", kOnnxFloat, {1, 1, 4})
             .Input("r", kOnnxInt64, {3})
             .Output("y", kOnnxFloat, {1, 1, "n"});
         return Model(graph.Node(OnnxNode("Resize", {"x", "", "", "r"}, {"y"})));
       }},
      {"ThirtyDoublings", "tensor-too-large",
       [] {
         OnnxGraph graph = Frame();
         std::string last = "x";
         for (int i = 0; i < 30; ++i) {
           const std::string next = "d" + std::to_string(i);
           graph.Node(OnnxNode("Concat", {last, last}, {next}).Int("axis", 0));
           last = next;
         }
         return Model(graph.Node(OnnxNode("ReduceMax", {last}, {"y"})));
       }},
      {"ProductOfTwoColumns", "tensor-too-large",
       [] {
         OnnxGraph graph;
         graph.Input("x", kOnnxFloat, {1 << 20, 1}).Output("y", kOnnxFloat, {1, 1});
         graph.Node(OnnxNode("Transpose", {"x"}, {"t"}).Ints("perm", {1, 0}));
         return Model(
             graph.Node(OnnxNode("MatMul", {"x", "t"}, {"p"})).Node(OnnxNode("ReduceMax", {"p"}, {"y"})));
       }},
      {"ReshapeToMoreThanThereIs", "size-invalid",
       [] {
         return One(OnnxNode("Reshape", {"x", "s"}, {"y"}), {Int64Tensor("s", {2}, {4, 4})});
       }},
      {"ReshapeWithTwoOpenDimensions", "size-invalid",
       [] {
         return One(OnnxNode("Reshape", {"x", "s"}, {"y"}), {Int64Tensor("s", {2}, {-1, -1})});
       }},
      {"ReshapeToMinusTwo", "size-invalid",
       [] {
         return One(OnnxNode("Reshape", {"x", "s"}, {"y"}), {Int64Tensor("s", {1}, {-2})});
       }},
      {"SplitThatDoesNotAddUp", "size-invalid",
       [] {
         OnnxGraph graph = Frame();
         graph.Initializer(Int64Tensor("s", {2}, {1, 9}));
         return Model(graph.Node(OnnxNode("Split", {"x", "s"}, {"y", "z"})));
       }},
      {"TopKOfMoreThanThereIs", "size-invalid",
       [] {
         OnnxGraph graph = Frame();
         graph.Initializer(Int64Tensor("k", {1}, {5}));
         return Model(graph.Node(OnnxNode("TopK", {"x", "k"}, {"y", "i"})));
       }},
      {"SliceWithStepZero", "size-invalid",
       [] {
         return One(OnnxNode("Slice", {"x", "a", "b", "a", "a"}, {"y"}),
                    {Int64Tensor("a", {1}, {0}), Int64Tensor("b", {1}, {4})});
       }},
      {"ScatterNdAtIndicesOfARequest", "size-from-data",
       [] {
         OnnxGraph graph = Frame();
         graph.Input("r", kOnnxInt64, {1, 1}).Initializer(Zeros("u", {1}));
         return Model(graph.Node(OnnxNode("ScatterND", {"x", "r", "u"}, {"y"})));
       }},
      {"DivisionByZero", "integer-division",
       [] { return Division("Div", kOnnxInt64, {Int64Tensor("d", {1}, {0})}); }},
      {"DivisionByMinusOne", "integer-division",
       [] { return Division("Div", kOnnxInt64, {Int64Tensor("d", {1}, {-1})}); }},
      {"DivisionByARequest", "integer-division", [] { return Division("Div", kOnnxInt32, {}); }},
      {"RemainderByARequest", "integer-division", [] { return Division("Mod", kOnnxUint8, {}); }},
      {"RemainderByZeroAmongOthers", "integer-division",
       [] {
         return Division("Mod", kOnnxInt64, {Int64Tensor("d", {4}, {3, 2, 0, 1})});
       }},
      {"LstmOfAnEmptyBatch", "size-invalid",
       [] {
         OnnxGraph graph;
         graph.Input("t", kOnnxFloat, {7}).Output("y", kOnnxFloat, {"n"}).Initializer(Zeros("x", {4, 0, 3}));
         graph.Initializer(Zeros("w", {1, 8, 3})).Initializer(Zeros("r", {1, 8, 2}));
         return Model(graph.Node(OnnxNode("LSTM", {"x", "w", "r"}, {"y"}).Int("hidden_size", 2)));
       }},
      {"LstmWhoseHiddenSizeLies", "recurrent-weights", [] { return Recurrent("LSTM", 4, 2, 64); }},
      {"GruWhoseHiddenSizeLies", "recurrent-weights", [] { return Recurrent("GRU", 3, 2, 1); }},
      {"RnnWhoseHiddenSizeLies", "recurrent-weights", [] { return Recurrent("RNN", 1, 8, 9); }},
      {"LstmWhoseWeightsComeFromARequest", "recurrent-weights",
       [] { return Recurrent("LSTM", 4, 2, 2, false); }},
      {"GruWithWeightsOfAnLstm", "recurrent-weights", [] { return Recurrent("GRU", 4, 2, 2); }},
  };
}
INSTANTIATE_TEST_SUITE_P(Size, HostileModel, testing::ValuesIn(SizeStories()), NameOf);

// ---- branches and loops
// --------------------------------------------------------------------------------------------

std::vector<Story> ControlFlowStories() {
  return {
      {"IfNinetyDeep", "subgraph-depth", [] { return NestedIfs(90); }},
      {"IfNineDeepWhereNotAllowed", "subgraph-depth", [] { return NestedIfs(9); }},
      {"IfNineDeep", "subgraph-depth", [] { return NestedIfs(9); }, true},
      {"IfFiveDeep", "control-flow", [] { return NestedIfs(5); }, true},
      {"EndlessLoop", "control-flow", [] { return EndlessLoopModel(); }, true},
      {"EndlessLoopWhereNotAllowed", "control-flow", [] { return EndlessLoopModel(); }},
      {"LoopOfNegativeTrips", "control-flow", [] { return WithLoop(-1); }, true},
      {"LoopOfNoTrips", "control-flow", [] { return WithLoop(0); }, true},
      {"LoopWithoutTripCount", "control-flow", [] { return WithLoop(1, LoopBody(), ""); }, true},
      {"LoopOfTooManyTrips", "control-flow", [] { return WithLoop(100'001); }, true},
      {"LoopCountedByARequest", "control-flow",
       [] {
         OnnxGraph graph = Frame();
         graph.Input("r", kOnnxInt64, {}).Initializer(RawTensor("yes", kOnnxBool, {}, Bytes{1}));
         return Model(graph.Node(OnnxNode("Loop", {"r", "yes", "x"}, {"y"}).Graph("body", LoopBody())));
       },
       true},
      {"LoopThatChangesAType", "control-flow", [] { return WithLoop(3, LoopBody(kOnnxInt64)); }, true},
      {"LoopThatChangesAShape", "control-flow", [] { return WithLoop(3, LoopBody(kOnnxFloat, {9})); }, true},
      {"LoopWithoutBody", "operator-attribute",
       [] {
         OnnxGraph graph = Frame();
         graph.Initializer(Int64Tensor("t", {}, {3})).Initializer(RawTensor("c", kOnnxBool, {}, Bytes{1}));
         return Model(graph.Node(OnnxNode("Loop", {"t", "c", "x"}, {"y"})));
       },
       true},
      {"LoopBodyWithoutInputs", "control-flow",
       [] { return WithLoop(3, Branch(OnnxNode("Identity", {"x"}, {"b"}))); }, true},
      {"LoopInputThatIsAWeightToo", "name-duplicate",
       [] {
         OnnxGraph body = LoopBody();
         return WithLoop(3, body.Initializer(Zeros("v", {4})));
       },
       true},
      {"BranchThatHidesAnOuterName", "name-duplicate",
       [] { return WithIf(If(Branch(OnnxNode("Identity", {"x"}, {"x"})))); }, true},
      {"BranchThatUsesWhatIsNotThere", "name-undefined",
       [] { return WithIf(If(Branch(OnnxNode("Relu", {"nowhere"}, {"b"})))); }, true},
      {"BranchWithTooManyOutputs", "control-flow",
       [] {
         OnnxGraph branch = Branch(OnnxNode("Identity", {"x"}, {"b"}));
         return WithIf(If(branch.Output("x", kOnnxFloat, {4})));
       },
       true},
      {"BranchWithInputs", "control-flow",
       [] {
         OnnxGraph branch = Branch(OnnxNode("Identity", {"x"}, {"b"}));
         return WithIf(If(branch.Input("z", kOnnxFloat, {4})));
       },
       true},
      {"BranchesOfDifferentTypes", "control-flow",
       [] { return WithIf(If(Branch(OnnxNode("Cast", {"x"}, {"b"}).Int("to", kOnnxInt32)))); }, true},
      {"GraphWhereATensorBelongs", "operator-attribute",
       [] { return One(OnnxNode("Constant", {}, {"y"}).Graph("value", OnnxGraph())); }},
      {"ScanWithoutScanInputs", "operator-attribute",
       [] {
         OnnxGraph body;
         body.Input("a", kOnnxFloat, {1})
             .Output("b", kOnnxFloat, {1})
             .Node(OnnxNode("Identity", {"a"}, {"b"}));
         return One(OnnxNode("Scan", {"x"}, {"y"}).Graph("body", body).Int("num_scan_inputs", 0));
       },
       true},
      {"ScanWithMoreScanInputsThanInputs", "control-flow",
       [] {
         OnnxGraph body;
         body.Input("a", kOnnxFloat, {1})
             .Output("b", kOnnxFloat, {1})
             .Node(OnnxNode("Identity", {"a"}, {"b"}));
         return One(OnnxNode("Scan", {"x"}, {"y"}).Graph("body", body).Int("num_scan_inputs", 5));
       },
       true},
      {"RandomInABranch", "operator-refused",
       [] { return WithIf(If(Branch(OnnxNode("RandomNormalLike", {"x"}, {"b"})))); }, true},
      {"BigConstantInABranch", "tensor-too-large",
       [] {
         OnnxGraph branch;
         branch.Output("x", kOnnxFloat, {4}).Initializer(Int64Tensor("s", {1}, {1 << 30}));
         return WithIf(If(branch.Node(OnnxNode("ConstantOfShape", {"s"}, {"big"}))));
       },
       true},
  };
}
INSTANTIATE_TEST_SUITE_P(ControlFlow, HostileModel, testing::ValuesIn(ControlFlowStories()), NameOf);

// ---- external data
// -------------------------------------------------------------------------------------------------

struct Placement {
  std::string name;
  std::function<Bytes(const OnnxTensor&)> model;
};

// Every place of a model where a tensor can be (an engine was seen to follow most of them).
std::vector<Placement> Placements() {
  const auto used_by = [](const OnnxNode& node) {
    return [node](const OnnxTensor& tensor) {
      OnnxGraph graph = Frame();
      return Model(graph.Initializer(tensor).Node(node));
    };
  };
  const auto constant = [](const OnnxTensor& tensor) {
    return OnnxNode("Constant", {}, {"t"}).Tensor("value", tensor);
  };
  const auto training = [](std::uint32_t field) {
    return [field](const OnnxTensor& tensor) {
      OnnxGraph graph;
      return ModelWith(Proto().Message(20, Proto().Message(field, graph.Initializer(tensor).proto)));
    };
  };
  const auto sparse = [](bool in_values) {
    return [in_values](const OnnxTensor& tensor) {
      const OnnxTensor good = Int64Tensor("i", {1}, {0});
      return SparseTensorProto(in_values ? tensor : good, in_values ? good : tensor, {4});
    };
  };
  return {
      {"UsedByAdd", used_by(OnnxNode("Add", {"x", "t"}, {"y"}))},
      {"UsedByConcat", used_by(OnnxNode("Concat", {"x", "t"}, {"y"}).Int("axis", 0))},
      {"UsedByGather", used_by(OnnxNode("Gather", {"t", "x"}, {"y"}))},
      {"Unused", used_by(OnnxNode("Identity", {"x"}, {"y"}))},
      {"AlsoAnInput",
       [](const OnnxTensor& tensor) {
         OnnxGraph graph = Frame();
         graph.Input("t", kOnnxFloat, {4}).Initializer(tensor);
         return Model(graph.Node(OnnxNode("Add", {"x", "t"}, {"y"})));
       }},
      {"AlsoAnOutput",
       [](const OnnxTensor& tensor) {
         OnnxGraph graph = Frame();
         graph.Output("t", kOnnxFloat, {4}).Initializer(tensor);
         return Model(graph.Node(OnnxNode("Relu", {"x"}, {"y"})));
       }},
      {"BesideRawData",
       [](const OnnxTensor& tensor) {
         OnnxTensor both = tensor;
         both.proto.Data(9, Bytes(16));
         return WithWeight(both);
       }},
      {"AfterEverythingElse",
       [](const OnnxTensor& tensor) {
         OnnxGraph graph = Frame();
         graph.Node(OnnxNode("Relu", {"x"}, {"y"}));
         Proto whole;
         whole.Data(9, Bytes(16)).Text(8, "t").Varint(2, 1).Varint(1, 4).Raw(tensor.proto.bytes());
         graph.proto.Message(5, whole);
         return Model(graph);
       }},
      {"ConstantValue",
       [constant](const OnnxTensor& tensor) {
         OnnxGraph graph = Frame();
         return Model(graph.Node(constant(tensor)).Node(OnnxNode("Add", {"x", "t"}, {"y"})));
       }},
      {"SparseValueOfAConstant",
       [sparse](const OnnxTensor& tensor) {
         return FromConstants(OnnxNode("Constant", {}, {"made"}).Sparse("sparse_value", sparse(true)(tensor)),
                              {});
       }},
      {"SparseIndicesOfAConstant",
       [sparse](const OnnxTensor& tensor) {
         return FromConstants(
             OnnxNode("Constant", {}, {"made"}).Sparse("sparse_value", sparse(false)(tensor)), {});
       }},
      {"ConstantOfShapeValue",
       [](const OnnxTensor& tensor) {
         return FromConstants(OnnxNode("ConstantOfShape", {"s"}, {"made"}).Tensor("value", tensor),
                              {Int64Tensor("s", {1}, {4})});
       }},
      {"ListOfTensors",
       [](const OnnxTensor& tensor) {
         Proto attribute;
         attribute.Text(1, "value").Varint(20, 9).Message(10, TensorProto(tensor));
         return One(OnnxNode("Constant", {}, {"y"}).Attribute(attribute));
       }},
      {"ListOfSparseTensors",
       [sparse](const OnnxTensor& tensor) {
         Proto attribute;
         attribute.Text(1, "value").Varint(20, 12).Message(23, sparse(true)(tensor));
         return One(OnnxNode("Constant", {}, {"y"}).Attribute(attribute));
       }},
      {"ListOfGraphs",
       [](const OnnxTensor& tensor) {
         OnnxGraph inner;
         Proto attribute;
         attribute.Text(1, "value").Varint(20, 10).Message(11, inner.Initializer(tensor).proto);
         return One(OnnxNode("Constant", {}, {"y"}).Attribute(attribute));
       }},
      {"InitializerOfABranch",
       [](const OnnxTensor& tensor) {
         OnnxGraph branch = Branch(OnnxNode("Add", {"x", "t"}, {"b"}));
         return WithIf(If(branch.Initializer(tensor)));
       }},
      {"OutputOfABranch",
       [](const OnnxTensor& tensor) {
         OnnxGraph branch;
         return WithIf(If(branch.Output("t", kOnnxFloat, {4}).Initializer(tensor)));
       }},
      {"ConstantOfABranch",
       [constant](const OnnxTensor& tensor) { return WithIf(If(Branch(constant(tensor)))); }},
      {"BranchOfABranch",
       [](const OnnxTensor& tensor) {
         OnnxGraph inner = Branch(OnnxNode("Add", {"x", "t"}, {"b"}));
         return WithIf(If(Branch(If(inner.Initializer(tensor), "b"))));
       }},
      {"BodyOfALoop",
       [](const OnnxTensor& tensor) {
         OnnxGraph body = LoopBody();
         return WithLoop(3, body.Initializer(tensor));
       }},
      {"BodyOfAScan",
       [](const OnnxTensor& tensor) {
         OnnxGraph body = LoopBody();
         return One(OnnxNode("Scan", {"x"}, {"y"})
                        .Graph("body", body.Initializer(tensor))
                        .Int("num_scan_inputs", 1));
       }},
      {"SparseInitializer",
       [sparse](const OnnxTensor& tensor) {
         return GraphWith([&](OnnxGraph& graph) { graph.proto.Message(15, sparse(true)(tensor)); });
       }},
      {"IndicesOfASparseInitializer",
       [sparse](const OnnxTensor& tensor) {
         return GraphWith([&](OnnxGraph& graph) { graph.proto.Message(15, sparse(false)(tensor)); });
       }},
      {"TrainingInitialization", training(1)},
      {"TrainingAlgorithm", training(2)},
      {"LocalFunction",
       [constant](const OnnxTensor& tensor) {
         Proto function;
         function.Text(1, "f").Text(10, "local").Message(7, constant(tensor).proto);
         return ModelWith(Proto().Message(25, function));
       }},
      {"DefaultOfALocalFunction",
       [](const OnnxTensor& tensor) {
         Proto attribute;
         attribute.Text(1, "value").Varint(20, 4).Message(5, TensorProto(tensor));
         return ModelWith(Proto().Message(25, Proto().Text(1, "f").Message(11, attribute)));
       }},
  };
}

std::vector<Story> ExternalDataStories() {
  std::vector<Story> stories;
  for (const Placement& placement : Placements()) {
    for (const bool control_flow : {false, true}) {
      const std::string suffix = control_flow ? "WithControlFlow" : "";
      const auto add = [&](const std::string& kind, const OnnxTensor& tensor) {
        stories.push_back({placement.name + kind + suffix, "external-data",
                           [placement, tensor] { return placement.model(tensor); }, control_flow});
      };
      add("AsAFile", ExternalTensor("t", kOnnxFloat, {4}, "weights.bin"));
      add("AsMemory", ExternalTensor("t", kOnnxFloat, {4}, "*/_ORT_MEM_ADDR_/*"));
      add("WithoutTheMark", ExternalTensor("t", kOnnxFloat, {4}, "weights.bin", false));
      OnnxTensor mark_only{"t", kOnnxFloat, {4}, {}};
      mark_only.proto.Varint(14, 1);
      add("MarkOnly", mark_only);
    }
  }
  const std::vector<std::pair<std::string, int>> types = {
      {"Uint8", kOnnxUint8},       {"Bool", kOnnxBool},     {"Int4", kOnnxInt4},
      {"Uint4", kOnnxUint4},       {"Int64", kOnnxInt64},   {"Float16", kOnnxFloat16},
      {"Bfloat16", kOnnxBfloat16}, {"Double", kOnnxDouble}, {"String", kOnnxString}};
  for (const auto& [name, type] : types) {
    stories.push_back({"ExternalTensorOf" + name, "external-data",
                       [type = type] { return WithWeight(ExternalTensor("t", type, {4}, "weights.bin")); }});
  }
  const std::vector<std::pair<std::string, std::string>> locations = {
      {"Empty", ""},
      {"Dot", "."},
      {"Parent", "../weights.bin"},
      {"Absolute", "/etc/shadow"},
      {"Process", "/proc/self/exe"},
      {"Nul", std::string("weights.bin\0.txt", 16)},
      {"LittleEndianMarker", "*/_ORT_LE_MEM_ADDR_/*"},
      {"NativeEndianMarker", "*/_ORT_NATIVE_ENDIAN_MEM_ADDR_/*"},
      {"LowerCaseMarker", "*/_ort_mem_addr_/*"},
      {"MarkerInsideAPath", "a/*/_ORT_MEM_ADDR_/*/b"}};
  for (const auto& [name, location] : locations) {
    stories.push_back(
        {"Location" + name, "external-data", [location = location] { return ExternalDataModel(location); }});
  }
  // The mark as a number that a 32-bit reader takes for 1, and as one that nobody knows.
  for (const std::uint64_t mark : {(std::uint64_t{1} << 32) + 1, std::uint64_t{2}, ~std::uint64_t{0}}) {
    stories.push_back({"MarkOf" + std::to_string(mark), "external-data", [mark] {
                         OnnxTensor tensor = Zeros("t", {4});
                         tensor.proto.Varint(14, mark);
                         return WithWeight(tensor);
                       }});
  }
  const std::string marker = "x*/_ORT_MEMEM_ADDR_/*";  // a start that looks like the word, then the word
  stories.push_back(
      {"MarkerInADocString", "external-data", [marker] { return ModelWith(Proto().Text(6, marker)); }});
  stories.push_back(
      {"MarkerInAnOperator", "external-data", [marker] { return One(OnnxNode(marker, {"x"}, {"y"})); }});
  stories.push_back({"MarkerInAName", "external-data", [marker] { return WithWeight(Zeros(marker, {1})); }});
  stories.push_back({"MarkerInMetadata", "external-data", [marker] {
                       return ModelWith(Proto().Message(14, Proto().Text(1, "location").Text(2, marker)));
                     }});
  stories.push_back({"MarkerInAnAttribute", "external-data",
                     [marker] { return One(OnnxNode("Einsum", {"x"}, {"y"}).Text("equation", marker)); }});
  stories.push_back({"MarkerInADimension", "external-data", [marker] {
                       return GraphWith(
                           [&](OnnxGraph& graph) { graph.Input("z", kOnnxFloat, {marker.c_str()}); });
                     }});
  return stories;
}
INSTANTIATE_TEST_SUITE_P(ExternalData, HostileModel, testing::ValuesIn(ExternalDataStories()), NameOf);

TEST(HostileModels, HaveCodesThatThePageOnModelsExplains) {
  const Bytes bytes = ReadFile(SourceDir() / "docs" / "formats" / "models.md");
  const std::string_view page = base::AsText(bytes);
  for (const auto& stories : {FileStories(), GraphStories(), OperatorStories(), WeightStories(),
                              SizeStories(), ControlFlowStories(), ExternalDataStories()}) {
    for (const Story& story : stories) {
      EXPECT_NE(page.find("`" + story.code + "`"), std::string_view::npos) << story.code;
    }
  }
}

}  // namespace
}  // namespace blindai::model
