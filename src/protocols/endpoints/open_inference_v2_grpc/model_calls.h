// The calls about models that are answered at once, and what all calls share. Loads and inferences are taken as raw
// bytes, so that nothing of them is parsed before it is known who sends them (infer_calls.h).
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <string>

#include "open_inference.grpc.pb.h"
#include "protocols/endpoints/authentication.h"
#include "protocols/endpoints/open_inference_v2_grpc/server.h"

namespace blindai::endpoints {

// What every call may use. It outlives them.
struct InferenceContext {
  InferenceContext(service::ModelCatalogue& models, const std::atomic<bool>& is_ready,
                   OpenInferenceGrpcOptions made)
      : catalogue(models), ready(is_ready), options(std::move(made)) {}

  // Who calls, by the metadata `authorization`. Codes: login-required, bad-credentials.
  base::Result<service::Caller> Identify(const grpc::CallbackServerContext& call) const;

  service::ModelCatalogue& catalogue;
  const std::atomic<bool>& ready;
  const OpenInferenceGrpcOptions options;
  std::atomic<std::size_t> calls{0};
};

// A place among OpenInferenceGrpcOptions::max_calls, for as long as it lives.
class CallPlace {
 public:
  explicit CallPlace(InferenceContext& context) : context_(context), number_(context.calls.fetch_add(1)) {}
  ~CallPlace() { context_.calls.fetch_sub(1); }
  CallPlace(const CallPlace&) = delete;
  CallPlace& operator=(const CallPlace&) = delete;
  // Code: server-busy.
  base::Status Check() const;

 private:
  InferenceContext& context_;
  const std::size_t number_;
};

// The methods of the service by how they are handled: messages that gRPC parses, and raw bytes.
namespace calls {
using Service = inference::GRPCInferenceService;
using Health = Service::WithCallbackMethod_ServerLive<
    Service::WithCallbackMethod_ServerReady<Service::WithCallbackMethod_ServerMetadata<Service::Service>>>;
using Models = Service::WithCallbackMethod_ModelReady<Service::WithCallbackMethod_ModelMetadata<
    Service::WithCallbackMethod_ModelConfig<Service::WithCallbackMethod_ModelStatistics<Health>>>>;
using Repository =
    Service::WithCallbackMethod_RepositoryIndex<Service::WithCallbackMethod_RepositoryModelUnload<
        Service::WithRawCallbackMethod_RepositoryModelLoad<Models>>>;
using All =
    Service::WithRawCallbackMethod_ModelInfer<Service::WithCallbackMethod_ModelStreamInfer<Repository>>;
}  // namespace calls

class ModelCalls : public calls::All {
 public:
  explicit ModelCalls(InferenceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* ServerLive(grpc::CallbackServerContext* call, const inference::ServerLiveRequest*,
                                       inference::ServerLiveResponse* response) final;
  grpc::ServerUnaryReactor* ServerReady(grpc::CallbackServerContext* call,
                                        const inference::ServerReadyRequest*,
                                        inference::ServerReadyResponse* response) final;
  grpc::ServerUnaryReactor* ServerMetadata(grpc::CallbackServerContext* call,
                                           const inference::ServerMetadataRequest*,
                                           inference::ServerMetadataResponse* response) final;
  // A model that is not there, or not the caller's, is not ready; that is no error.
  grpc::ServerUnaryReactor* ModelReady(grpc::CallbackServerContext* call,
                                       const inference::ModelReadyRequest* request,
                                       inference::ModelReadyResponse* response) final;
  grpc::ServerUnaryReactor* ModelMetadata(grpc::CallbackServerContext* call,
                                          const inference::ModelMetadataRequest* request,
                                          inference::ModelMetadataResponse* response) final;
  grpc::ServerUnaryReactor* ModelConfig(grpc::CallbackServerContext* call,
                                        const inference::ModelConfigRequest* request,
                                        inference::ModelConfigResponse* response) final;
  grpc::ServerUnaryReactor* ModelStatistics(grpc::CallbackServerContext* call,
                                            const inference::ModelStatisticsRequest* request,
                                            inference::ModelStatisticsResponse* response) final;
  grpc::ServerUnaryReactor* RepositoryIndex(grpc::CallbackServerContext* call,
                                            const inference::RepositoryIndexRequest* request,
                                            inference::RepositoryIndexResponse* response) final;
  grpc::ServerUnaryReactor* RepositoryModelUnload(grpc::CallbackServerContext* call,
                                                  const inference::RepositoryModelUnloadRequest* request,
                                                  inference::RepositoryModelUnloadResponse* response) final;
  grpc::ServerUnaryReactor* RepositoryModelLoad(grpc::CallbackServerContext* call,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) final;

 protected:
  InferenceContext& context_;
};

}  // namespace blindai::endpoints
