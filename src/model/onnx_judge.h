// Judges an ONNX model whose file has been read: header, signature, names, order, operators with their inputs
// and attributes, sizes. One pass over the nodes in their order; subgraphs where they are used. Internal to
// the gate.
#pragma once

#include "base/result.h"
#include "model/inspect_onnx.h"
#include "model/onnx_facts.h"

namespace blindai::model::onnx {

base::Result<OnnxSummary> JudgeModel(const ModelFacts& facts, const InspectLimits& limits);

}  // namespace blindai::model::onnx
