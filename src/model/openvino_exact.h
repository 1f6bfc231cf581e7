// Models that are computed in the 64 bits that they ask for. OpenVINO's CPU kernels compute FP64 in 32-bit floats and
// cut 64-bit integers to 32 bits without a word. Its core library has reference implementations that do neither; they
// are slow and plain, and with shapes that are not fixed beforehand some of them write beyond their results (measured
// with 2026.4.1: DepthToSpace). So they compute a model only where it has 64-bit values and every operator is one
// of a short list that was compared with NumPy (tests/python/test_exact.py), and its shapes are fixed before each run.
//
// onnx_exact.h is the gate's side of the same rule; this side decides, because it sees what the front end made.
#pragma once

#include <memory>
#include <vector>

#include <openvino/openvino.hpp>

namespace blindai::model {

class ExactModel {
 public:
  // Null where the model has no 64-bit values or does more than the list. It is changed only where it is taken.
  static std::unique_ptr<ExactModel> Of(const std::shared_ptr<ov::Model>& model);

  // Computes once. Throws what the engine throws: shapes that do not go together, memory that is not there.
  ov::TensorVector Run(const ov::TensorVector& inputs);

 private:
  explicit ExactModel(std::shared_ptr<ov::Model> model) : model_(std::move(model)) {}

  std::shared_ptr<ov::Model> model_;
};

// Whether the CPU's kernels would compute the model wrongly: FP64, UINT64, or a constant beyond 32 bits.
bool Needs64Bits(const ov::Model& model);

}  // namespace blindai::model
