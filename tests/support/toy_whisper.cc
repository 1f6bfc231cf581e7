#include "support/toy_whisper.h"

#include <string>

#include "model/model_bundle.h"
#include "model/whisper_run.h"
#include "support/onnx_builder.h"

namespace blindai::tests {
namespace {

constexpr std::int64_t kBins = 80;
constexpr std::int64_t kFrames = 3'000;
constexpr std::int64_t kPositions = kFrames / 2;

// Features of 80 × 3000 become two numbers for each of 1500 positions: their means over the bins.
base::Bytes Encoder() {
  OnnxGraph graph;
  graph.Input("input_features", kOnnxFloat, {"batch", kBins, kFrames});
  graph.Output("last_hidden_state", kOnnxFloat, {"batch", kPositions, 2});
  graph.Initializer(Int64Tensor("shape", {3}, {-1, kPositions, 2}));
  graph.Node(OnnxNode("ReduceMean", {"input_features"}, {"means"}).Ints("axes", {1}).Int("keepdims", 0));
  graph.Node(OnnxNode("Reshape", {"means", "shape"}, {"last_hidden_state"}));
  return OnnxModel(graph).Bytes();
}

// logits [batch, n, vocabulary] of input_ids and of `heard` [batch, 1, 1], the mean of what the encoder gave.
void AddLogits(OnnxGraph& graph, const std::vector<std::int64_t>& chain, std::int64_t vocabulary,
               std::int64_t no_speech) {
  std::vector<std::int64_t> next(static_cast<std::size_t>(vocabulary), chain.back());
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) next[static_cast<std::size_t>(chain[i])] = chain[i + 1];
  std::vector<float> silence(static_cast<std::size_t>(vocabulary));
  silence[static_cast<std::size_t>(no_speech)] = 100;
  graph.Initializer(Int64Tensor("next", {vocabulary}, next));
  graph.Initializer(Int64Tensor("depth", {1}, {vocabulary}));
  graph.Initializer(FloatTensor("values", {2}, {0, 20}));
  graph.Initializer(FloatTensor("silence", {vocabulary}, silence));
  graph.Initializer(FloatTensor("level", {1}, {-1.2F}));
  graph.Node(OnnxNode("Gather", {"next", "input_ids"}, {"said"}));
  graph.Node(OnnxNode("OneHot", {"said", "depth", "values"}, {"chained"}));
  graph.Node(OnnxNode("Sub", {"level", "heard"}, {"quiet"}));
  graph.Node(OnnxNode("Relu", {"quiet"}, {"quietness"}));
  graph.Node(OnnxNode("Mul", {"quietness", "silence"}, {"unheard"}));
  graph.Node(OnnxNode("Add", {"chained", "unheard"}, {"logits"}));
}

// The tokens as the keys [batch, 1, n, 1] of this run.
void AddKeys(OnnxGraph& graph) {
  graph.Initializer(Int64Tensor("outside", {2}, {1, 3}));
  graph.Node(OnnxNode("Cast", {"input_ids"}, {"numbers"}).Int("to", kOnnxFloat));
  graph.Node(OnnxNode("Unsqueeze", {"numbers", "outside"}, {"keys"}));
}

// Cross-attention of one head: after each text token of the chain the decoder looks at the next half second. It changes
// nothing: `nothing` [batch, n, 1] is zero.
void AddAttention(OnnxGraph& graph, const std::vector<std::int64_t>& chain, std::int64_t vocabulary,
                  ToyAttention attention) {
  constexpr std::int64_t kEndOfText = 260;
  constexpr float kStretch = 25;
  std::vector<float> looks(static_cast<std::size_t>(vocabulary));
  float at = 0;
  for (const std::int64_t token : chain) {
    if (token < kEndOfText) looks[static_cast<std::size_t>(token)] = at += kStretch;
  }
  std::vector<float> middles(kPositions);
  for (std::size_t i = 0; i < middles.size(); ++i) middles[i] = static_cast<float>(i) - (kStretch - 1) / 2;
  graph.Initializer(FloatTensor("looks", {vocabulary}, looks));
  graph.Initializer(FloatTensor("middles", {kPositions}, middles));
  graph.Initializer(FloatTensor("half_stretch", {1}, {kStretch / 2}));
  graph.Initializer(FloatTensor("steep", {1}, {-10}));
  graph.Initializer(FloatTensor("zero", {1}, {0}));
  graph.Initializer(Int64Tensor("around", {2}, {1, 3}));
  graph.Node(OnnxNode("Gather", {"looks", "input_ids"}, {"looked"}));
  graph.Node(OnnxNode("Unsqueeze", {"looked", "around"}, {"begins"}));
  graph.Node(OnnxNode("Sub", {"middles", "begins"}, {"off"}));
  graph.Node(OnnxNode("Abs", {"off"}, {"far"}));
  graph.Node(OnnxNode("Sub", {"far", "half_stretch"}, {"outside_by"}));
  graph.Node(OnnxNode("Relu", {"outside_by"}, {"outside_of_it"}));
  graph.Node(OnnxNode("Mul", {"outside_of_it", "steep"}, {"scores"}));
  if (attention == ToyAttention::kFlat) {
    graph.Node(OnnxNode("Squeeze", {"scores", "first"}, {"flat"}));
    graph.Node(OnnxNode("Softmax", {"flat"}, {"weights"}).Int("axis", -1));
    graph.Node(OnnxNode("MatMul", {"weights", "encoder_hidden_states"}, {"seen_by_all"}));
  } else {
    const bool guarded = attention == ToyAttention::kGuarded;
    graph.Node(OnnxNode("Softmax", {"scores"}, {guarded ? "unguarded" : "weights"}).Int("axis", -1));
    if (guarded) {
      graph.Node(OnnxNode("IsNaN", {"unguarded"}, {"is_no_number"}));
      graph.Node(OnnxNode("Where", {"is_no_number", "zero", "unguarded"}, {"weights"}));
    }
    graph.Node(OnnxNode("MatMul", {"weights", "present.0.encoder.key"}, {"seen"}));
    graph.Node(OnnxNode("ReduceMean", {"seen"}, {"seen_by_all"}).Ints("axes", {1}).Int("keepdims", 0));
  }
  graph.Node(OnnxNode("ReduceMean", {"seen_by_all"}, {"seen_of_all"}).Ints("axes", {2}).Int("keepdims", 1));
  graph.Node(OnnxNode("Mul", {"seen_of_all", "zero"}, {"nothing"}));
}

base::Bytes Decoder(const std::vector<std::int64_t>& chain, std::int64_t vocabulary, std::int64_t no_speech,
                    ToyAttention attention) {
  OnnxGraph graph;
  graph.Input("input_ids", kOnnxInt64, {"batch", "length"});
  graph.Input("encoder_hidden_states", kOnnxFloat, {"batch", kPositions, 2});
  graph.Output("logits", kOnnxFloat, {"batch", "length", vocabulary});
  for (const char* what : {"key", "value"}) {
    graph.Output(std::string("present.0.decoder.") + what, kOnnxFloat, {"batch", 1, "length", 1});
    graph.Output(std::string("present.0.encoder.") + what, kOnnxFloat, {"batch", 1, kPositions, 2});
  }
  graph.Initializer(Int64Tensor("first", {1}, {1}));
  graph.Node(OnnxNode("Unsqueeze", {"encoder_hidden_states", "first"}, {"present.0.encoder.key"}));
  graph.Node(
      OnnxNode("ReduceMean", {"encoder_hidden_states"}, {attention == ToyAttention::kNone ? "heard" : "mean"})
          .Ints("axes", {1, 2})
          .Int("keepdims", 1));
  if (attention != ToyAttention::kNone) {
    AddAttention(graph, chain, vocabulary, attention);
    graph.Node(OnnxNode("Add", {"mean", "nothing"}, {"heard"}));
  }
  AddLogits(graph, chain, vocabulary, no_speech);
  AddKeys(graph);
  graph.Node(OnnxNode("Abs", {"keys"}, {"present.0.decoder.key"}));
  graph.Node(OnnxNode("Neg", {"keys"}, {"present.0.decoder.value"}));
  graph.Node(OnnxNode("Neg", {"present.0.encoder.key"}, {"present.0.encoder.value"}));
  return OnnxModel(graph).Bytes();
}

base::Bytes DecoderWithPast(const std::vector<std::int64_t>& chain, std::int64_t vocabulary,
                            std::int64_t no_speech) {
  OnnxGraph graph;
  graph.Input("input_ids", kOnnxInt64, {"batch", 1});
  for (const char* what : {"key", "value"}) {
    graph.Input(std::string("past_key_values.0.decoder.") + what, kOnnxFloat, {"batch", 1, "past", 1});
    graph.Input(std::string("past_key_values.0.encoder.") + what, kOnnxFloat, {"batch", 1, kPositions, 2});
    graph.Output(std::string("present.0.decoder.") + what, kOnnxFloat, {"batch", 1, "length", 1});
  }
  graph.Output("logits", kOnnxFloat, {"batch", 1, vocabulary});
  graph.Initializer(Int64Tensor("last", {1}, {3}));
  // Key minus value is twice the key; its mean over all positions is what the other decoder has.
  graph.Node(
      OnnxNode("Sub", {"past_key_values.0.encoder.key", "past_key_values.0.encoder.value"}, {"twice"}));
  graph.Node(OnnxNode("ReduceMean", {"twice"}, {"mean"}).Ints("axes", {1, 2, 3}).Int("keepdims", 1));
  graph.Initializer(FloatTensor("half", {1}, {0.5F}));
  graph.Node(OnnxNode("Mul", {"mean", "half"}, {"halved"}));
  graph.Node(OnnxNode("Squeeze", {"halved", "last"}, {"heard"}));
  AddLogits(graph, chain, vocabulary, no_speech);
  AddKeys(graph);
  graph.Node(OnnxNode("Neg", {"keys"}, {"minus"}));
  graph.Node(OnnxNode("Concat", {"past_key_values.0.decoder.key", "keys"}, {"present.0.decoder.key"})
                 .Int("axis", 2));
  graph.Node(OnnxNode("Concat", {"past_key_values.0.decoder.value", "minus"}, {"present.0.decoder.value"})
                 .Int("axis", 2));
  return OnnxModel(graph).Bytes();
}

}  // namespace

ToyWhisper MakeToyWhisper(const std::vector<std::int64_t>& chain, std::int64_t vocabulary,
                          std::int64_t no_speech, ToyAttention attention) {
  return {Encoder(), Decoder(chain, vocabulary, no_speech, attention),
          DecoderWithPast(chain, vocabulary, no_speech)};
}

std::vector<std::int64_t> HelloChain() {
  // <|startoftranscript|>, <|0.00|>, " hell", "o", <|1.50|>, <|endoftext|>
  return {261, 268, 259, 'o', 268 + 75, 260};
}

base::Bytes ToyBundle(const ToyWhisper& model, bool with_past) {
  base::Bytes file = model::BundleLayout::Begin();
  model::BundleLayout layout;
  const auto append = [&file](base::ByteView bytes) { file.insert(file.end(), bytes.begin(), bytes.end()); };
  const auto add = [&](const char* name, base::ByteView part) {
    append(layout.BeginPart(name, file.size()));
    append(part);
  };
  add(model::kWhisperEncoder, model.encoder);
  add(model::kWhisperDecoder, model.decoder);
  if (with_past) add(model::kWhisperDecoderWithPast, model.decoder_with_past);
  append(layout.End(file.size()));
  return file;
}

}  // namespace blindai::tests
