#include "model/inspect_onnx.h"

#include <optional>
#include <utility>

#include "model/onnx_judge.h"
#include "model/onnx_reader.h"

namespace blindai::model {

class OnnxInspector::Impl {
 public:
  explicit Impl(const InspectLimits& limits) : limits_(limits), reader_(limits) {}

  base::Status Feed(base::ByteView chunk) {
    if (error_) return *error_;
    return Remember(reader_.Feed(chunk));
  }

  base::Result<OnnxSummary> Finish() {
    if (error_) return *error_;
    BLINDAI_RETURN_IF_ERROR(Remember(reader_.End()));
    return Remember(onnx::JudgeModel(reader_.facts(), limits_));
  }

 private:
  template <typename T>
  base::Result<T> Remember(base::Result<T> result) {
    if (!result.ok()) error_ = result.error();
    return result;
  }

  InspectLimits limits_;
  onnx::Reader reader_;
  std::optional<base::Error> error_;
};

OnnxInspector::OnnxInspector(InspectLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
OnnxInspector::~OnnxInspector() = default;
OnnxInspector::OnnxInspector(OnnxInspector&&) noexcept = default;
OnnxInspector& OnnxInspector::operator=(OnnxInspector&&) noexcept = default;

base::Status OnnxInspector::Feed(base::ByteView chunk) { return impl_->Feed(chunk); }
base::Result<OnnxSummary> OnnxInspector::Finish() { return impl_->Finish(); }

base::Result<OnnxSummary> InspectOnnx(base::ByteView file, InspectLimits limits) {
  OnnxInspector inspector(limits);
  BLINDAI_RETURN_IF_ERROR(inspector.Feed(file));
  return inspector.Finish();
}

}  // namespace blindai::model
