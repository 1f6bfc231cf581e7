// OpenVINO as every model here uses it: the ONNX front end by name only, own stream over the mapped file, precision and
// threads always said, no pinning, bounded caches of kernels. Names of OpenVINO appear in the openvino_* files only,
// which the worker program alone links.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "model/shared_region.h"
#include "model/signature.h"
#include "model/weights_memory.h"
#include "model/worker_protocol.h"
#include "vocabulary/tensor.h"

#include <openvino/frontend/manager.hpp>
#include <openvino/openvino.hpp>

namespace blindai::model {

class OpenVinoRuntime {
 public:
  OpenVinoRuntime(Precision precision, int threads);

  // Never Core::read_model: it accepts other formats too. Null: not an ONNX model, or an empty one.
  std::shared_ptr<ov::Model> Convert(base::ByteView file);
  // The same for a file that is mapped, or a part of one: its pages are not counted here afterwards.
  std::shared_ptr<ov::Model> Convert(const Mapping& file, base::ByteView part);
  // `kept_kernels`: how many shapes have their kernels kept. Without a bound, memory grows with every new length, which
  // a client can do on purpose (engine.md 7); without any, a change of shape costs up to a quarter of a run.
  ov::CompiledModel Compile(const std::shared_ptr<ov::Model>& model, int kept_kernels);
  // Before a model is compiled: moves its large weights to memory that is made from the file when the engine reads it
  // (weights_memory.h), and in bf16 makes all of them small; numbers and answers stay what they were without the file.
  // `part` is what the model was converted from.
  void PlaceWeights(ov::Model& model, std::shared_ptr<const Mapping> file, base::ByteView part);
  // Gives the pages of all such memory back to the kernel.
  void GiveBackWeights();

 private:
  const Precision precision_;
  const ov::AnyMap settings_;
  std::vector<std::unique_ptr<WeightsMemory>> weights_;  // of all models; the engine reads it until its end
  ov::Core core_;
  ov::frontend::FrontEndManager front_ends_;
  const ov::frontend::FrontEnd::Ptr onnx_;
};

// The engine's exceptions know no kinds, so a failed allocation is seen by its words, which stay here.
Failure FailureOf(const std::exception& error, Failure otherwise);

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

// Copies tensors into the region one behind the other and says where they lie. False: they do not fit.
class OutputWriter {
 public:
  OutputWriter(std::span<std::uint8_t> region, RanMessage& ran) : region_(region), ran_(ran) {}
  bool Write(std::uint16_t port, vocabulary::Shape shape, const void* data, std::uint64_t bytes);

 private:
  const std::span<std::uint8_t> region_;
  RanMessage& ran_;
  std::uint64_t used_ = 0;
};

}  // namespace blindai::model
