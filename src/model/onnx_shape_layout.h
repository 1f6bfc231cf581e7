// Results of operators that move, select, join, repeat or count elements, and of the arithmetic that exporters do on
// shapes. Small constants are followed through them, because pads and shapes are made this way. Internal to the gate.
#pragma once

#include "base/result.h"
#include "model/onnx_shape_context.h"

namespace blindai::model::onnx {

base::Status InferIdentity(const Context& at);
base::Status InferCast(const Context& at);
base::Status InferArithmetic(const Context& at);
base::Status InferWhere(const Context& at);
base::Status InferConstant(const Context& at);
base::Status InferConstantOfShape(const Context& at);
base::Status InferShape(const Context& at);
base::Status InferSize(const Context& at);
base::Status InferConcat(const Context& at);
base::Status InferTranspose(const Context& at);
base::Status InferReshape(const Context& at);
base::Status InferFlatten(const Context& at);
base::Status InferUnsqueeze(const Context& at);
base::Status InferSqueeze(const Context& at);
base::Status InferGather(const Context& at);
base::Status InferGatherElements(const Context& at);
base::Status InferSlice(const Context& at);
base::Status InferExpand(const Context& at);
base::Status InferTile(const Context& at);
base::Status InferRange(const Context& at);
base::Status InferPad(const Context& at);
base::Status InferOneHot(const Context& at);
base::Status InferResize(const Context& at);
base::Status InferReduce(const Context& at);
base::Status InferTopK(const Context& at);
base::Status InferSplit(const Context& at);
base::Status InferNonZero(const Context& at);

}  // namespace blindai::model::onnx
