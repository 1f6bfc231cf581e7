// OpenVINO as every model here uses it: the ONNX front end by name only, own stream over the mapped file, precision and
// threads always said, no pinning, bounded caches of kernels. Names of OpenVINO appear in the openvino_* files only,
// which the worker program alone links.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "model/signature.h"
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
  // `kept_kernels`: how many shapes have their kernels kept. Without a bound, memory grows with every new length, which
  // a client can do on purpose (engine.md 7); without any, a change of shape costs up to a quarter of a run.
  ov::CompiledModel Compile(const std::shared_ptr<ov::Model>& model, int kept_kernels);
  // In bf16 the plugin keeps each weight twice unless it is made small before.
  void Shrink(ov::Model& model) const;

 private:
  const Precision precision_;
  const ov::AnyMap settings_;
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
