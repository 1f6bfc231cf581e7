#include "model/openvino_whisper.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "model/model_bundle.h"
#include "model/whisper_alignment.h"
#include "model/whisper_run.h"

namespace blindai::model {
namespace {

// Each token makes the past longer by one, so every length has kernels of its own; there are a few hundred.
constexpr int kKeptDecoderKernels = 4'000;

constexpr std::string_view kPast = "past_key_values.";
constexpr std::string_view kPresent = "present.";
constexpr std::string_view kCachePosition = "cache_position";

bool HasName(const ov::Output<const ov::Node>& port, std::string_view name) {
  return port.get_names().contains(std::string(name)) || port.get_node()->get_friendly_name() == name;
}

// The part of a name behind "present." or "past_key_values.": what goes from one run to the next. Empty: another port.
std::string CacheName(const ov::Output<const ov::Node>& port, std::string_view prefix) {
  for (const std::string& name : port.get_names()) {
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  }
  return {};
}

void Wipe(ov::Tensor& tensor) {
  if (tensor && tensor.get_byte_size() > 0) base::Wipe(tensor.data(), tensor.get_byte_size());
}

// Rows of the first dimension, in this order.
ov::Tensor Gather(const ov::Tensor& from, std::span<const std::int32_t> rows) {
  ov::Shape shape = from.get_shape();
  const std::size_t row_bytes = from.get_byte_size() / shape[0];
  shape[0] = rows.size();
  ov::Tensor to(from.get_element_type(), shape);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(static_cast<std::uint8_t*>(to.data()) + i * row_bytes,
                static_cast<const std::uint8_t*>(from.data()) + static_cast<std::size_t>(rows[i]) * row_bytes,
                row_bytes);
  }
  return to;
}

}  // namespace

struct OpenVinoWhisper::Network {
  Network(OpenVinoRuntime& runtime, const std::shared_ptr<ov::Model>& model, int kept_kernels)
      : compiled(runtime.Compile(model, kept_kernels)),
        // Two, so that one reads what the other has written.
        requests{compiled.create_infer_request(), compiled.create_infer_request()} {}

  // `change` is made to the network before it is compiled.
  static std::unique_ptr<Network> Load(OpenVinoRuntime& runtime, const std::shared_ptr<const Mapping>& file,
                                       base::ByteView part, int kept_kernels,
                                       const std::function<void(ov::Model&)>& change = nullptr) {
    const auto model = runtime.Convert(*file, part);
    if (!model) return nullptr;
    if (change) change(*model);
    runtime.PlaceWeights(*model, file, part);
    return std::make_unique<Network>(runtime, model, kept_kernels);
  }

  std::optional<std::size_t> Input(std::string_view name) const { return Find(compiled.inputs(), name); }
  std::optional<std::size_t> Output(std::string_view name) const { return Find(compiled.outputs(), name); }

  ov::InferRequest& Compute() {
    ov::InferRequest& request = requests[turn];
    request.start_async();
    request.wait();
    turn = 1 - turn;
    return request;
  }
  ov::InferRequest& next() { return requests[turn]; }

  // Overwrites what the requests hold, as far as it can be reached.
  void WipeResults() {
    for (ov::InferRequest& request : requests) {
      for (std::size_t i = 0; i < compiled.outputs().size(); ++i) {
        ov::Tensor tensor = request.get_output_tensor(i);
        Wipe(tensor);
      }
    }
  }
  // The tokens of its last runs too, which the requests keep until the next ones.
  void WipeTokens() {
    const std::size_t port = *Input("input_ids");
    for (ov::InferRequest& request : requests) {
      ov::Tensor tensor = request.get_input_tensor(port);
      Wipe(tensor);
    }
  }

  ov::CompiledModel compiled;
  std::array<ov::InferRequest, 2> requests;
  std::size_t turn = 0;

 private:
  static std::optional<std::size_t> Find(const std::vector<ov::Output<const ov::Node>>& ports,
                                         std::string_view name) {
    for (std::size_t i = 0; i < ports.size(); ++i) {
      if (HasName(ports[i], name)) return i;
    }
    return std::nullopt;
  }
};

// The decoder networks as the search sees them.
class OpenVinoWhisper::Decoder : public WhisperDecoder {
 public:
  explicit Decoder(OpenVinoWhisper& model) : model_(model) {}
  ~Decoder() override { Forget(); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  void Hear(ov::Tensor encoded) { encoded_ = std::move(encoded); }
  std::size_t vocabulary() const override { return static_cast<std::size_t>(model_.vocabulary_); }

  std::span<const float> Begin(std::span<const std::int32_t> prompt) override {
    length_ = prompt.size();
    said_ = {{prompt.begin(), prompt.end()}};
    return RunWhole(/*whole_rows=*/true);
  }

  std::span<const float> Next(std::span<const std::int32_t> parents,
                              std::span<const std::int32_t> tokens) override {
    if (!model_.with_past_) {
      std::vector<std::vector<std::int64_t>> said;
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        said.push_back(said_[static_cast<std::size_t>(parents[i])]);
        said.back().push_back(tokens[i]);
      }
      said_ = std::move(said);
      return RunWhole(/*whole_rows=*/false);
    }
    Network& network = *model_.with_past_;
    ov::InferRequest& request = network.next();
    ov::Tensor ids(ov::element::i64, {tokens.size(), 1});
    std::ranges::copy(tokens, ids.data<std::int64_t>());
    request.set_input_tensor(*network.Input("input_ids"), ids);
    if (const auto port = network.Input(kCachePosition)) {
      ov::Tensor position(ov::element::i64, {1});
      position.data<std::int64_t>()[0] = static_cast<std::int64_t>(length_);
      request.set_input_tensor(*port, position);
    }
    ++length_;
    const bool same = parents.size() == rows_ && std::ranges::equal(parents, Identity(parents.size()));
    for (std::size_t i = 0; i < network.compiled.inputs().size(); ++i) {
      const std::string name = CacheName(network.compiled.inputs()[i], kPast);
      if (name.empty()) continue;
      ov::Tensor& past = cache_.at(name);
      // What was heard is the same for every hypothesis: only their number matters.
      const bool heard = name.find("encoder") != std::string::npos;
      if (heard ? parents.size() != rows_ : !same) past = Gather(past, parents);
      request.set_input_tensor(i, past);
    }
    rows_ = parents.size();
    network.Compute();
    Keep(network, request);
    logits_ = request.get_output_tensor(*network.Output("logits"));
    return {logits_.data<const float>(), logits_.get_size()};
  }

  // Where the text tokens among `said` begin and the last one ends. They are read once more, all at once and behind
  // nothing but what steers the decoder, without timestamps.
  std::vector<std::int32_t> Align(const WhisperRules& rules, std::span<const std::int32_t> said) {
    std::vector<std::int64_t> tokens(rules.prompt.begin() + rules.start_position, rules.prompt.end());
    const std::size_t first_row = tokens.size();
    tokens.push_back(rules.first_timestamp - 1);  // <|notimestamps|>
    std::ranges::copy_if(said, std::back_inserter(tokens),
                         [&rules](std::int32_t token) { return token < rules.end_of_text; });
    if (tokens.size() == first_row + 1) return {};
    tokens.push_back(rules.end_of_text);
    const std::size_t rows = tokens.size();
    said_ = {std::move(tokens)};
    const auto heads = HeadsByLayer(rules.alignment_heads);
    ov::InferRequest& request = Compute(heads);

    std::vector<float> weights;
    CrossAttention attention;
    attention.rows = rows;
    for (std::size_t layer = 0; layer < heads.size(); ++layer) {
      if (heads[layer].empty()) continue;
      const ov::Tensor looked = request.get_output_tensor(*model_.decoder_->Output(AttentionPort(layer)));
      attention.positions = looked.get_shape().back();
      attention.heads += heads[layer].size();
      weights.insert(weights.end(), looked.data<const float>(),
                     looked.data<const float>() + looked.get_size());
    }
    attention.weights = weights;
    auto starts = TokenStarts(attention, first_row, static_cast<std::size_t>(rules.aligned_positions));
    base::Wipe(weights.data(), weights.size() * sizeof(float));
    return starts;
  }

  void Forget() {
    Wipe(encoded_);
    for (auto& [name, tensor] : cache_) Wipe(tensor);
    cache_.clear();
    logits_ = {};
    encoded_ = {};
    for (auto& said : said_) base::Wipe(said.data(), said.size() * sizeof(std::int64_t));
    said_.clear();
    base::Wipe(last_rows_.data(), last_rows_.size() * sizeof(float));
    last_rows_.clear();
  }

 private:
  static std::vector<std::int32_t> Identity(std::size_t size) {
    std::vector<std::int32_t> rows(size);
    for (std::size_t i = 0; i < size; ++i) rows[i] = static_cast<std::int32_t>(i);
    return rows;
  }

  using Heads = std::vector<std::vector<std::int32_t>>;

  // Where the list names none that exists, all heads of the upper half of the layers, as far as so many are looked at.
  Heads HeadsByLayer(std::span<const AttentionHead> listed) const {
    Heads heads(model_.attention_.layers);
    for (const AttentionHead& head : listed) {
      if (static_cast<std::size_t>(head.layer) < heads.size())
        heads[static_cast<std::size_t>(head.layer)].push_back(head.head);
    }
    if (std::ranges::any_of(heads, [](const auto& layer) { return !layer.empty(); })) return heads;
    for (std::size_t layer = heads.size() / 2, left = kMostHeads; layer < heads.size(); ++layer) {
      for (std::int32_t head = 0; head < model_.attention_.heads && left > 0; ++head, --left)
        heads[layer].push_back(head);
    }
    return heads;
  }

  // Runs the decoder without a past on what was said.
  ov::InferRequest& Compute(const Heads& heads) {
    Network& network = *model_.decoder_;
    ov::InferRequest& request = network.next();
    const std::size_t length = said_.front().size();
    ov::Tensor ids(ov::element::i64, {said_.size(), length});
    for (std::size_t i = 0; i < said_.size(); ++i)
      std::ranges::copy(said_[i], ids.data<std::int64_t>() + i * length);
    request.set_input_tensor(*network.Input("input_ids"), ids);
    if (encoded_.get_shape()[0] != said_.size())
      encoded_ = Gather(encoded_, std::vector<std::int32_t>(said_.size(), 0));
    request.set_input_tensor(*network.Input("encoder_hidden_states"), encoded_);
    if (const auto port = network.Input(kCachePosition)) {
      ov::Tensor positions(ov::element::i64, {length});
      for (std::size_t i = 0; i < length; ++i)
        positions.data<std::int64_t>()[i] = static_cast<std::int64_t>(i);
      request.set_input_tensor(*port, positions);
    }
    for (std::size_t layer = 0; layer < heads.size(); ++layer) {
      ov::Tensor wanted(ov::element::i32, {heads[layer].size()});
      std::ranges::copy(heads[layer], wanted.data<std::int32_t>());
      request.set_input_tensor(*network.Input(AttentionHeadsPort(layer)), wanted);
    }
    return network.Compute();
  }

  void Keep(const Network& network, ov::InferRequest& request) {
    for (std::size_t i = 0; i < network.compiled.outputs().size(); ++i) {
      const std::string name = CacheName(network.compiled.outputs()[i], kPresent);
      if (!name.empty()) cache_[name] = request.get_output_tensor(i);
    }
  }

  // The decoder without a past: all tokens of every hypothesis. Rows for all of them, or for the last of each.
  std::span<const float> RunWhole(bool whole_rows) {
    const Network& network = *model_.decoder_;
    const std::size_t length = said_.front().size();
    ov::InferRequest& request = Compute(Heads(model_.attention_.layers));
    if (model_.with_past_) Keep(network, request);
    rows_ = said_.size();
    logits_ = request.get_output_tensor(*network.Output("logits"));
    const std::span<const float> all(logits_.data<const float>(), logits_.get_size());
    if (whole_rows) return all;
    last_rows_.clear();
    for (std::size_t i = 0; i < said_.size(); ++i) {
      const auto row = all.subspan(((i + 1) * length - 1) * vocabulary(), vocabulary());
      last_rows_.insert(last_rows_.end(), row.begin(), row.end());
    }
    return last_rows_;
  }

  OpenVinoWhisper& model_;
  ov::Tensor encoded_;
  std::map<std::string, ov::Tensor> cache_;  // by the name without "present."
  std::size_t rows_ = 0;                     // hypotheses in it
  std::size_t length_ = 0;                   // tokens in it
  ov::Tensor logits_;
  std::vector<std::vector<std::int64_t>> said_;  // where there is no cache
  std::vector<float> last_rows_;
};

OpenVinoWhisper::OpenVinoWhisper() = default;
OpenVinoWhisper::~OpenVinoWhisper() = default;

std::unique_ptr<OpenVinoWhisper> OpenVinoWhisper::Load(OpenVinoRuntime& runtime, Mapping file,
                                                       ModelSignature& signature) {
  const auto kept = std::make_shared<const Mapping>(std::move(file));
  const auto parts = ReadBundle(kept->view());
  if (!parts.ok()) return nullptr;
  std::unique_ptr<OpenVinoWhisper> model(new OpenVinoWhisper());
  for (const BundlePart& part : *parts) {
    const base::ByteView bytes = kept->view().subspan(part.offset, part.size);
    if (part.name == kWhisperEncoder) model->encoder_ = Network::Load(runtime, kept, bytes, 2);
    if (part.name == kWhisperDecoder) {
      model->decoder_ =
          Network::Load(runtime, kept, bytes, kKeptDecoderKernels,
                        [&model](ov::Model& decoder) { model->attention_ = AddAttentionPorts(decoder); });
    }
    if (part.name == kWhisperDecoderWithPast)
      model->with_past_ = Network::Load(runtime, kept, bytes, kKeptDecoderKernels);
  }
  if (!model->encoder_ || !model->decoder_ || !model->CheckPorts()) return nullptr;
  model->search_ = std::make_unique<Decoder>(*model);
  model->WarmUp();
  signature = WhisperSignature({.bins = model->bins_,
                                .frames = model->frames_,
                                .vocabulary = model->vocabulary_,
                                .aligns = model->attention_.layers > 0});
  return model;
}

// The ports that the code above takes for granted.
bool OpenVinoWhisper::CheckPorts() {
  const auto only = [](const Network& network, std::initializer_list<std::string_view> known, bool past) {
    return std::ranges::all_of(network.compiled.inputs(), [&](const auto& port) {
      const bool is_cache =
          past && !CacheName(port, kPast).empty() && port.get_element_type() == ov::element::f32;
      const bool is_ours = port.get_any_name().starts_with("blindai.");
      return is_cache || is_ours ||
             std::ranges::any_of(known, [&port](std::string_view name) { return HasName(port, name); });
    });
  };
  const auto features = encoder_->Input("input_features");
  if (!features || encoder_->compiled.inputs().size() != 1 || encoder_->compiled.outputs().size() != 1)
    return false;
  const ov::PartialShape shape = encoder_->compiled.inputs()[*features].get_partial_shape();
  const auto logits = decoder_->Output("logits");
  if (shape.size() != 3 || shape[1].is_dynamic() || !logits || !decoder_->Input("encoder_hidden_states") ||
      !decoder_->Input("input_ids") ||
      !only(*decoder_, {"input_ids", "encoder_hidden_states", kCachePosition}, false)) {
    return false;
  }
  const ov::Output<const ov::Node> scores = decoder_->compiled.outputs()[*logits];
  if (scores.get_element_type() != ov::element::f32 || scores.get_partial_shape().size() != 3 ||
      scores.get_partial_shape()[2].is_dynamic()) {
    return false;
  }
  bins_ = shape[1].get_length();
  frames_ = shape[2].is_dynamic() ? 3'000 : shape[2].get_length();
  vocabulary_ = scores.get_partial_shape()[2].get_length();
  if (!with_past_) return true;
  if (!with_past_->Input("input_ids") || !with_past_->Output("logits") ||
      !only(*with_past_, {"input_ids", kCachePosition}, true)) {
    return false;
  }
  return std::ranges::all_of(with_past_->compiled.inputs(), [this](const auto& port) {
    const std::string name = CacheName(port, kPast);
    return name.empty() || decoder_->Output(std::string(kPresent) + name).has_value();
  });
}

// One window of silence, so that the first request does not pay for what is made on first use. The engine keeps what
// its first run found (openvino_engine.cc), so no dimension that varies is 1 in it.
void OpenVinoWhisper::WarmUp() {
  const std::vector<float> silence(static_cast<std::size_t>(bins_ * frames_));
  search_->Hear(Encode(silence.data()));
  const std::array<std::int32_t, 4> prompt = {0, 1, 2, 3};
  if (attention_.layers > 0) {
    WhisperRules rules;
    rules.prompt = {0, 1};
    rules.end_of_text = 4;
    rules.first_timestamp = 6;
    rules.aligned_positions = 2;
    (void)search_->Align(rules, prompt);
  }
  (void)search_->Begin(prompt);
  const std::array<std::int32_t, 2> parents = {0, 0};
  const std::array<std::int32_t, 2> tokens = {4, 5};
  (void)search_->Next(parents, tokens);
  const std::array<std::int32_t, 2> each = {0, 1};
  (void)search_->Next(each, tokens);
  search_->Forget();
  Clean();
}

ov::Tensor OpenVinoWhisper::Encode(const void* features) {
  ov::InferRequest& request = encoder_->next();
  const ov::Shape shape = {1, static_cast<std::size_t>(bins_), static_cast<std::size_t>(frames_)};
  request.set_input_tensor(0, ov::Tensor(ov::element::f32, shape, const_cast<void*>(features)));
  encoder_->Compute();
  return request.get_output_tensor(0);
}

Failure OpenVinoWhisper::Run(const RunMessage& run, base::ByteView inputs, std::span<std::uint8_t> outputs,
                             RanMessage& ran, const std::atomic<std::uint64_t>& cancelled) {
  std::array<base::ByteView, kWhisperInputs> views;
  for (const PlacedTensor& input : run.inputs) {
    if (input.port >= views.size() || input.bytes > inputs.size() ||
        input.offset > inputs.size() - input.bytes)
      return Failure::kInternal;
    views[input.port] = inputs.subspan(input.offset, input.bytes);
  }
  if (views[kFeatures].size() != static_cast<std::size_t>(bins_ * frames_) * sizeof(float))
    return Failure::kInternal;
  const auto rules = WhisperRulesOf(views, vocabulary_);
  if (!rules) return Failure::kRun;

  const auto begin = std::chrono::steady_clock::now();
  const auto goes_on = [&] { return cancelled != run.run; };
  if (!goes_on()) return Failure::kCancelled;
  search_->Hear(Encode(views[kFeatures].data()));
  WhisperText text = FindWhisperText(*rules, *search_, goes_on);
  if (attention_.layers > 0 && rules->aligned_positions > 0 && goes_on())
    text.token_starts = search_->Align(*rules, text.tokens);
  const auto took = std::chrono::steady_clock::now() - begin;
  search_->Forget();
  ran.compute_us =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  if (!goes_on()) return Failure::kCancelled;

  OutputWriter writer(outputs, ran);
  for (const std::uint16_t port : run.outputs) {
    const auto write = [&](const auto& numbers) {
      return writer.Write(port, {static_cast<std::int64_t>(numbers.size())}, numbers.data(),
                          numbers.size() * sizeof(numbers[0]));
    };
    const bool fits = port == kTokens             ? write(text.tokens)
                      : port == kLogProbabilities ? write(text.log_probabilities)
                      : port == kTokenStarts      ? write(text.token_starts)
                                             : port == kStartProbabilities && write(text.start_probabilities);
    if (!fits) return Failure::kOutputsTooLarge;
  }
  return Failure::kNone;
}

void OpenVinoWhisper::Clean() {
  for (Network* network : {encoder_.get(), decoder_.get(), with_past_.get()}) {
    if (network == nullptr) continue;
    network->WipeResults();
    if (network != encoder_.get()) network->WipeTokens();
    network->compiled.release_memory();
  }
}

}  // namespace blindai::model
