// Results of operators that compute: products, convolutions, pooling, recurrence; and what their weights must be, since
// the engine trusts them. Internal to the gate.
#pragma once

#include "base/result.h"
#include "model/onnx_shape_context.h"

namespace blindai::model::onnx {

base::Status InferMatMul(const Context& at);
base::Status InferGemm(const Context& at);
base::Status InferConv(const Context& at);
base::Status InferConvTranspose(const Context& at);
base::Status InferPool(const Context& at);
base::Status InferGlobalPool(const Context& at);
base::Status InferRecurrent(const Context& at);

}  // namespace blindai::model::onnx
