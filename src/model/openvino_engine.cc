// OpenVINO behind model/engine.h, used the way it was measured (openvino_runtime.h).

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>
#include <random>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_writer.h"
#include "base/secret.h"
#include "model/batching.h"
#include "model/engine.h"
#include "model/freed_memory.h"
#include "model/model_bundle.h"
#include "model/openvino_exact.h"
#include "model/openvino_runtime.h"
#include "model/openvino_whisper.h"

#include <openvino/frontend/manager.hpp>
#include <openvino/openvino.hpp>
#include <openvino/opsets/opset13.hpp>

namespace blindai::model {
namespace {

using vocabulary::Datatype;

// Kernels kept for shapes that were seen. Without a bound, memory grows with every new length, which a client can
// do on purpose (engine.md 7); without any, a change of shape costs up to a quarter of a run.
constexpr int kKeptKernels = 100;

// ---- types and shapes

std::optional<Datatype> DatatypeOf(const ov::element::Type& type) {
  switch (type) {
    case ov::element::Type_t::boolean:
      return Datatype::kBool;
    case ov::element::Type_t::u8:
      return Datatype::kUint8;
    case ov::element::Type_t::u16:
      return Datatype::kUint16;
    case ov::element::Type_t::u32:
      return Datatype::kUint32;
    case ov::element::Type_t::u64:
      return Datatype::kUint64;
    case ov::element::Type_t::i8:
      return Datatype::kInt8;
    case ov::element::Type_t::i16:
      return Datatype::kInt16;
    case ov::element::Type_t::i32:
      return Datatype::kInt32;
    case ov::element::Type_t::i64:
      return Datatype::kInt64;
    case ov::element::Type_t::f16:
      return Datatype::kFp16;
    case ov::element::Type_t::bf16:
      return Datatype::kBf16;
    case ov::element::Type_t::f32:
      return Datatype::kFp32;
    case ov::element::Type_t::f64:
      return Datatype::kFp64;
    default:
      return std::nullopt;  // computed wrongly, or not at all: engine.md 11
  }
}

vocabulary::Shape ShapeOf(const ov::PartialShape& partial) {
  vocabulary::Shape shape;
  for (const ov::Dimension& dimension : partial) {
    shape.push_back(dimension.is_static() ? dimension.get_length() : vocabulary::kAnyDimension);
  }
  return shape;
}

vocabulary::Shape ShapeOf(const ov::Shape& sizes) {
  vocabulary::Shape shape;
  for (const std::size_t size : sizes) shape.push_back(static_cast<std::int64_t>(size));
  return shape;
}

ov::Shape EngineShape(const vocabulary::Shape& shape) {
  ov::Shape out;
  for (const std::int64_t dimension : shape) out.push_back(static_cast<std::size_t>(dimension));
  return out;
}

std::optional<vocabulary::TensorSpec> SpecOf(const ov::Output<const ov::Node>& port,
                                             const std::string& name) {
  const auto datatype = DatatypeOf(port.get_element_type());
  if (!datatype || name.size() > kMaxPortNameBytes || port.get_partial_shape().rank().is_dynamic()) {
    return std::nullopt;
  }
  return vocabulary::TensorSpec{name, *datatype, ShapeOf(port.get_partial_shape())};
}

// Floats between -1 and 1, and integers that are 0 or 1, which every index allows. The same of the same seed.
base::Bytes Noise(const ov::element::Type& type, std::size_t elements, std::size_t seed) {
  std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
  std::uniform_real_distribution<float> floats(-1, 1);
  base::ByteWriter writer;
  for (std::size_t i = 0; i < elements; ++i) {
    if (type == ov::element::f32) {
      writer.U32(std::bit_cast<std::uint32_t>(floats(random)));
    } else if (type == ov::element::f16) {
      writer.U16(ov::float16(floats(random)).to_bits());
    } else if (type == ov::element::bf16) {
      writer.U16(ov::bfloat16(floats(random)).to_bits());
    } else {
      writer.U8(static_cast<std::uint8_t>(random() % 2)).Zeros(type.size() - 1);
    }
  }
  return std::move(writer).Take();
}

// ---- the built-in model

// y = Relu(MatMul(x, x)) in ONNX, x of 64 × 64: touches everything that is loaded or looked up on first use.
class Proto {
 public:
  Proto& Number(std::uint8_t field, std::uint8_t value) { return Key(field, 0).Byte(value); }
  Proto& Text(std::uint8_t field, std::string_view text) { return Bytes(field, base::AsBytes(text)); }
  Proto& Message(std::uint8_t field, const Proto& message) { return Bytes(field, message.writer_.view()); }
  base::Bytes Take() { return std::move(writer_).Take(); }

 private:
  Proto& Byte(std::uint8_t byte) {
    writer_.U8(byte);
    return *this;
  }
  Proto& Key(std::uint8_t field, std::uint8_t wire) {
    return Byte(static_cast<std::uint8_t>(field << 3 | wire));
  }
  Proto& Bytes(std::uint8_t field, base::ByteView bytes) {
    Key(field, 2);
    // Lengths of two digits to the base of 128 are enough here.
    Byte(static_cast<std::uint8_t>((bytes.size() & 0x7f) | 0x80))
        .Byte(static_cast<std::uint8_t>(bytes.size() >> 7));
    writer_.Append(bytes);
    return *this;
  }
  base::ByteWriter writer_;
};

base::Bytes BuiltInModel() {
  constexpr std::uint8_t kFloat = 1;
  const Proto dimension = Proto().Number(1, 64);
  const Proto shape = Proto().Message(1, dimension).Message(1, dimension);
  const Proto type = Proto().Message(1, Proto().Number(1, kFloat).Message(2, shape));
  const Proto product = Proto().Text(1, "x").Text(1, "x").Text(2, "p").Text(4, "MatMul");
  const Proto relu = Proto().Text(1, "p").Text(2, "y").Text(4, "Relu");
  const Proto graph = Proto()
                          .Message(1, product)
                          .Message(1, relu)
                          .Text(2, "g")
                          .Message(11, Proto().Text(1, "x").Message(2, type))
                          .Message(12, Proto().Text(1, "y").Message(2, type));
  return Proto().Number(1, 8).Message(7, graph).Message(8, Proto().Number(2, 17)).Take();
}

// ---- the engine

class OpenVinoEngine : public Engine {
 public:
  OpenVinoEngine(Precision precision, int threads) : runtime_(precision, threads) {}

  // Computes the built-in model with the final settings.
  bool Start() {
    WeightsMemory::AnswerFaults();  // or else weights stay with the engine, twice
    const auto model = runtime_.Convert(BuiltInModel());
    if (!model) return false;
    auto compiled = runtime_.Compile(model, kKeptKernels);
    auto request = compiled.create_infer_request();
    std::memset(request.get_input_tensor().data(), 0, request.get_input_tensor().get_byte_size());
    request.start_async();
    request.wait();
    return true;
  }

  Failure Load(Mapping file, bool measure_rows, LoadedMessage& loaded) override {
    return Guarded(Failure::kRejected, [&] {
      if (IsBundle(file.view())) return LoadBundle(std::move(file), loaded);
      const auto kept = std::make_shared<const Mapping>(std::move(file));
      auto model = runtime_.Convert(*kept, kept->view());
      if (!model) return Failure::kRejected;
      exact_ = ExactModel::Of(model);
      if (!exact_ && Needs64Bits(*model)) return Failure::kUnsupported;
      loaded.signature.exact = exact_ != nullptr;
      ports_ = model->inputs();
      const Failure described = Describe(*model, loaded);
      if (described != Failure::kNone) return described;
      if (exact_) {
        WarmUpExact();
        return Failure::kNone;
      }
      runtime_.PlaceWeights(*model, kept, kept->view());
      CompileAndWarmUp(model);
      if (measure_rows && HasRows(loaded.signature)) {
        const auto rows = ProveBatchingOnNoise();
        if (!rows) CompileAndWarmUp(model);
        loaded.max_rows = rows.value_or(1);
      }
      model.reset();
      Clean();
      GiveBack();
      return Failure::kNone;
    });
  }

  Failure Run(const RunMessage& run, base::ByteView inputs, std::span<std::uint8_t> outputs,
              RanMessage& ran) override {
    return Guarded(Failure::kRun, [&] {
      if (whisper_) return whisper_->Run(run, inputs, outputs, ran, cancelled_);
      const auto tensors = TensorsOf(run, inputs);
      if (!tensors) return Failure::kInternal;
      const auto begin = std::chrono::steady_clock::now();
      // One that has begun is never cut short: measured with 2026.4.1, nodes that a cut run has reached keep its
      // shapes, and later runs then give wrong logits or mix two lengths without an error.
      if (cancelled_ == run.run) return Failure::kCancelled;
      ov::TensorVector results = Compute(*tensors);
      const auto took = std::chrono::steady_clock::now() - begin;
      ran.compute_us =
          static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
      const bool fit = CopyOutputs(results, run.outputs, outputs, ran);
      for (ov::Tensor& result : results) base::Wipe(result.data(), result.get_byte_size());
      return fit ? Failure::kNone : Failure::kOutputsTooLarge;
    });
  }

  void Cancel(std::uint64_t run) override { cancelled_ = run; }

  void Clean() override {
    Guarded(Failure::kInternal, [&] {
      if (whisper_) {
        whisper_->Clean();
      } else if (!exact_) {
        compiled_.release_memory();
      }
      runtime_.GiveBackWeights();
      return Failure::kNone;
    });
  }

  void GiveBack() override { ReturnFreedMemory(); }

 private:
  Failure LoadBundle(Mapping file, LoadedMessage& loaded) {
    whisper_ = OpenVinoWhisper::Load(runtime_, std::move(file), loaded.signature);
    if (!whisper_) return Failure::kUnsupported;
    Clean();
    GiveBack();
    return Failure::kNone;
  }

  // The names as the file has them: an output may be known by several where operators that do nothing were
  // removed.
  static std::string OutputName(const ov::Output<const ov::Node>& port) {
    constexpr std::string_view kSuffix = "/sink_port_0";
    std::string name = port.get_node()->get_friendly_name();
    if (name.ends_with(kSuffix)) name.resize(name.size() - kSuffix.size());
    return name;
  }

  static Failure Describe(const ov::Model& model, LoadedMessage& loaded) {
    if (model.inputs().size() > kMaxPorts || model.outputs().size() > kMaxPorts) return Failure::kUnsupported;
    for (const auto& port : model.inputs()) {
      auto spec = SpecOf(port, port.get_node()->get_friendly_name());
      if (!spec) return Failure::kUnsupported;
      loaded.signature.inputs.push_back(std::move(*spec));
    }
    for (const auto& port : model.outputs()) {
      auto spec = SpecOf(port, OutputName(port));
      if (!spec) return Failure::kUnsupported;
      loaded.signature.outputs.push_back(std::move(*spec));
    }
    return Failure::kNone;
  }

  void CompileAndWarmUp(const std::shared_ptr<ov::Model>& model) {
    compiled_ = runtime_.Compile(model, kKeptKernels);
    request_ = compiled_.create_infer_request();
    if (WarmUp()) return;
    compiled_ = runtime_.Compile(model, /*kept_kernels=*/0);
    request_ = compiled_.create_infer_request();
  }

  // One run on zeros, so that the first request does not pay for what is made on first use, and a model that
  // crashes or never ends does so before it is published. Dimensions that vary get one small size after
  // another until the model takes them; a model that wants others is still a good model.
  //
  // Of samples of sound it is 5 s, the shortest window of a long recording: measured with wav2vec2-base in f32, kernels
  // for up to 4 s want some weights in another order, which then stay beside the usual ones (126 MiB). The answers are
  // the same bits.
  //
  // The first run also decides whether kernels may be kept by shape: measured with 2026.4.1, a speech model
  // whose first run has one frame gives other logits (f32) or NaN (bf16) for every longer input after it, and
  // right ones after any other first run. False: no such other run was found, so nothing may be kept.
  bool WarmUp() {
    for (const std::size_t size : {16, 80'000, 16'000, 400, 1}) {
      const auto zeros = Zeros(size);
      if (!zeros) continue;
      const Failure failure = Guarded(Failure::kRun, [&] {
        Compute(*zeros);
        return Failure::kNone;
      });
      if (failure == Failure::kNone) return OutputsVary();
    }
    return false;
  }

  // The same for a model that is computed exactly, which keeps nothing.
  void WarmUpExact() {
    for (const std::size_t size : {16, 1}) {
      const auto zeros = Zeros(size);
      const auto run = [&] {
        Compute(*zeros);
        return Failure::kNone;
      };
      if (zeros && Guarded(Failure::kRun, run) == Failure::kNone) return;
    }
  }

  // Inputs whose varying dimensions are `size`, the batch excepted; nothing when they would be large.
  std::optional<std::vector<ov::Tensor>> Zeros(std::size_t size) const {
    constexpr std::size_t kMostElements = std::size_t{1} << 20;
    std::vector<ov::Tensor> zeros;
    for (const auto& port : ports_) {
      const ov::PartialShape& partial = port.get_partial_shape();
      ov::Shape shape;
      for (const ov::Dimension& dimension : partial) {
        const std::size_t wanted = IsBatch(partial, shape.size()) ? 1 : size;
        shape.push_back(dimension.is_static() ? static_cast<std::size_t>(dimension.get_length()) : wanted);
      }
      if (size > 1 && partial.is_dynamic() && ov::shape_size(shape) > kMostElements) return std::nullopt;
      zeros.emplace_back(port.get_element_type(), shape);
      std::memset(zeros.back().data(), 0, zeros.back().get_byte_size());
    }
    return zeros;
  }

  // Nothing: a run broke off, and left shapes in the engine with which later runs may answer wrongly.
  std::optional<std::uint16_t> ProveBatchingOnNoise() {
    std::vector<std::vector<base::Bytes>> noise;  // [port][row]
    for (const auto& port : ports_) {
      const std::size_t elements = ov::shape_size(ShapeOfRows(port, 1));
      std::vector<base::Bytes>& rows = noise.emplace_back();
      for (std::size_t row = 0; row < kMostRows; ++row)
        rows.push_back(Noise(port.get_element_type(), elements, noise.size() * kMostRows + row));
    }
    bool broke_off = false;
    const std::uint16_t max_rows = ProveBatching([&](std::span<const std::size_t> rows) {
      std::optional<RowsRun> ran;
      const Failure failure = Guarded(Failure::kRun, [&] {
        ran = RunRowsOf(noise, rows);
        return Failure::kNone;
      });
      broke_off = broke_off || failure != Failure::kNone;
      return ran;
    });
    if (broke_off) return std::nullopt;
    return max_rows;
  }

  static ov::Shape ShapeOfRows(const ov::Output<ov::Node>& port, std::size_t rows) {
    ov::PartialShape shape = port.get_partial_shape();
    shape[0] = static_cast<std::int64_t>(rows);
    return shape.to_shape();
  }

  std::optional<RowsRun> RunRowsOf(const std::vector<std::vector<base::Bytes>>& inputs,
                                   std::span<const std::size_t> rows) {
    ov::TensorVector tensors;
    for (std::size_t port = 0; port < ports_.size(); ++port) {
      tensors.emplace_back(ports_[port].get_element_type(), ShapeOfRows(ports_[port], rows.size()));
      auto* at = static_cast<std::uint8_t*>(tensors.back().data());
      for (const std::size_t row : rows) at = std::ranges::copy(inputs[port][row], at).out;
    }
    const auto begin = std::chrono::steady_clock::now();
    const ov::TensorVector results = Compute(tensors);
    RowsRun ran{.outputs = {}, .took = std::chrono::steady_clock::now() - begin};
    for (const ov::Tensor& result : results) {
      if (result.get_shape().at(0) != rows.size()) return std::nullopt;
      const std::size_t size = result.get_byte_size() / rows.size();
      const auto* at = static_cast<const std::uint8_t*>(result.data());
      for (std::size_t row = 0; row < rows.size(); ++row, at += size) ran.outputs.emplace_back(at, at + size);
    }
    return ran;
  }

  // Whether the last run had more than one element in every output dimension that varies, the batch excepted.
  bool OutputsVary() {
    for (std::size_t i = 0; i < compiled_.outputs().size(); ++i) {
      const ov::PartialShape partial = compiled_.outputs()[i].get_partial_shape();
      const ov::Shape shape = request_.get_output_tensor(i).get_shape();
      for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        const bool varies =
            partial[static_cast<std::ptrdiff_t>(axis)].is_dynamic() && !IsBatch(partial, axis);
        if (varies && shape[axis] < 2) return false;
      }
    }
    return true;
  }

  static bool IsBatch(const ov::PartialShape& partial, std::size_t axis) {
    return axis == 0 && partial.size() > 1;
  }

  // Tensors over the region itself, by port: the engine keeps no copy of them. Nothing: the message and the region
  // disagree.
  std::optional<ov::TensorVector> TensorsOf(const RunMessage& run, base::ByteView region) const {
    if (run.inputs.size() != ports_.size()) return std::nullopt;
    ov::TensorVector tensors(ports_.size());
    for (const PlacedTensor& input : run.inputs) {
      if (input.port >= ports_.size() || tensors[input.port] || input.bytes > region.size() ||
          input.offset > region.size() - input.bytes) {
        return std::nullopt;
      }
      const ov::element::Type type = ports_[input.port].get_element_type();
      const auto elements = vocabulary::ElementCount(input.shape);
      if (!elements.ok() || *elements * type.size() != input.bytes) return std::nullopt;
      void* const at = const_cast<std::uint8_t*>(region.data() + input.offset);
      tensors[input.port] = ov::Tensor(type, EngineShape(input.shape), at);
    }
    return tensors;
  }

  ov::TensorVector Compute(const ov::TensorVector& inputs) {
    if (exact_) return exact_->Run(inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) request_.set_input_tensor(i, inputs[i]);
    request_.start_async();
    request_.wait();
    ov::TensorVector results;
    for (std::size_t i = 0; i < compiled_.outputs().size(); ++i)
      results.push_back(request_.get_output_tensor(i));
    return results;
  }

  static bool CopyOutputs(const ov::TensorVector& results, const std::vector<std::uint16_t>& wanted,
                          std::span<std::uint8_t> region, RanMessage& ran) {
    OutputWriter writer(region, ran);
    for (const std::uint16_t port : wanted) {
      if (port >= results.size()) return false;
      const ov::Tensor& tensor = results[port];
      if (!writer.Write(port, ShapeOf(tensor.get_shape()), tensor.data(), tensor.get_byte_size()))
        return false;
    }
    return true;
  }

  OpenVinoRuntime runtime_;
  std::unique_ptr<OpenVinoWhisper> whisper_;  // or else the rest
  std::vector<ov::Output<ov::Node>> ports_;   // the model's inputs
  std::unique_ptr<ExactModel> exact_;         // or else the two below
  ov::CompiledModel compiled_;
  ov::InferRequest request_;

  std::atomic<std::uint64_t> cancelled_ = 0;  // the last that was
};

}  // namespace

std::unique_ptr<Engine> StartOpenVino(Precision precision, int threads) {
  std::unique_ptr<OpenVinoEngine> engine;
  const Failure failure = Guarded(Failure::kInternal, [&] {
    engine = std::make_unique<OpenVinoEngine>(precision, threads);
    return engine->Start() ? Failure::kNone : Failure::kInternal;
  });
  if (failure != Failure::kNone) return nullptr;
  return engine;
}

}  // namespace blindai::model
