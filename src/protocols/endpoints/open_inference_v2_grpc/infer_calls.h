// Inference over gRPC: one request, and a stream of them. A message is parsed when it is known who sends it, its
// tensors go to the worker from where they were parsed to, and both they and the answer are wiped.
#pragma once

#include "protocols/endpoints/open_inference_v2_grpc/model_calls.h"

namespace blindai::endpoints {

class InferenceCalls final : public ModelCalls {
 public:
  using ModelCalls::ModelCalls;

  grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  // Each request is answered before the next one is read. What is wrong with one is its error_message, and the
  // stream goes on.
  grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>*
  ModelStreamInfer(grpc::CallbackServerContext* call) override;
};

}  // namespace blindai::endpoints
