// OpenVINO behind model/engine.h, used the way it was measured: ONNX front end by name only, own stream over
// the mapped file, precision and threads always said, no pinning, bounded caches of kernels.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_writer.h"
#include "base/secret.h"
#include "model/engine.h"
#include "model/freed_memory.h"
#include "model/openvino_exact.h"

#include <openvino/frontend/manager.hpp>
#include <openvino/openvino.hpp>
#include <openvino/opsets/opset13.hpp>

namespace blindai::model {
namespace {

using vocabulary::Datatype;

// Kernels kept for shapes that were seen. Without a bound, memory grows with every new length, which a client can
// do on purpose (engine.md 7); without any, a change of shape costs up to a quarter of a run.
constexpr int kKeptKernels = 100;

// ---- the file

// A stream over memory that somebody else keeps. It can be rewound, which spares the front end a copy.
class MemoryStream : public std::streambuf {
 public:
  explicit MemoryStream(base::ByteView bytes) {
    char* begin = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
    setg(begin, begin, begin + bytes.size());
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir direction,
                   std::ios_base::openmode which) override {
    const off_type size = egptr() - eback();
    const off_type from = direction == std::ios_base::beg   ? 0
                          : direction == std::ios_base::cur ? gptr() - eback()
                                                            : size;
    const off_type to = from + offset;
    if ((which & std::ios_base::in) == 0 || to < 0 || to > size) return pos_type(off_type(-1));
    setg(eback(), eback() + to, egptr());
    return pos_type(to);
  }
  pos_type seekpos(pos_type position, std::ios_base::openmode which) override {
    return seekoff(off_type(position), std::ios_base::beg, which);
  }
  std::streamsize xsgetn(char* to, std::streamsize count) override {
    const std::streamsize taken = std::min<std::streamsize>(count, egptr() - gptr());
    std::memcpy(to, gptr(), static_cast<std::size_t>(taken));
    setg(eback(), gptr() + taken, egptr());
    return taken;
  }
};

// Never Core::read_model: it accepts other formats too. Null: not an ONNX model, or an empty one.
std::shared_ptr<ov::Model> Convert(ov::frontend::FrontEnd& onnx, base::ByteView file) {
  MemoryStream memory(file);
  std::istream stream(&memory);
  std::istream* const in = &stream;
  if (!onnx.supported(in)) return nullptr;
  auto model = onnx.convert(onnx.load(in));
  const std::size_t ends = model->get_parameters().size() + model->get_results().size();
  if (model->outputs().empty() || model->get_ops().size() <= ends) return nullptr;
  return model;
}

// The plugin keeps each weight twice: as it was and packed in bf16. A weight that is bf16 with a conversion
// marked "decompression" is kept small. The numbers differ from plain bf16's no more than those from f32's
// (engine.md 7).
void ShrinkWeights(ov::Model& model) {
  constexpr std::size_t kSmallestWeight = 1'000;
  for (const auto& node : model.get_ops()) {
    const auto weight = ov::as_type_ptr<ov::op::v0::Constant>(node);
    if (!weight || weight->get_element_type() != ov::element::f32 ||
        ov::shape_size(weight->get_shape()) < kSmallestWeight) {
      continue;
    }
    const auto targets = weight->output(0).get_target_inputs();
    const float* from = weight->get_data_ptr<float>();
    ov::Tensor small(ov::element::bf16, weight->get_shape());
    std::transform(from, from + small.get_size(), small.data<ov::bfloat16>(),
                   [](float value) { return ov::bfloat16(value); });
    const auto constant = std::make_shared<ov::op::v0::Constant>(small);
    constant->set_friendly_name(weight->get_friendly_name());
    const auto back = std::make_shared<ov::op::v0::Convert>(constant, ov::element::f32);
    back->get_rt_info()["decompression_0"] = true;
    for (auto target : targets) target.replace_source_output(back);
  }
}

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

// ---- errors

// The engine's exceptions know no kinds, so a failed allocation is seen by its words, which stay here.
Failure FailureOf(const std::exception& error, Failure otherwise) {
  const std::string_view text = error.what();
  for (const std::string_view sign : {"bad_alloc", "allocate", "out of memory", "memory allocation"}) {
    if (text.find(sign) != std::string_view::npos) return Failure::kMemory;
  }
  return otherwise;
}

template <typename Work>
Failure Guarded(Failure otherwise, Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Failure::kMemory;
  } catch (const std::exception& error) {
    return FailureOf(error, otherwise);
  } catch (...) {
    return otherwise;
  }
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
  OpenVinoEngine(Precision precision, int threads)
      : precision_(precision),
        settings_{ov::hint::inference_precision(precision == Precision::kBf16 ? ov::element::bf16
                                                                              : ov::element::f32),
                  ov::inference_num_threads(threads), ov::num_streams(1),
                  // Else every worker computes on the same first core.
                  ov::hint::enable_cpu_pinning(false), ov::hint::dynamic_quantization_group_size(0),
                  ov::hint::kv_cache_precision(ov::element::f16)},
        onnx_(front_ends_.load_by_framework("onnx")) {}

  // Computes the built-in model with the final settings.
  bool Start() {
    const auto model = Convert(*onnx_, BuiltInModel());
    if (!model) return false;
    auto compiled = Compile(model, kKeptKernels);
    auto request = compiled.create_infer_request();
    std::memset(request.get_input_tensor().data(), 0, request.get_input_tensor().get_byte_size());
    request.start_async();
    request.wait();
    return true;
  }

  Failure Load(Mapping file, LoadedMessage& loaded) override {
    return Guarded(Failure::kRejected, [&] {
      auto model = Convert(*onnx_, file.view());
      file = Mapping();
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
      if (precision_ == Precision::kBf16) ShrinkWeights(*model);
      compiled_ = Compile(model, kKeptKernels);
      request_ = compiled_.create_infer_request();
      if (!WarmUp()) {
        compiled_ = Compile(model, /*kept_kernels=*/0);
        request_ = compiled_.create_infer_request();
      }
      model.reset();
      compiled_.release_memory();
      ReturnFreedMemory();
      return Failure::kNone;
    });
  }

  Failure Run(const RunMessage& run, base::ByteView inputs, std::span<std::uint8_t> outputs,
              RanMessage& ran) override {
    return Guarded(Failure::kRun, [&] {
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
      if (!exact_) compiled_.release_memory();
      return Failure::kNone;
    });
  }

  void GiveBack() override { ReturnFreedMemory(); }

 private:
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

  ov::CompiledModel Compile(const std::shared_ptr<ov::Model>& model, int kept_kernels) {
    ov::AnyMap settings = settings_;
    settings["CPU_RUNTIME_CACHE_CAPACITY"] = std::to_string(kept_kernels);
    return core_.compile_model(model, "CPU", settings);
  }

  // One run on zeros, so that the first request does not pay for what is made on first use, and a model that
  // crashes or never ends does so before it is published. Dimensions that vary get one small size after
  // another until the model takes them; a model that wants others is still a good model.
  //
  // The first run also decides whether kernels may be kept by shape: measured with 2026.4.1, a speech model
  // whose first run has one frame gives other logits (f32) or NaN (bf16) for every longer input after it, and
  // right ones after any other first run. False: no such other run was found, so nothing may be kept.
  bool WarmUp() {
    for (const std::size_t size : {16, 16'000, 400, 1}) {
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
    std::uint64_t used = 0;
    for (const std::uint16_t port : wanted) {
      if (port >= results.size()) return false;
      const ov::Tensor& tensor = results[port];
      const std::uint64_t bytes = tensor.get_byte_size();
      if (used > region.size() || bytes > region.size() - used) return false;
      if (bytes > 0) std::memcpy(region.data() + used, tensor.data(), bytes);
      vocabulary::Shape shape;
      for (const std::size_t dimension : tensor.get_shape())
        shape.push_back(static_cast<std::int64_t>(dimension));
      ran.outputs.push_back({port, std::move(shape), used, bytes});
      used += (bytes + kPlacement - 1) / kPlacement * kPlacement;
    }
    return true;
  }

  const Precision precision_;
  const ov::AnyMap settings_;
  ov::Core core_;
  ov::frontend::FrontEndManager front_ends_;
  const ov::frontend::FrontEnd::Ptr onnx_;
  std::vector<ov::Output<ov::Node>> ports_;  // the model's inputs
  std::unique_ptr<ExactModel> exact_;        // or else the two below
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
