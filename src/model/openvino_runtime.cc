#include "model/openvino_runtime.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <span>
#include <streambuf>
#include <string_view>
#include <utility>

#include "model/freed_memory.h"
#include "model/inspect_onnx.h"
#include "model/onnx_reader.h"

#include <openvino/opsets/opset13.hpp>

namespace blindai::model {
namespace {

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

using Constant = ov::op::v0::Constant;

// Weights of the model in f32 of at least this many elements.
std::vector<std::shared_ptr<Constant>> WeightsOf(const ov::Model& model, std::size_t smallest) {
  std::vector<std::shared_ptr<Constant>> weights;
  for (const auto& node : model.get_ops()) {
    auto weight = ov::as_type_ptr<Constant>(node);
    if (weight && weight->get_element_type() == ov::element::f32 &&
        ov::shape_size(weight->get_shape()) >= smallest) {
      weights.push_back(std::move(weight));
    }
  }
  return weights;
}

// What lies in `tensor` takes the place of the weight, and is kept where it lies.
//
// The plugin keeps each weight twice: as it was and packed in bf16. A weight that is bf16 with a conversion
// marked "decompression" is kept small. The numbers differ from plain bf16's no more than those from f32's
// (engine.md 7).
void Replace(const std::shared_ptr<Constant>& weight, const ov::Tensor& tensor) {
  const auto targets = weight->output(0).get_target_inputs();
  std::shared_ptr<ov::Node> instead = std::make_shared<Constant>(tensor);
  instead->set_friendly_name(weight->get_friendly_name());
  if (tensor.get_element_type() == ov::element::bf16) {
    instead = std::make_shared<ov::op::v0::Convert>(instead, ov::element::f32);
    instead->get_rt_info()["decompression_0"] = true;
  }
  for (auto target : targets) target.replace_source_output(instead);
}

// WeightsMemory::Make of a weight in bf16 from one in f32, which may begin at any byte.
void Round(base::ByteView source, std::size_t begin, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size(); i += sizeof(ov::bfloat16)) {
    float value = 0;
    std::memcpy(&value, source.data() + (begin + i) / sizeof(ov::bfloat16) * sizeof value, sizeof value);
    const ov::bfloat16 rounded(value);
    std::memcpy(out.data() + i, &rounded, sizeof rounded);
  }
}

void ShrinkWeights(const ov::Model& model) {
  constexpr std::size_t kSmallestWeight = 1'000;
  for (const auto& weight : WeightsOf(model, kSmallestWeight)) {
    ov::Tensor small(ov::element::bf16, weight->get_shape());
    Round({static_cast<const std::uint8_t*>(weight->get_data_ptr()), weight->get_byte_size()}, 0,
          {static_cast<std::uint8_t*>(small.data()), small.get_byte_size()});
    Replace(weight, small);
  }
}

// Where tensors of this size or larger have their raw data, by size. The file has passed the gate, so this reads it
// without an error; of one that it does not understand, nothing is found.
std::multimap<std::size_t, base::ByteView> RawData(base::ByteView file, std::size_t smallest) {
  std::multimap<std::size_t, base::ByteView> found;
  InspectLimits limits;
  limits.allow_control_flow = true;
  onnx::Reader reader(limits);
  if (!reader.Feed(file).ok() || !reader.End().ok()) return found;
  const auto add = [&](const onnx::TensorFacts& tensor) {
    if (tensor.raw_bytes < smallest) return;
    found.emplace(tensor.raw_bytes, file.subspan(tensor.raw_offset, tensor.raw_bytes));
  };
  for (const onnx::GraphFacts& graph : reader.facts().graphs) {
    std::ranges::for_each(graph.initializers, add);
    for (const onnx::NodeFacts& node : graph.nodes) {
      for (const onnx::AttributeFacts& attribute : node.attributes)
        if (attribute.tensor) add(*attribute.tensor);
    }
  }
  return found;
}

}  // namespace

OpenVinoRuntime::OpenVinoRuntime(Precision precision, int threads)
    : precision_(precision),
      settings_{
          ov::hint::inference_precision(precision == Precision::kBf16 ? ov::element::bf16 : ov::element::f32),
          ov::inference_num_threads(threads), ov::num_streams(1),
          // Else every worker computes on the same first core.
          ov::hint::enable_cpu_pinning(false), ov::hint::dynamic_quantization_group_size(0),
          ov::hint::kv_cache_precision(ov::element::f16)},
      onnx_(front_ends_.load_by_framework("onnx")) {}

std::shared_ptr<ov::Model> OpenVinoRuntime::Convert(base::ByteView file) { return Convert(Mapping(), file); }

std::shared_ptr<ov::Model> OpenVinoRuntime::Convert(const Mapping& file, base::ByteView part) {
  MemoryStream memory(part);
  std::istream stream(&memory);
  std::istream* const in = &stream;
  if (!onnx_->supported(in)) return nullptr;
  auto read = onnx_->load(in);
  file.LetGo();
  auto model = onnx_->convert(read);
  // What was read holds every weight once more.
  read.reset();
  ReturnFreedMemory();
  const std::size_t ends = model->get_parameters().size() + model->get_results().size();
  if (model->outputs().empty() || model->get_ops().size() <= ends) return nullptr;
  return model;
}

ov::CompiledModel OpenVinoRuntime::Compile(const std::shared_ptr<ov::Model>& model, int kept_kernels) {
  ov::AnyMap settings = settings_;
  settings["CPU_RUNTIME_CACHE_CAPACITY"] = std::to_string(kept_kernels);
  auto compiled = core_.compile_model(model, "CPU", settings);
  GiveBackWeights();
  return compiled;
}

void OpenVinoRuntime::PlaceWeights(ov::Model& model, std::shared_ptr<const Mapping> file,
                                   base::ByteView part) {
  // Smaller ones are not worth a block, and some are read in every run.
  constexpr std::size_t kSmallestBytes = std::size_t{256} << 10;
  const bool small = precision_ == Precision::kBf16;
  std::vector<std::shared_ptr<Constant>> moved;
  std::vector<WeightsMemory::Weight> places;
  {
    const auto raw = RawData(part, kSmallestBytes);
    for (auto& weight : WeightsOf(model, kSmallestBytes / sizeof(float))) {
      const std::size_t bytes = weight->get_byte_size();
      // By what it holds, not by its name: then it is right whatever the front end did.
      const auto [begin, end] = raw.equal_range(bytes);
      const auto same = std::find_if(begin, end, [&](const auto& data) {
        return std::memcmp(data.second.data(), weight->get_data_ptr(), bytes) == 0;
      });
      if (same == end) continue;
      moved.push_back(std::move(weight));
      if (small) {
        places.push_back({same->second, bytes / 2, Round});
      } else {
        places.push_back({same->second, bytes});
      }
    }
  }
  file->LetGo();
  auto memory = moved.empty() ? nullptr : WeightsMemory::Reserve(file, std::move(places));
  if (memory) {
    for (std::size_t i = 0; i < moved.size(); ++i) {
      Replace(moved[i],
              ov::Tensor(small ? ov::element::bf16 : ov::element::f32, moved[i]->get_shape(), memory->at(i)));
    }
    weights_.push_back(std::move(memory));
  }
  moved.clear();
  if (small) ShrinkWeights(model);
  ReturnFreedMemory();
}

void OpenVinoRuntime::GiveBackWeights() {
  for (const auto& memory : weights_) memory->GiveBack();
}

Failure FailureOf(const std::exception& error, Failure otherwise) {
  const std::string_view text = error.what();
  for (const std::string_view sign : {"bad_alloc", "allocate", "out of memory", "memory allocation"}) {
    if (text.find(sign) != std::string_view::npos) return Failure::kMemory;
  }
  return otherwise;
}

bool OutputWriter::Write(std::uint16_t port, vocabulary::Shape shape, const void* data, std::uint64_t bytes) {
  if (used_ > region_.size() || bytes > region_.size() - used_) return false;
  if (bytes > 0) std::memcpy(region_.data() + used_, data, bytes);
  ran_.outputs.push_back({port, std::move(shape), used_, bytes});
  used_ += (bytes + kPlacement - 1) / kPlacement * kPlacement;
  return true;
}

}  // namespace blindai::model
