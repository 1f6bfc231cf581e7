// Open Inference Protocol v2 over gRPC: what an inference message means, in the same words as its JSON form
// (protocols/wire/open_inference_v2.h), so that both ways end in one request. Pure; a message may come from anybody.
//
// - `raw_input_contents` holds the elements of all inputs in their order, or of none; then they stand in `contents`, in
//   the field of the datatype and in no other. FP16 and BF16 are raw only.
// - Answers are always raw, as Triton's are.
#pragma once

#include "base/result.h"
#include "open_inference.pb.h"
#include "protocols/wire/open_inference_v2.h"

namespace blindai::wire {

// The tensors borrow from the message and from the request's storage. An empty id is none. Codes: infer-field,
// infer-parameter, infer-contents (raw and typed mixed, or not one for each input), tensor-element, tensor-dtype,
// tensor-shape, tensor-size, tensors-too-large.
base::Result<InferRequest> DecodeInferMessage(const inference::ModelInferRequest& message,
                                              const InferLimits& limits = {});
// The outputs' elements are copied into `message`.
void EncodeInferMessage(const InferResponse& response, inference::ModelInferResponse& message);

// Overwrites every element of the tensors.
void WipeMessage(inference::ModelInferRequest& message);
void WipeMessage(inference::ModelInferResponse& message);

}  // namespace blindai::wire
