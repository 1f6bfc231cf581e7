// The two checks around every run, both pure: what a person sent fits the model, and what a worker answered
// fits the model and the shared memory. A worker may be in the hands of its model, so its answer is believed
// in nothing: ports, ranks, dimensions, lengths and places are compared before memory is reserved for the
// copy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/signature.h"
#include "model/worker_protocol.h"
#include "vocabulary/tensor.h"

namespace blindai::model {

// A request that fits: for each of its inputs the place in the region, and the wanted outputs as ports.
struct RunPlan {
  std::vector<PlacedTensor> inputs;  // in the request's order
  std::vector<std::uint16_t> outputs;
  std::uint64_t region_bytes = 0;  // that the inputs take
};

// Codes: tensor-name (the message lists the wanted names), tensor-dtype, tensor-shape, tensor-size,
// tensors-too-large, int64-range (the engine computes integers in 32 bits), output-name.
base::Result<RunPlan> PlanRun(const ModelSignature& signature,
                              const std::vector<vocabulary::TensorView>& inputs,
                              const std::vector<std::string>& outputs, std::uint64_t max_bytes);

// What a worker may say about its model: unique names, types that we serve, ranks in range. Code:
// worker-protocol.
base::Status CheckSignature(const ModelSignature& signature);

// Exactly the outputs of `wanted`, each in its place inside the region, with a shape that the signature
// allows and the length that its shape asks for, together at most `max_bytes`. Code: worker-protocol.
base::Status CheckAnswer(const ModelSignature& signature, const std::vector<std::uint16_t>& wanted,
                         const RanMessage& answer, std::uint64_t region_bytes, std::uint64_t max_bytes);

// The bytes that the outputs of any run take, or `max_bytes` if their shapes vary or take more.
std::uint64_t OutputRegionBytes(const ModelSignature& signature, std::uint64_t max_bytes);

}  // namespace blindai::model
