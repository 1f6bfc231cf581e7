// What a 0.5 server answers: a serialized Payload, which is what gets signed, byte for byte. Hashes, dims and types
// are always filled, also without `sign`. Beyond the original, a run's payload names the model's hash and the dims and
// types of the inputs, so that the signature binds model, input, output and time; and both say when the evidence is
// simulated, so that the mark survives any file that the payload is kept in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "vocabulary/tensor.h"

namespace blindai::wire {

// The published clients receive no larger message: 8 MiB, with room left for signature and framing.
inline constexpr std::size_t kMaxReplyPayloadBytes = (std::size_t{8} << 20) - 1024;

struct UploadPayload {
  base::Bytes model_hash;  // SHA-256 of the file
  std::vector<vocabulary::TensorSpec> inputs;
  std::vector<vocabulary::TensorSpec> outputs;
  std::string model_id;
  bool simulation = false;
  base::Time issued_at;
};

struct RunPayload {
  base::Bytes input_hash;  // SHA-256 of all elements, input after input
  base::Bytes model_hash;
  std::string model_id;
  std::vector<vocabulary::TensorView> inputs;  // only names, dims and types are looked at
  std::vector<vocabulary::TensorView> outputs;
  std::uint64_t inference_ms = 0;  // the engine's own time
  std::uint64_t request_ms = 0;    // from the complete request to its answer
  bool simulation = false;
  base::Time issued_at;
};

// A dimension that varies is sent as -1, a type that 0.5 does not know as UNKNOWN.
std::string EncodeUploadPayload(const UploadPayload& payload);
// Codes: reply-too-large (kTooLarge), output-dtype (FP16, BF16, BYTES: 0.5 has no such tensors; kUnsupported).
base::Result<std::string> EncodeRunPayload(const RunPayload& payload);

}  // namespace blindai::wire
