// What the engine computes and accepts, seen through a host and its worker.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <sstream>

#include "model/engine.h"
#include "support/onnx_builder.h"
#include "support/paths.h"
#include "support/worker_fixture.h"

namespace blindai::model {
namespace {

using tests::Floats;
using tests::OnnxGraph;
using tests::OnnxModel;
using tests::OnnxNode;
using tests::RunOn;
using tests::StartHost;
using tests::TensorOf;
using tests::ValuesOf;
using vocabulary::Datatype;
using vocabulary::Tensor;

TEST(OpenVinoEngine, ComputesAMatrixProduct) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  EXPECT_EQ(host->signature().inputs[0].name, "x");
  EXPECT_EQ(host->signature().inputs[0].shape, (vocabulary::Shape{-1, 4}));
  EXPECT_EQ(host->signature().outputs[0].name, "y");
  const auto answer = RunOn(*host, {Floats("x", {2, 4}, {1, 0, 0, 0, 1, 1, 1, 1})});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->outputs[0].shape, (vocabulary::Shape{2, 2}));
  EXPECT_EQ(ValuesOf<float>(answer->outputs[0]), (std::vector<float>{0, 1, 6, 10}));
  EXPECT_GT(answer->compute_ms, 0);
}

TEST(OpenVinoEngine, ReusesItsTensorsForOtherShapes) {
  auto host = *StartHost(tests::MatMulModel(4, 2));
  for (const std::int64_t rows : {1, 300, 2, 0, 7}) {
    const std::vector<float> ones(static_cast<std::size_t>(rows) * 4, 1);
    const auto answer = RunOn(*host, {Floats("x", {rows, 4}, ones)});
    ASSERT_TRUE(answer.ok()) << rows;
    EXPECT_EQ(answer->outputs[0].shape, (vocabulary::Shape{rows, 2}));
    for (std::size_t i = 0; i < ValuesOf<float>(answer->outputs[0]).size(); ++i) {
      EXPECT_EQ(ValuesOf<float>(answer->outputs[0])[i], i % 2 == 0 ? 6 : 10);
    }
  }
}

struct TypeCase {
  int onnx;
  Datatype datatype;
};

class DatatypeTest : public testing::TestWithParam<TypeCase> {};

TEST_P(DatatypeTest, ComesBackBitByBit) {
  auto host = StartHost(tests::IdentityModel(GetParam().onnx));
  ASSERT_TRUE(host.ok()) << host.error().code;
  EXPECT_EQ((*host)->signature().inputs[0].datatype, GetParam().datatype);
  EXPECT_EQ((*host)->signature().outputs[0].name, "y");
  const std::size_t size = vocabulary::ElementSize(GetParam().datatype);
  Tensor tensor{"x", GetParam().datatype, {3, 4}, base::Bytes(12 * size)};
  for (std::size_t i = 0; i < 12; ++i) {
    // Small numbers in every integer type, finite ones in every float type, true and false.
    tensor.data[i * size] = static_cast<std::uint8_t>(GetParam().datatype == Datatype::kBool ? i % 2 : i * 9);
    const bool wide_float = GetParam().datatype == Datatype::kFp32 ||
                            GetParam().datatype == Datatype::kFp16 || GetParam().datatype == Datatype::kBf16;
    if (wide_float) tensor.data[i * size + size - 1] = static_cast<std::uint8_t>(0x38 + i / 4);
  }
  const auto answer = RunOn(**host, {tensor});
  ASSERT_TRUE(answer.ok()) << answer.error().code;
  EXPECT_EQ(answer->outputs[0].datatype, GetParam().datatype);
  EXPECT_EQ(answer->outputs[0].data, tensor.data);
}

INSTANTIATE_TEST_SUITE_P(
    OpenVinoEngine, DatatypeTest,
    testing::Values(
        TypeCase{tests::kOnnxFloat, Datatype::kFp32}, TypeCase{tests::kOnnxFloat16, Datatype::kFp16},
        TypeCase{tests::kOnnxBfloat16, Datatype::kBf16}, TypeCase{tests::kOnnxBool, Datatype::kBool},
        TypeCase{tests::kOnnxUint8, Datatype::kUint8}, TypeCase{tests::kOnnxInt8, Datatype::kInt8},
        TypeCase{tests::kOnnxUint16, Datatype::kUint16}, TypeCase{tests::kOnnxInt16, Datatype::kInt16},
        TypeCase{tests::kOnnxUint32, Datatype::kUint32}, TypeCase{tests::kOnnxInt32, Datatype::kInt32},
        TypeCase{tests::kOnnxUint64, Datatype::kUint64}, TypeCase{tests::kOnnxInt64, Datatype::kInt64},
        TypeCase{tests::kOnnxDouble, Datatype::kFp64}),
    [](const auto& test) { return std::string(vocabulary::DatatypeName(test.param.datatype)); });

TEST(OpenVinoEngine, TypesThatItWouldComputeWronglyAreRefusedAtLoad) {
  for (const int type : {tests::kOnnxString, tests::kOnnxUint4, tests::kOnnxInt4, tests::kOnnxFloat8E4M3FN}) {
    const auto host = StartHost(tests::IdentityModel(type));
    ASSERT_FALSE(host.ok()) << type;
    EXPECT_TRUE(host.error().code == "model-unsupported" || host.error().code == "model-rejected")
        << type << " " << host.error().code;
  }
  EXPECT_EQ(StartHost(tests::AddModel(tests::kOnnxDouble)).error().code, "model-unsupported");
}

TEST(OpenVinoEngine, WhatIsNoOnnxModelIsRejected) {
  const base::Bytes good = tests::MatMulModel(4, 2);
  for (const base::Bytes& bytes :
       {base::Bytes(1), base::Bytes(1000, 0xff),
        base::CopyBytes(base::AsBytes("<?xml version=\"1.0\"?><net name=\"x\" version=\"11\"></net>")),
        base::CopyBytes(base::ByteView(good).first(good.size() / 2))}) {
    const auto host = StartHost(bytes);
    ASSERT_FALSE(host.ok());
    EXPECT_EQ(host.error().code, "model-rejected");
    EXPECT_EQ(host.error().kind, base::ErrorKind::kInvalid);
  }
}

TEST(OpenVinoEngine, AModelWithAFileBesideItFindsNoFile) {
  // The gate refuses it before; a worker that gets it all the same can read nothing.
  for (const char* location : {"weights.bin", "/etc/hostname", "../etc/hostname", "proc/self/mem"}) {
    const auto host = StartHost(tests::ExternalDataModel(location));
    ASSERT_FALSE(host.ok()) << location;
    EXPECT_EQ(host.error().message.find(location), std::string::npos);
  }
}

TEST(OpenVinoEngine, NamesOfSeveralOutputsStayApart) {
  // y and z are the same value, and z goes on; an engine that drops Identity must not mix up their names.
  OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {2});
  graph.Node(OnnxNode("Identity", {"x"}, {"y"}));
  graph.Node(OnnxNode("Identity", {"y"}, {"z"}));
  graph.Node(OnnxNode("Add", {"z", "z"}, {"w"}));
  graph.Output("w", tests::kOnnxFloat, {2})
      .Output("y", tests::kOnnxFloat, {2})
      .Output("z", tests::kOnnxFloat, {2});
  auto host = *StartHost(OnnxModel(graph).Bytes());
  ASSERT_EQ(host->signature().outputs.size(), 3u);
  EXPECT_EQ(host->signature().outputs[0].name, "w");
  EXPECT_EQ(host->signature().outputs[1].name, "y");
  EXPECT_EQ(host->signature().outputs[2].name, "z");
  for (int i = 0; i < 3; ++i) {  // outputs that share memory must survive the wiping after each run
    const auto answer = RunOn(*host, {Floats("x", {2}, {1, 2})}, {"z", "w", "y"});
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(ValuesOf<float>(answer->outputs[0]), (std::vector<float>{1, 2}));
    EXPECT_EQ(ValuesOf<float>(answer->outputs[1]), (std::vector<float>{2, 4}));
    EXPECT_EQ(ValuesOf<float>(answer->outputs[2]), (std::vector<float>{1, 2}));
  }
}

TEST(OpenVinoEngine, AConstantOutputSurvivesTheWipingOfOutputs) {
  OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {2});
  graph.Initializer(tests::FloatTensor("c", {3}, {7, 8, 9}));
  graph.Node(OnnxNode("Identity", {"c"}, {"y"}));
  graph.Node(OnnxNode("Add", {"x", "x"}, {"z"}));
  graph.Output("y", tests::kOnnxFloat, {3}).Output("z", tests::kOnnxFloat, {2});
  auto host = *StartHost(OnnxModel(graph).Bytes());
  for (int i = 0; i < 3; ++i) {
    const auto answer = RunOn(*host, {Floats("x", {2}, {1, 2})});
    ASSERT_TRUE(answer.ok()) << answer.error().code;
    EXPECT_EQ(ValuesOf<float>(answer->outputs[0]), (std::vector<float>{7, 8, 9})) << i;
    EXPECT_EQ(ValuesOf<float>(answer->outputs[1]), (std::vector<float>{2, 4})) << i;
  }
}

TEST(OpenVinoEngine, AModelThatWritesItsInputIntoAConstantLeavesNothingThere) {
  OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {1, "n"}).Input("at", tests::kOnnxInt64, {1, "n"});
  graph.Initializer(tests::FloatTensor("memory", {1, 4}, {7, 8, 9, 10}));
  graph.Node(OnnxNode("ScatterElements", {"memory", "at", "x"}, {"y"}).Int("axis", 1));
  graph.Output("y", tests::kOnnxFloat, {1, 4});
  auto host = *StartHost(OnnxModel(graph).Bytes());
  const auto run = [&](std::int64_t at, float value) {
    return ValuesOf<float>(RunOn(*host, {Floats("x", {1, 1}, {value}),
                                         TensorOf<std::int64_t>("at", Datatype::kInt64, {1, 1}, {at})})
                               ->outputs[0]);
  };
  EXPECT_EQ(run(0, 1), (std::vector<float>{1, 8, 9, 10}));
  EXPECT_EQ(run(1, 2), (std::vector<float>{7, 2, 9, 10}));
  EXPECT_EQ(run(3, 3), (std::vector<float>{7, 8, 9, 3}));
}

TEST(OpenVinoEngine, ARecurrentModelBeginsEachRunWithoutTheStateOfTheLast) {
  // A Gru with one number of state and weights of one: y grows with each step, and would with each run.
  OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {"steps", 1, 1});
  graph.Initializer(tests::FloatTensor("w", {1, 3, 1}, {1, 1, 1}));
  graph.Initializer(tests::FloatTensor("r", {1, 3, 1}, {1, 1, 1}));
  graph.Node(OnnxNode("GRU", {"x", "w", "r"}, {"", "y"}).Int("hidden_size", 1));
  graph.Output("y", tests::kOnnxFloat, {1, 1, 1});
  auto host = *StartHost(OnnxModel(graph).Bytes());
  const auto run = [&](std::vector<float> steps) {
    const auto count = static_cast<std::int64_t>(steps.size());
    return ValuesOf<float>(RunOn(*host, {Floats("x", {count, 1, 1}, steps)})->outputs[0]);
  };
  const auto first = run({1});
  EXPECT_NE(run({5, 5, 1}), first) << "the state counts for nothing, so this test shows nothing";
  EXPECT_EQ(run({1}), first);
}

TEST(OpenVinoEngine, InputsMayBeReadOnly) {
  // Operators that like to work in place, directly on the input, which the worker has mapped for reading
  // only.
  OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {"n", 4});
  graph.Node(OnnxNode("Relu", {"x"}, {"a"}));
  graph.Node(OnnxNode("Sigmoid", {"x"}, {"b"}));
  graph.Node(OnnxNode("Add", {"x", "a"}, {"c"}));
  graph.Node(OnnxNode("Mul", {"b", "c"}, {"y"}));
  graph.Output("y", tests::kOnnxFloat, {"n", 4});
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    auto options = tests::TestOptions();
    options.precision = precision;
    auto host = *StartHost(OnnxModel(graph).Bytes(), options);
    for (int i = 0; i < 3; ++i) {
      const auto answer = RunOn(*host, {Floats("x", {1, 4}, {0, 1, -1, 2})});
      ASSERT_TRUE(answer.ok());
      EXPECT_NEAR(ValuesOf<float>(answer->outputs[0])[3], 4 * 0.8808, 0.03);
    }
  }
}

TEST(OpenVinoEngine, AnOutputOfUnknownRankIsRefusedAtLoad) {
  OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {"a", "b", "c"}).Input("axes", tests::kOnnxInt64, {"n"});
  graph.Node(OnnxNode("Squeeze", {"x", "axes"}, {"y"}));
  graph.Output("y", tests::kOnnxFloat, {"d"});
  EXPECT_EQ(StartHost(OnnxModel(graph).Bytes()).error().code, "model-unsupported");
}

TEST(OpenVinoEngine, ShapesThatDoNotFitEachOtherAreATypedError) {
  auto host = *StartHost(tests::AddModel(tests::kOnnxFloat, {"n"}));
  const auto answer = RunOn(*host, {Floats("a", {2}, {1, 2}), Floats("b", {3}, {1, 2, 3})});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "run-failed");
  EXPECT_EQ(answer.error().kind, base::ErrorKind::kInvalid);
  const auto good = RunOn(*host, {Floats("a", {2}, {1, 2}), Floats("b", {2}, {1, 2})});
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(ValuesOf<float>(good->outputs[0]), (std::vector<float>{2, 4}));
  EXPECT_EQ(host->stats().restarts, 0u);
}

class InterruptedRunTest : public testing::Test {
 protected:
  static std::vector<Tensor> Sound(std::int64_t samples) {
    std::vector<float> noise(static_cast<std::size_t>(samples));
    std::uint32_t state = 1;
    for (float& value : noise) {
      state = state * 1'664'525 + 1'013'904'223;
      value = static_cast<float>(state >> 8) / 16'777'216.0F - 0.5F;
    }
    return {Floats("input_values", {1, samples}, noise)};
  }
  // Takes several lengths, and fails in the middle of those that are too short.
  std::shared_ptr<ModelHost> host =
      *StartHost(tests::ReadFile(tests::SourceDir() / "models" / "blindai-demo-en" / "blindai-demo-en.onnx"));
};

TEST_F(InterruptedRunTest, AfterARunThatFailedHalfwayAnswersAreTheSameBits) {
  const auto before = RunOn(*host, Sound(16'000));
  ASSERT_TRUE(before.ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(RunOn(*host, Sound(150)).error().code, "run-failed");
    const auto after = RunOn(*host, Sound(16'000));
    ASSERT_TRUE(after.ok()) << after.error().code;
    EXPECT_EQ(after->outputs[0].shape, before->outputs[0].shape);
    EXPECT_EQ(after->outputs[0].data, before->outputs[0].data);
  }
  EXPECT_EQ(host->stats().restarts, 0u);
}

TEST_F(InterruptedRunTest, AfterARunThatWasGivenUpAnswersAreTheSameBits) {
  const auto before = RunOn(*host, Sound(16'000));
  ASSERT_TRUE(before.ok());
  for (int i = 0; i < 8; ++i) {
    // Some are over in time, some not begun, some in the middle.
    RunRequest given_up = RunRequest::Of(Sound(40'000 + 4'000 * i));
    given_up.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(2 * i);
    static_cast<void>(RunOn(*host, std::move(given_up)));
    const auto after = RunOn(*host, Sound(16'000));
    ASSERT_TRUE(after.ok()) << after.error().code;
    ASSERT_EQ(after->outputs[0].data, before->outputs[0].data) << i;
  }
}

TEST(OpenVinoEngine, Bf16IsSaidAndMadeOfRoundedNumbers) {
  // 1 + 2^-9 is no bf16 number: the precision that was asked for shows in the result.
  const float close_to_one = 1.0F + 1.0F / 512;
  OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {"n", 64});
  std::vector<float> weights(64 * 64, 0);
  for (std::size_t i = 0; i < 64; ++i) weights[i * 65] = close_to_one;
  graph.Initializer(tests::FloatTensor("w", {64, 64}, weights));
  graph.Node(OnnxNode("MatMul", {"x", "w"}, {"y"})).Output("y", tests::kOnnxFloat, {"n", 64});
  const base::Bytes file = OnnxModel(graph).Bytes();
  std::vector<float> results;
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    auto options = tests::TestOptions();
    options.precision = precision;
    auto host = *StartHost(file, options);
    const auto answer = RunOn(*host, {Floats("x", {1, 64}, std::vector<float>(64, 1))});
    ASSERT_TRUE(answer.ok());
    results.push_back(ValuesOf<float>(answer->outputs[0])[0]);
  }
  EXPECT_EQ(results[0], close_to_one);
  EXPECT_NEAR(results[1], 1.0F, 0.01);
}

TEST(OpenVinoEngine, AnswersAreTheSameBitsEveryTime) {
  auto host =
      *StartHost(tests::ReadFile(tests::SourceDir() / "models" / "blindai-demo-en" / "blindai-demo-en.onnx"));
  std::vector<float> noise(16'000);
  std::uint32_t state = 1;
  for (float& value : noise)
    value = static_cast<float>((state = state * 1664525 + 1013904223) >> 8) / 8388608.0F - 1;
  const auto first = RunOn(*host, {Floats("input_values", {1, 16'000}, noise)});
  const auto longer = RunOn(*host, {Floats("input_values", {1, 24'000}, std::vector<float>(24'000, 0.5F))});
  const auto again = RunOn(*host, {Floats("input_values", {1, 16'000}, noise)});
  ASSERT_TRUE(first.ok() && longer.ok() && again.ok());
  EXPECT_EQ(first->outputs[0].data, again->outputs[0].data);
}

// Kernels are kept by shape, and an engine whose very first run has a single frame keeps wrong ones; the warm-up
// sees to it that this run is another. 400 samples are one frame.
// The engine packs a weight and keeps the original: both together are twice the model.
TEST(OpenVinoEngine, ALargeWeightIsHeldOnce) {
#ifdef BLINDAI_SANITIZED
  GTEST_SKIP() << "SKIPPED: a sanitizer keeps freed memory";
#endif
  constexpr std::int64_t kSide = 4'096;
  constexpr std::uint64_t kWeightBytes = kSide * kSide * sizeof(float);
  auto small = *StartHost(tests::MatMulModel(4, 2));
  auto large = *StartHost(tests::MatMulModel(kSide, kSide));
  for (const std::int64_t rows : {1, 40, 3}) {
    std::vector<float> picks(static_cast<std::size_t>(rows * kSide));
    for (std::int64_t row = 0; row < rows; ++row)
      picks[static_cast<std::size_t>(row * kSide + 97 * row + 1)] = 1;
    const auto answer = RunOn(*large, {Floats("x", {rows, kSide}, picks)});
    ASSERT_TRUE(answer.ok()) << answer.error().code;
    const std::vector<float> values = ValuesOf<float>(answer->outputs[0]);
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t column = 0; column < kSide; ++column) {
        ASSERT_EQ(values[static_cast<std::size_t>(row * kSide + column)],
                  static_cast<float>(97 * row + 1 + column));
      }
    }
  }
  const std::uint64_t least = small->stats().resident_bytes;
  EXPECT_GT(least, 0u);
  EXPECT_LT(large->stats().resident_bytes, least + kWeightBytes * 3 / 2);
}

TEST(OpenVinoEngine, WhatCameBeforeDoesNotChangeAnAnswer) {
  const auto model =
      tests::ReadFile(tests::SourceDir() / "models" / "blindai-demo-en" / "blindai-demo-en.onnx");
  const auto logits = [](ModelHost& host, std::int64_t samples) {
    std::vector<float> noise(static_cast<std::size_t>(samples));
    for (std::size_t i = 0; i < noise.size(); ++i)
      noise[i] = std::sin(static_cast<float>(i) * static_cast<float>(i));
    const auto answer = RunOn(host, {Floats("input_values", {1, samples}, noise)});
    EXPECT_TRUE(answer.ok()) << samples;
    return ValuesOf<float>(answer->outputs[0]);
  };
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    auto options = tests::TestOptions();
    options.precision = precision;
    auto used = *StartHost(model, options);
    for (const std::int64_t samples : {400, 8'000, 720, 16'000, 400, 401, 8'000}) {
      const auto seen = logits(*used, samples);
      const auto alone = logits(**StartHost(model, options), samples);
      ASSERT_EQ(seen.size(), alone.size());
      for (std::size_t i = 0; i < seen.size(); ++i)
        ASSERT_NEAR(seen[i], alone[i], precision == Precision::kF32 ? 1e-3 : 0.5) << samples << " " << i;
    }
  }
}

// hello_world.wav, 16-bit mono at 16 kHz, with zero mean and unit variance, as the model's card asks.
std::vector<float> HelloWorld() {
  const auto bytes = tests::ReadFile(tests::SourceDir() / "models" / "blindai-demo-en" / "hello_world.wav");
  const std::string_view text = base::AsText(bytes);
  const std::size_t data = text.find("data") + 8;
  std::vector<float> samples((bytes.size() - data) / 2);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::int16_t sample;
    std::memcpy(&sample, bytes.data() + data + 2 * i, 2);
    samples[i] = sample;
  }
  const double count = static_cast<double>(samples.size());
  const double mean = std::accumulate(samples.begin(), samples.end(), 0.0) / count;
  double variance = 0;
  for (const float sample : samples) variance += (sample - mean) * (sample - mean) / count;
  for (float& sample : samples) sample = static_cast<float>((sample - mean) / std::sqrt(variance + 1e-7));
  return samples;
}

// The words of vocab.json by number: {"<pad>": 0, "|": 4, "E": 5, …}.
std::vector<std::string> Vocabulary() {
  const auto bytes = tests::ReadFile(tests::SourceDir() / "models" / "blindai-demo-en" / "vocab.json");
  std::vector<std::string> words(64);
  std::string text(base::AsText(bytes));
  for (std::size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at)) {
    const std::size_t end = text.find('"', at + 1);
    const std::size_t number = std::stoul(text.substr(text.find(':', end) + 1));
    words.at(number) = text.substr(at + 1, end - at - 1);
    at = end + 1;
  }
  return words;
}

TEST(OpenVinoEngine, TranscribesHelloWorldWithTheDemoModel) {
  auto host =
      *StartHost(tests::ReadFile(tests::SourceDir() / "models" / "blindai-demo-en" / "blindai-demo-en.onnx"));
  const std::vector<float> samples = HelloWorld();
  const auto answer =
      RunOn(*host, {Floats("input_values", {1, static_cast<std::int64_t>(samples.size())}, samples)});
  ASSERT_TRUE(answer.ok());
  const std::vector<float> logits = ValuesOf<float>(answer->outputs[0]);
  const auto classes = static_cast<std::ptrdiff_t>(answer->outputs[0].shape[2]);
  const auto words = Vocabulary();
  std::string transcript;
  std::ptrdiff_t before = -1;
  for (auto frame = logits.begin(); frame != logits.end(); frame += classes) {
    const std::ptrdiff_t best = std::max_element(frame, frame + classes) - frame;
    if (best != before && words[static_cast<std::size_t>(best)].size() == 1)
      transcript += words[static_cast<std::size_t>(best)];
    before = best;
  }
  std::ranges::replace(transcript, '|', ' ');
  while (transcript.ends_with(' ')) transcript.pop_back();
  EXPECT_EQ(transcript, "HELLO WORLD");
}

}  // namespace
}  // namespace blindai::model
