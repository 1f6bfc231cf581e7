// What the server and a worker process say to each other, one message per packet of a local SOCK_SEQPACKET
// socket. Elements of tensors never travel here but in shared memory (shared_region.h); a message only says
// where they lie.
//
// The server trusts nothing that a worker says: decoding is bounded, and check_tensors.h compares every
// answer with the signature and the regions. The worker may trust the server, and decodes with the same care
// anyway.
//
//   server                                   worker
//   Start (how to compute, its limits)  →         starts the engine, locks itself down
//                                       ←    Caged (what the lock-down achieved)
//   Load (descriptor of the model)      →
//                                       ←    Loaded (signature) or Failed, and then it ends
//   Region (descriptor), once per size  →
//   Run                                 →
//   Cancel                              →         at any time during a run
//                                       ←    Ran or Failed
//   End of the stream                   →         ends
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/cage.h"
#include "model/signature.h"
#include "vocabulary/tensor.h"

namespace blindai::model {

// Longer packets are refused by both sides.
inline constexpr std::size_t kMaxMessageBytes = std::size_t{128} << 10;
inline constexpr std::size_t kMaxPorts = 256;
inline constexpr std::size_t kMaxPortNameBytes = 512;
// The most runs that are computed as one (batching.h).
inline constexpr std::uint16_t kMostRows = 4;

// Why a load or a run gave nothing. Fixed words: the engine's own texts name paths and nodes, and stay in the
// worker.
enum class Failure : std::uint8_t {
  kNone = 0,
  kRejected = 1,         // the engine cannot read, convert or compile the model
  kUnsupported = 2,      // an input or output of a type or rank that we do not serve
  kMemory = 3,           // an allocation failed
  kRun = 4,              // the engine refuses these inputs
  kOutputsTooLarge = 5,  // they do not fit the region
  kCancelled = 6,
  kInternal = 7,  // out of step, or the lock-down failed
};
inline constexpr std::uint8_t kLastFailure = 7;

struct StartMessage {
  Precision precision = Precision::kF32;
  std::uint16_t threads = 1;
  std::uint64_t memory_limit_bytes = 0;  // address space beyond what the engine uses after its own start
  bool own_mount_namespace = false;
};

struct CagedMessage {
  Cage cage;  // without the namespaces, which the server made and knows
};

struct LoadMessage {  // with the descriptor
  std::uint64_t model_bytes = 0;
  bool measure_rows = true;  // false: an earlier worker did (LoadedMessage::max_rows)
};

struct LoadedMessage {
  ModelSignature signature;
  std::uint16_t max_rows = 1;  // runs that may be computed as one (batching.h), if that was to be measured
};

enum class RegionUse : std::uint8_t { kInputs = 0, kOutputs = 1 };

struct RegionMessage {  // with the descriptor; replaces the one before
  RegionUse use = RegionUse::kInputs;
  std::uint64_t bytes = 0;
};

// A tensor in a region: which input or output of the signature it is, its shape, and where its elements lie.
struct PlacedTensor {
  std::uint16_t port = 0;
  vocabulary::Shape shape;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};
// Offsets are multiples of this, which suits every vector instruction.
inline constexpr std::uint64_t kPlacement = 64;
constexpr std::uint64_t RoundUpToPlacement(std::uint64_t bytes) {
  return (bytes + kPlacement - 1) / kPlacement * kPlacement;
}

struct RunMessage {
  std::uint64_t run = 0;  // counts from 1
  std::vector<PlacedTensor> inputs;
  std::vector<std::uint16_t> outputs;  // ports, in the order of the answer
};

struct CancelMessage {
  std::uint64_t run = 0;
};

struct RanMessage {
  std::uint64_t run = 0;
  std::uint64_t compute_us = 0;
  std::vector<PlacedTensor> outputs;
};

struct FailedMessage {
  std::uint64_t run = 0;  // 0: the load
  Failure failure = Failure::kInternal;
};

using ToWorker = std::variant<StartMessage, LoadMessage, RegionMessage, RunMessage, CancelMessage>;
using FromWorker = std::variant<CagedMessage, LoadedMessage, RanMessage, FailedMessage>;

base::Bytes Encode(const ToWorker& message);
base::Bytes Encode(const FromWorker& message);
// Code: worker-protocol.
base::Result<ToWorker> DecodeToWorker(base::ByteView packet);
base::Result<FromWorker> DecodeFromWorker(base::ByteView packet);

}  // namespace blindai::model
