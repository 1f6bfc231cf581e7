#include "model/inspect_onnx.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "support/onnx_builder.h"
#include "support/paths.h"

namespace blindai::model {
namespace {

using namespace tests;
using base::Bytes;
using base::ByteView;

const InspectLimits kWithControlFlow{.allow_control_flow = true};

Bytes DemoModel(const std::string& name) {
  const auto path = SourceDir() / "models" / "blindai-demo-en" / name;
  Bytes bytes(std::filesystem::file_size(path));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

// What an answer says, in one text, so that two answers can be compared.
std::string Said(const base::Result<OnnxSummary>& result) {
  if (!result.ok()) return result.error().code + ": " + result.error().message;
  std::string text = "opset " + std::to_string(result->opset) + " nodes " + std::to_string(result->nodes) +
                     " parameters " + std::to_string(result->parameters) + " bytes " +
                     std::to_string(result->bytes);
  for (const auto* side : {&result->inputs, &result->outputs}) {
    for (const vocabulary::TensorSpec& spec : *side) {
      text += " " + spec.name + " " + std::string(DatatypeName(spec.datatype)) +
              vocabulary::ShapeText(spec.shape);
    }
  }
  return text;
}

base::Result<OnnxSummary> InspectInChunks(ByteView file, std::mt19937& random, std::size_t largest) {
  OnnxInspector inspector;
  while (!file.empty()) {
    const std::size_t size = std::min<std::size_t>(file.size(), 1 + random() % largest);
    BLINDAI_RETURN_IF_ERROR(inspector.Feed(file.first(size)));
    file = file.subspan(size);
  }
  return inspector.Finish();
}

// ---- good models
// ---------------------------------------------------------------------------------------------------

TEST(InspectOnnx, ReadsTheSignatureOfASmallModel) {
  const auto summary = InspectOnnx(MatMulModel(4, 2));
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  ASSERT_EQ(summary->inputs.size(), 1u);
  EXPECT_EQ(summary->inputs[0].name, "x");
  EXPECT_EQ(summary->inputs[0].datatype, vocabulary::Datatype::kFp32);
  EXPECT_EQ(summary->inputs[0].shape, (vocabulary::Shape{vocabulary::kAnyDimension, 4}));
  ASSERT_EQ(summary->outputs.size(), 1u);
  EXPECT_EQ(summary->outputs[0].name, "y");
  EXPECT_EQ(summary->outputs[0].shape, (vocabulary::Shape{vocabulary::kAnyDimension, 2}));
  EXPECT_EQ(summary->ir_version, 8);
  EXPECT_EQ(summary->opset, 17);
  EXPECT_EQ(summary->nodes, 1u);
  EXPECT_EQ(summary->parameters, 8u);
  EXPECT_EQ(summary->bytes, MatMulModel(4, 2).size());
  EXPECT_FALSE(summary->control_flow);
}

TEST(InspectOnnx, AcceptsTheModelsThatOtherTestsServe) {
  const std::vector<int> types = {kOnnxFloat,    kOnnxUint8,  kOnnxInt8,  kOnnxUint16,  kOnnxInt16,
                                  kOnnxInt32,    kOnnxInt64,  kOnnxBool,  kOnnxFloat16, kOnnxUint32,
                                  kOnnxBfloat16, kOnnxDouble, kOnnxUint64};
  for (const int type : types)
    EXPECT_EQ(Said(InspectOnnx(IdentityModel(type))).substr(0, 5), "opset") << type;
  for (const Bytes& file : {AddModel(), ArgMaxModel(), ReluTransposeModel(), LongModel(12'000)}) {
    EXPECT_TRUE(InspectOnnx(file).ok()) << Said(InspectOnnx(file));
  }
}

TEST(InspectOnnx, AcceptsTheDemoModels) {
  const auto logits = InspectOnnx(DemoModel("blindai-demo-en.onnx"));
  ASSERT_TRUE(logits.ok()) << logits.error().message;
  EXPECT_EQ(logits->inputs[0].name, "input_values");
  EXPECT_EQ(logits->outputs[0].shape,
            (vocabulary::Shape{vocabulary::kAnyDimension, vocabulary::kAnyDimension, 32}));
  EXPECT_EQ(logits->parameters, 8'399'235u);
  const auto ids = InspectOnnx(DemoModel("blindai-demo-en-ids.onnx"));
  ASSERT_TRUE(ids.ok()) << ids.error().message;
  EXPECT_EQ(ids->outputs[0].datatype, vocabulary::Datatype::kInt64);
}

TEST(InspectOnnx, LeavesWeightsThatAreListedAsInputsOutOfTheSignature) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {2}).Input("w", kOnnxFloat, {2}).Output("y", kOnnxFloat, {2});
  graph.Initializer(FloatTensor("w", {2}, {1, 2})).Node(OnnxNode("Add", {"x", "w"}, {"y"}));
  const auto summary = InspectOnnx(OnnxModel(graph).IrVersion(3).Bytes());
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  ASSERT_EQ(summary->inputs.size(), 1u);
  EXPECT_EQ(summary->inputs[0].name, "x");
}

// The pads that torch.onnx.export writes: a constant of zeros, joined, folded, reversed and cast.
TEST(InspectOnnx, FollowsThePadsOfAPyTorchExport) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {"batch", "samples"}).Output("y", kOnnxFloat, {"batch", "padded"});
  graph.Initializer(Int64Tensor("count", {1}, {2})).Initializer(Int64Tensor("pads", {2}, {3, 5}));
  graph.Initializer(Int64Tensor("pairs", {2}, {-1, 2})).Initializer(Int64Tensor("minus_one", {1}, {-1}));
  graph.Initializer(Int64Tensor("first", {1}, {INT64_MIN + 1})).Initializer(Int64Tensor("axis", {1}, {0}));
  graph.Node(OnnxNode("ConstantOfShape", {"count"}, {"zeros"}).Tensor("value", Int64Tensor("", {1}, {0})));
  graph.Node(OnnxNode("Concat", {"pads", "zeros"}, {"all"}).Int("axis", 0));
  graph.Node(OnnxNode("Reshape", {"all", "pairs"}, {"rows"}));
  graph.Node(OnnxNode("Slice", {"rows", "minus_one", "first", "axis", "minus_one"}, {"reversed"}));
  graph.Node(OnnxNode("Transpose", {"reversed"}, {"columns"}).Ints("perm", {1, 0}));
  graph.Node(OnnxNode("Reshape", {"columns", "minus_one"}, {"flat"}));
  graph.Node(OnnxNode("Cast", {"flat"}, {"as_pads"}).Int("to", kOnnxInt64));
  graph.Node(OnnxNode("Pad", {"x", "as_pads"}, {"y"}).Text("mode", "constant"));
  const Bytes good = OnnxModel(graph).Bytes();
  EXPECT_TRUE(InspectOnnx(good).ok()) << Said(InspectOnnx(good));
}

TEST(InspectOnnx, AcceptsSizesThatFollowFromShapes) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {"batch", 4}).Output("y", kOnnxFloat, {"batch", 4});
  graph.Node(OnnxNode("Shape", {"x"}, {"shape"})).Node(OnnxNode("ConstantOfShape", {"shape"}, {"zeros"}));
  graph.Node(OnnxNode("Expand", {"zeros", "shape"}, {"more"})).Node(OnnxNode("Add", {"x", "more"}, {"y"}));
  const Bytes good = OnnxModel(graph).Bytes();
  EXPECT_TRUE(InspectOnnx(good).ok()) << Said(InspectOnnx(good));
}

TEST(InspectOnnx, AcceptsARecurrentModelWhoseWeightsFit) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {"t", 1, 3}).Output("y", kOnnxFloat, {"t", 1, 1, 2});
  graph.Initializer(FloatTensor("w", {1, 8, 3}, std::vector<float>(24)));
  graph.Initializer(FloatTensor("r", {1, 8, 2}, std::vector<float>(16)));
  graph.Node(OnnxNode("LSTM", {"x", "w", "r"}, {"y"}).Int("hidden_size", 2));
  const Bytes good = OnnxModel(graph).Bytes();
  EXPECT_TRUE(InspectOnnx(good).ok()) << Said(InspectOnnx(good));
}

TEST(InspectOnnx, AcceptsBoundedBranchesAndLoopsWhereTheServerAllowsThem) {
  OnnxGraph body;
  body.Input("i", kOnnxInt64, {}).Input("go", kOnnxBool, {}).Input("v", kOnnxFloat, {1});
  body.Output("still", kOnnxBool, {}).Output("w", kOnnxFloat, {1});
  body.Node(OnnxNode("Identity", {"go"}, {"still"})).Node(OnnxNode("Add", {"v", "v"}, {"w"}));
  OnnxGraph yes, no;
  yes.Output("doubled", kOnnxFloat, {1}).Node(OnnxNode("Add", {"looped", "looped"}, {"doubled"}));
  no.Output("same", kOnnxFloat, {1}).Node(OnnxNode("Identity", {"looped"}, {"same"}));
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {1}).Input("c", kOnnxBool, {}).Output("y", kOnnxFloat, {1});
  graph.Initializer(Int64Tensor("trips", {}, {3})).Initializer(RawTensor("true", kOnnxBool, {}, Bytes{1}));
  graph.Node(OnnxNode("Loop", {"trips", "true", "x"}, {"looped"}).Graph("body", body));
  graph.Node(OnnxNode("If", {"c"}, {"y"}).Graph("then_branch", yes).Graph("else_branch", no));
  const Bytes file = OnnxModel(graph).Bytes();
  const auto summary = InspectOnnx(file, kWithControlFlow);
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_TRUE(summary->control_flow);
  EXPECT_EQ(summary->nodes, 6u);
  EXPECT_EQ(InspectOnnx(file).error().code, "control-flow");
}

// ---- the stream
// ----------------------------------------------------------------------------------------------------

TEST(InspectOnnx, GivesTheSameAnswerForChunksOfAnySize) {
  std::mt19937 random(1);
  OnnxGraph packed;
  OnnxTensor values{"w", kOnnxInt64, {300}, {}};
  values.proto.Packed(7, std::vector<std::int64_t>(300, -5));
  packed.Input("x", kOnnxInt64, {300}).Output("y", kOnnxInt64, {300}).Initializer(values);
  packed.Node(OnnxNode("Add", {"x", "w"}, {"y"}));
  const std::vector<Bytes> files = {MatMulModel(),
                                    EndlessLoopModel(),
                                    ExternalDataModel(),
                                    OnnxModel(packed).Bytes(),
                                    Bytes{'P', 'K', 3, 4, 5},
                                    Bytes(20, 255)};
  for (const Bytes& file : files) {
    const std::string whole = Said(InspectOnnx(file));
    for (const std::size_t largest : {1, 2, 3, 7, 64}) {
      for (int i = 0; i < 20; ++i) EXPECT_EQ(Said(InspectInChunks(file, random, largest)), whole);
    }
  }
  const Bytes demo = DemoModel("blindai-demo-en.onnx");
  const std::string whole = Said(InspectOnnx(demo));
  for (const std::size_t largest : {997, 70'000})
    EXPECT_EQ(Said(InspectInChunks(demo, random, largest)), whole);
}

TEST(InspectOnnx, RefusesEveryTruncation) {
  const Bytes file = MatMulModel();
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto summary = InspectOnnx(ByteView(file).first(size));
    ASSERT_FALSE(summary.ok()) << size;
    const std::string& code = summary.error().code;
    EXPECT_TRUE(code == "model-empty" || code == "model-truncated" || code == "not-onnx" || code == "opset")
        << size << " " << code;
  }
  EXPECT_TRUE(InspectOnnx(file).ok());
}

TEST(InspectOnnx, KeepsItsFirstError) {
  OnnxInspector inspector;
  const auto first = inspector.Feed(ExternalDataModel());
  ASSERT_FALSE(first.ok());
  const auto second = inspector.Feed(MatMulModel());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().message, first.error().message);
  EXPECT_EQ(inspector.Finish().error().code, "external-data");
}

TEST(InspectOnnx, NamesAnUnknownOperatorBeforeTheWeightsArrive) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {1}).Output("y", kOnnxFloat, {1});
  graph.Node(OnnxNode("MelWeightMatrix", {"x"}, {"y"}));
  const std::size_t nodes_end = graph.proto.bytes().size();
  graph.Initializer(FloatTensor("w", {1 << 16}, std::vector<float>(1 << 16)));
  const Bytes file = OnnxModel(graph).Bytes();
  OnnxInspector inspector;
  const auto fed = inspector.Feed(ByteView(file).first(nodes_end + 64));
  ASSERT_FALSE(fed.ok());
  EXPECT_EQ(fed.error().code, "operator-unsupported");
  EXPECT_NE(fed.error().message.find("'MelWeightMatrix'"), std::string::npos);
}

TEST(InspectOnnx, RefusesAFileOverItsLimitAsSoonAsItIsKnown) {
  const Bytes file = MatMulModel();
  const InspectLimits limits{.max_bytes = file.size() - 1};
  EXPECT_EQ(InspectOnnx(file, limits).error().code, "model-too-large");
  EXPECT_TRUE(InspectOnnx(file, {.max_bytes = file.size()}).ok());
  // The graph says at its beginning how long it is.
  OnnxInspector inspector({.max_bytes = 32});
  const auto fed = inspector.Feed(ByteView(file).first(8));
  ASSERT_FALSE(fed.ok());
  EXPECT_EQ(fed.error().code, "model-too-large");
}

TEST(InspectOnnx, WritesNamesOfTheModelInABoundedPlainForm) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {1}).Output("y", kOnnxFloat, {1});
  graph.Node(OnnxNode("Bad\x1b[31m\n<b>" + std::string(500, 'n'), {"x"}, {"y"}));
  const auto summary = InspectOnnx(OnnxModel(graph).Bytes());
  ASSERT_FALSE(summary.ok());
  const std::string& message = summary.error().message;
  EXPECT_LT(message.size(), 150u);
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_EQ(message.find('<'), std::string::npos);
}

std::size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// The header of a length-delimited field.
Bytes Header(std::uint32_t field, std::uint64_t length) { return Proto().Lie(field, length, {}).bytes(); }

TEST(InspectOnnx, HoldsLittleOfAModelOfAGigabyte) {
  constexpr std::uint64_t kRaw = std::uint64_t{1} << 30;
  Proto tensor;
  tensor.Varint(1, kRaw / 4).Varint(2, 1).Text(8, "w").Lie(9, kRaw, {});
  OnnxGraph before, after;
  before.Node(OnnxNode("Add", {"x", "w"}, {"y"}));
  after.proto = Proto();
  after.Input("x", kOnnxFloat, {1}).Output("y", kOnnxFloat, {"n"});
  const Bytes initializer = Header(5, tensor.bytes().size() + kRaw);
  const std::uint64_t graph_size = before.proto.bytes().size() + initializer.size() + tensor.bytes().size() +
                                   kRaw + after.proto.bytes().size();
  Proto head, tail;
  head.Varint(1, 8).Raw(Header(7, graph_size)).Raw(before.proto.bytes()).Raw(initializer).Raw(tensor.bytes());
  tail.Raw(after.proto.bytes()).Message(8, Proto().Text(1, "").Varint(2, 17));

  const Bytes chunk(std::size_t{1} << 20, 0x3f);
  const std::size_t at_start = ResidentBytes();
  OnnxInspector inspector;
  ASSERT_TRUE(inspector.Feed(head.bytes()).ok());
  for (std::uint64_t fed = 0; fed < kRaw; fed += chunk.size()) ASSERT_TRUE(inspector.Feed(chunk).ok());
  ASSERT_TRUE(inspector.Feed(tail.bytes()).ok());
  const auto summary = inspector.Finish();
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(summary->parameters, kRaw / 4);
  EXPECT_LT(ResidentBytes(), at_start + (std::size_t{8} << 20));
}

// The most that can be kept: names, nodes and constants up to the budget. The inspector and its judgement
// stay below 64 MiB.
TEST(InspectOnnx, HoldsLittleOfAGraphThatIsAllNames) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {1}).Output("y", kOnnxFloat, {1});
  for (int node = 0; node < 1'200; ++node) {
    std::vector<std::string> parts;
    for (int i = 0; i < 64; ++i) parts.push_back("n" + std::to_string(node) + "_" + std::to_string(i));
    graph.Node(OnnxNode("Split", {"x"}, parts).Int("axis", 0));
  }
  graph.Node(OnnxNode("Identity", {"x"}, {"y"}));
  const Bytes file = OnnxModel(graph).Bytes();
  [[maybe_unused]] const std::size_t at_start = ResidentBytes();
  OnnxInspector inspector;
  const auto fed = inspector.Feed(file);
  ASSERT_TRUE(fed.ok()) << fed.error().message;
  const auto summary = inspector.Finish();
  EXPECT_TRUE(summary.ok()) << summary.error().message;
#ifndef BLINDAI_SANITIZED
  EXPECT_LT(ResidentBytes(), at_start + (std::size_t{64} << 20));
#endif
}

// ---- mutations
// -----------------------------------------------------------------------------------------------------

// A second, simpler reader that only looks for external data: whether a TensorProto anywhere has field 13 or
// a field 14 that is not 0. It stops at what it cannot read.
class ExternalDataSearch {
 public:
  static bool Model(ByteView file) {
    return Fields(file, [](std::uint64_t field, ByteView value) { return field == 7 && Graph(value); });
  }

 private:
  static bool Graph(ByteView bytes) {
    return Fields(bytes, [](std::uint64_t field, ByteView value) {
      return (field == 1 && Node(value)) || (field == 5 && Tensor(value));
    });
  }
  static bool Node(ByteView bytes) {
    return Fields(bytes, [](std::uint64_t field, ByteView value) { return field == 5 && Attribute(value); });
  }
  static bool Attribute(ByteView bytes) {
    return Fields(bytes, [](std::uint64_t field, ByteView value) {
      return ((field == 5 || field == 10) && Tensor(value)) || ((field == 6 || field == 11) && Graph(value));
    });
  }
  static bool Tensor(ByteView bytes) {
    return Fields(bytes, [](std::uint64_t field, ByteView value) {
      return field == 13 || (field == 14 && !(value.size() == 1 && value[0] == 0));
    });
  }
  static std::uint64_t Varint(ByteView& rest) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      const std::uint8_t byte = rest.front();
      rest = rest.subspan(1);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
  // Whether `found` says yes to any field; a number is handed over as its bytes.
  template <typename Found>
  static bool Fields(ByteView rest, Found found) {
    while (!rest.empty()) {
      const std::uint64_t tag = Varint(rest);
      std::uint64_t size = 0;
      if ((tag & 7) == 0) {
        ByteView after = rest;
        Varint(after);
        size = rest.size() - after.size();
      } else if ((tag & 7) == 2) {
        size = Varint(rest);
      } else {
        size = (tag & 7) == 1 ? 8 : 4;
      }
      if (size > rest.size()) return false;
      if (found(tag >> 3, rest.first(static_cast<std::size_t>(size)))) return true;
      rest = rest.subspan(static_cast<std::size_t>(size));
    }
    return false;
  }
};

TEST(InspectOnnx, TheSearchOfTheseTestsFindsExternalData) {
  EXPECT_TRUE(ExternalDataSearch::Model(ExternalDataModel()));
  EXPECT_FALSE(ExternalDataSearch::Model(MatMulModel()));
}

// One to three bytes of a file changed, with a preference for its structure.
Bytes Mutated(const Bytes& file, std::mt19937& random) {
  constexpr std::array<std::uint8_t, 10> kTelling = {0x6a, 0x70, 0x01, 0x00, 0xff,
                                                     0x7f, 0x80, 0x08, 0x2a, 0x3a};
  Bytes changed = file;
  for (unsigned i = 1 + random() % 3; i > 0; --i) {
    std::uint8_t& byte = changed[random() % changed.size()];
    if (random() % 2 == 0) {
      byte = kTelling[random() % kTelling.size()];
    } else {
      byte = static_cast<std::uint8_t>(byte ^ (1U << random() % 8));
    }
  }
  return changed;
}

TEST(InspectOnnx, AcceptsNoMutationOfTheDemoModelThatHasExternalData) {
  const Bytes file = DemoModel("blindai-demo-en.onnx");
  // Nodes and small constants come first; the last megabytes are weights.
  const std::size_t structure = 64 << 10;
  std::mt19937 random(2);
  Bytes changed = file;
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    const Bytes head = Mutated(Bytes(file.begin(), file.begin() + structure), random);
    std::copy(head.begin(), head.end(), changed.begin());
    const auto summary = InspectOnnx(changed);
    if (!summary.ok()) {
      ++refused;
    } else {
      EXPECT_FALSE(ExternalDataSearch::Model(changed)) << i;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(InspectOnnx, AcceptsNoMutationOfASmallModelThatHasExternalData) {
  std::mt19937 random(3);
  for (const Bytes& file : {MatMulModel(), EndlessLoopModel(), ExternalDataModel()}) {
    for (int i = 0; i < 5'000; ++i) {
      const Bytes changed = Mutated(file, random);
      const auto summary = InspectOnnx(changed, kWithControlFlow);
      EXPECT_FALSE(summary.ok() && ExternalDataSearch::Model(changed)) << i;
    }
  }
}

}  // namespace
}  // namespace blindai::model
