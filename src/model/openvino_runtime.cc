#include "model/openvino_runtime.h"

#include <algorithm>
#include <cstring>
#include <streambuf>
#include <string_view>
#include <utility>

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

std::shared_ptr<ov::Model> OpenVinoRuntime::Convert(base::ByteView file) {
  MemoryStream memory(file);
  std::istream stream(&memory);
  std::istream* const in = &stream;
  if (!onnx_->supported(in)) return nullptr;
  auto model = onnx_->convert(onnx_->load(in));
  const std::size_t ends = model->get_parameters().size() + model->get_results().size();
  if (model->outputs().empty() || model->get_ops().size() <= ends) return nullptr;
  return model;
}

ov::CompiledModel OpenVinoRuntime::Compile(const std::shared_ptr<ov::Model>& model, int kept_kernels) {
  ov::AnyMap settings = settings_;
  settings["CPU_RUNTIME_CACHE_CAPACITY"] = std::to_string(kept_kernels);
  return core_.compile_model(model, "CPU", settings);
}

void OpenVinoRuntime::Shrink(ov::Model& model) const {
  if (precision_ == Precision::kBf16) ShrinkWeights(model);
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
