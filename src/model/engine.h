// An inference engine as a worker process uses it: one model, one run at a time. The seam keeps the choice of
// the engine open and its names in one file (openvino_engine.cc).
//
// An engine is not a barrier: what it computes belongs to the model's owner (worker_cage.h). Its own error
// texts name paths and nodes and stay behind this seam; only a Failure leaves.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "model/shared_region.h"
#include "model/worker_protocol.h"

namespace blindai::model {

class Engine {
 public:
  virtual ~Engine() = default;

  // Reads, converts and compiles the model, and runs it once where it can. `file` is kept for as long as the
  // engine lives: it is sealed, and weights are read from it again (weights_memory.h). `measure_rows`: finds out too
  // whether runs may be computed as one (batching.h), which takes up to a second. Called once.
  virtual Failure Load(Mapping file, bool measure_rows, LoadedMessage& loaded) = 0;

  // One run. Inputs are read where they lie; outputs are copied into `outputs`, and the engine's own copies
  // wiped. After kRun or kMemory the engine is not to be trusted with another run: end the process.
  virtual Failure Run(const RunMessage& run, base::ByteView inputs, std::span<std::uint8_t> outputs,
                      RanMessage& ran) = 0;

  // From another thread: that run, if it has not begun, ends at once with kCancelled. One that computes goes on to its
  // end. Runs have numbers of their own and come in any order.
  virtual void Cancel(std::uint64_t run) = 0;

  // Frees intermediate results, which hold what people sent; freed_memory.h overwrites them.
  virtual void Clean() = 0;

  // Gives what is free back to the kernel.
  virtual void GiveBack() = 0;
};

// Starts OpenVINO with its final configuration and runs a built-in model, so that all it reads from the
// system has been read. Null: it does not start.
std::unique_ptr<Engine> StartOpenVino(Precision precision, int threads);

}  // namespace blindai::model
