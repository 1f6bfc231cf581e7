// The gate: every uploaded model passes here before an engine sees one byte of it. An inference engine is
// code that trusts its model: measured, ours reads files and memory of its own process that a model names,
// and crashes on graphs that no exporter writes. So the gate understands the whole file with a walker of its
// own, refuses what it does not know, and lets through only models made of operators that the engine runs,
// with the inputs their definition asks for. It contains no ONNX, protobuf or engine library and trusts
// nothing in the file. What it cannot see, the worker's cage makes harmless.
//
// The file is fed as it arrives and never kept: weights are counted and skipped, facts about the graph are
// held within a fixed budget (kMaxKeptBytes). What can be known early (external data, an operator that the
// engine does not run, a size over its limit) is said early, so an upload can be refused before it ends. The
// rest is said by Finish(). Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3; rules, codes and
// remedies: docs/formats/models.md.
//
//   OnnxInspector inspector;
//   for (chunk : body) BLINDAI_RETURN_IF_ERROR(inspector.Feed(chunk));
//   BLINDAI_TRY(const OnnxSummary summary, inspector.Finish());
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vocabulary/tensor.h"

namespace blindai::model {

// Memory that one inspector holds at most, whatever the model's size.
inline constexpr std::size_t kMaxKeptBytes = std::size_t{32} << 20;

struct InspectLimits {
  // The whole file. ONNX itself cannot be larger than 2 GiB without external data.
  std::uint64_t max_bytes = std::uint64_t{2} << 30;
  // Nodes of all graphs together: the engine's compile time grows with the square of their number.
  std::uint64_t max_nodes = 5'000;
  // Initializers of all graphs together.
  std::uint64_t max_initializers = 10'000;
  // Inputs of the model, and outputs of the model.
  std::size_t max_inputs = 64;
  std::size_t max_outputs = 64;
  // Inputs or outputs of one node, and its attributes.
  std::size_t max_node_values = 64;
  // Subgraphs within subgraphs, of any kind: the engine's compile time doubles with each level.
  std::size_t max_subgraph_depth = 8;
  // If, Loop and Scan. Off by default: an engine that is inside a Loop cannot be cancelled, only killed.
  bool allow_control_flow = false;
  // With control flow allowed: how deep If, Loop and Scan may nest, and the largest (constant) trip count of
  // a Loop.
  std::size_t max_control_flow_depth = 4;
  std::int64_t max_trip_count = 100'000;
  // One tensor whose shape the file alone decides: a weight, or the result of a node with a known shape.
  std::uint64_t max_tensor_bytes = std::uint64_t{1} << 30;
  // Weights, and everything that follows from them alone, together: the engine computes it when it compiles.
  std::uint64_t max_constant_bytes = std::uint64_t{4} << 30;
};

// What a model says about itself once it has passed. Names of producers and documentation are not kept.
struct OnnxSummary {
  // The signature as declared, initializers left out; kAnyDimension where a dimension has a name or no value.
  std::vector<vocabulary::TensorSpec> inputs;
  std::vector<vocabulary::TensorSpec> outputs;
  std::int64_t ir_version = 0;
  std::int64_t opset = 0;        // of the default domain, the only one whose operators may be used
  std::uint64_t nodes = 0;       // of all graphs together
  std::uint64_t parameters = 0;  // elements of initializers and constants
  std::uint64_t bytes = 0;       // of the file
  bool control_flow = false;     // has If, Loop or Scan
};

class OnnxInspector {
 public:
  explicit OnnxInspector(InspectLimits limits = {});
  ~OnnxInspector();
  OnnxInspector(OnnxInspector&&) noexcept;
  OnnxInspector& operator=(OnnxInspector&&) noexcept;

  // The next bytes of the file, in chunks of any size. An error is final: Feed and Finish repeat it from then
  // on. Messages name operators and tensors in a bounded form of letters, digits and "_./:-" only.
  base::Status Feed(base::ByteView chunk);

  // Says that the file has ended, and judges the graph. Call once, or again after an error.
  base::Result<OnnxSummary> Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The same for a file that is in memory already.
base::Result<OnnxSummary> InspectOnnx(base::ByteView file, InspectLimits limits = {});

}  // namespace blindai::model
