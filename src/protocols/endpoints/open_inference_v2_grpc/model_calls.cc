#include "protocols/endpoints/open_inference_v2_grpc/model_calls.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "protocols/endpoints/grpc/call_status.h"
#include "protocols/endpoints/open_inference_models.h"
#include "protocols/wire/open_inference_grpc/model_messages.h"

namespace blindai::endpoints {
namespace {

using base::Result;
using base::Status;
using service::ModelRecord;
using service::ServedModel;

grpc::ServerUnaryReactor* Done(grpc::CallbackServerContext* call, const grpc::Status& status) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}
grpc::ServerUnaryReactor* Done(grpc::CallbackServerContext* call) { return Done(call, grpc::Status::OK); }
grpc::ServerUnaryReactor* Done(grpc::CallbackServerContext* call, const Status& status) {
  return Done(call, status.ok() ? grpc::Status::OK : StatusOf(status.error()));
}

Result<std::shared_ptr<const ServedModel>> Find(const InferenceContext& context,
                                                const grpc::CallbackServerContext& call,
                                                const std::string& name, const std::string& version) {
  BLINDAI_TRY(const service::Caller caller, context.Identify(call));
  return FindVersion(context.catalogue, caller, name, version);
}

Result<wire::ModelMetadata> MetadataFor(const InferenceContext& context,
                                        const grpc::CallbackServerContext& call, const std::string& name,
                                        const std::string& version) {
  BLINDAI_TRY(const service::Caller caller, context.Identify(call));
  BLINDAI_TRY(const auto served, FindVersion(context.catalogue, caller, name, version));
  return MetadataOf(context.catalogue, caller, served->record);
}

// Whoever may load, and the message, which is parsed only then.
Result<wire::LoadRequest> DecodeLoad(const grpc::ByteBuffer& bytes,
                                     inference::RepositoryModelLoadRequest& message) {
  grpc::ByteBuffer copy(bytes);  // the same memory, counted
  if (!grpc::SerializationTraits<inference::RepositoryModelLoadRequest>::Deserialize(&copy, &message).ok())
    return base::Malformed("the message is not a RepositoryModelLoadRequest", "grpc-message");
  return wire::DecodeLoadMessage(message);
}

}  // namespace

Result<service::Caller> InferenceContext::Identify(const grpc::CallbackServerContext& call) const {
  net::RequestHead head;
  const auto& metadata = call.client_metadata();
  if (const auto found = metadata.find("authorization"); found != metadata.end())
    head.headers.Add("Authorization", std::string(found->second.data(), found->second.size()));
  return options.identify(head);
}

Status CallPlace::Check() const {
  const std::size_t most = context_.options.max_calls;
  if (number_ < most) return base::Ok();
  return base::MakeError(base::ErrorKind::kExhausted, "server-busy",
                         fmt::format("{} calls are being served, which is the limit; try again later", most));
}

grpc::ServerUnaryReactor* ModelCalls::ServerLive(grpc::CallbackServerContext* call,
                                                 const inference::ServerLiveRequest*,
                                                 inference::ServerLiveResponse* response) {
  response->set_live(true);
  return Done(call);
}

grpc::ServerUnaryReactor* ModelCalls::ServerReady(grpc::CallbackServerContext* call,
                                                  const inference::ServerReadyRequest*,
                                                  inference::ServerReadyResponse* response) {
  response->set_ready(context_.ready);
  return Done(call);
}

grpc::ServerUnaryReactor* ModelCalls::ServerMetadata(grpc::CallbackServerContext* call,
                                                     const inference::ServerMetadataRequest*,
                                                     inference::ServerMetadataResponse* response) {
  wire::FillMetadata({"blindai", context_.options.server_version, OpenInferenceExtensions()}, *response);
  return Done(call);
}

grpc::ServerUnaryReactor* ModelCalls::ModelReady(grpc::CallbackServerContext* call,
                                                 const inference::ModelReadyRequest* request,
                                                 inference::ModelReadyResponse* response) {
  const auto served = Find(context_, *call, request->name(), request->version());
  response->set_ready(served.ok());
  const bool is_answer = served.ok() || served.error().kind == base::ErrorKind::kNotFound;
  return Done(call, is_answer ? grpc::Status::OK : StatusOf(served.error()));
}

grpc::ServerUnaryReactor* ModelCalls::ModelMetadata(grpc::CallbackServerContext* call,
                                                    const inference::ModelMetadataRequest* request,
                                                    inference::ModelMetadataResponse* response) {
  const auto metadata = MetadataFor(context_, *call, request->name(), request->version());
  if (!metadata.ok()) return Done(call, StatusOf(metadata.error()));
  wire::FillMetadata(*metadata, *response);
  return Done(call);
}

grpc::ServerUnaryReactor* ModelCalls::ModelConfig(grpc::CallbackServerContext* call,
                                                  const inference::ModelConfigRequest* request,
                                                  inference::ModelConfigResponse* response) {
  const auto metadata = MetadataFor(context_, *call, request->name(), request->version());
  if (!metadata.ok()) return Done(call, StatusOf(metadata.error()));
  wire::FillConfig(*metadata, *response->mutable_config());
  return Done(call);
}

grpc::ServerUnaryReactor* ModelCalls::ModelStatistics(grpc::CallbackServerContext* call,
                                                      const inference::ModelStatisticsRequest* request,
                                                      inference::ModelStatisticsResponse* response) {
  const auto fill = [&]() -> Status {
    BLINDAI_TRY(const service::Caller caller, context_.Identify(*call));
    BLINDAI_TRY(const auto statistics,
                StatisticsFor(context_.catalogue, caller, request->name(), request->version()));
    wire::FillStatistics(statistics, *response);
    return base::Ok();
  };
  return Done(call, fill());
}

grpc::ServerUnaryReactor* ModelCalls::RepositoryIndex(grpc::CallbackServerContext* call,
                                                      const inference::RepositoryIndexRequest*,
                                                      inference::RepositoryIndexResponse* response) {
  const Result<service::Caller> caller = context_.Identify(*call);
  if (!caller.ok()) return Done(call, StatusOf(caller.error()));
  wire::FillIndex(IndexFor(context_.catalogue, *caller), *response);
  return Done(call);
}

grpc::ServerUnaryReactor* ModelCalls::RepositoryModelUnload(
    grpc::CallbackServerContext* call, const inference::RepositoryModelUnloadRequest* request,
    inference::RepositoryModelUnloadResponse*) {
  const Result<service::Caller> caller = context_.Identify(*call);
  if (!caller.ok()) return Done(call, StatusOf(caller.error()));
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  UnloadModel(context_.catalogue, *caller, request->model_name(),
              [reactor](const Result<ModelRecord>& unloaded) {
                reactor->Finish(unloaded.ok() ? grpc::Status::OK : StatusOf(unloaded.error()));
              });
  return reactor;
}

grpc::ServerUnaryReactor* ModelCalls::RepositoryModelLoad(grpc::CallbackServerContext* call,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  const auto place = std::make_shared<CallPlace>(context_);
  inference::RepositoryModelLoadRequest message;
  const auto begin = [&]() -> Result<std::pair<service::Caller, wire::LoadRequest>> {
    BLINDAI_TRY(service::Caller caller, context_.Identify(*call));
    BLINDAI_RETURN_IF_ERROR(service::RequireUpload(caller));
    BLINDAI_RETURN_IF_ERROR(place->Check());
    BLINDAI_TRY(wire::LoadRequest load, DecodeLoad(*request, message));
    return std::pair(std::move(caller), std::move(load));
  };
  const auto begun = begin();
  if (!begun.ok()) return Done(call, StatusOf(begun.error()));
  const inference::RepositoryModelLoadResponse answer;
  bool own = false;
  const grpc::Status written =
      grpc::SerializationTraits<inference::RepositoryModelLoadResponse>::Serialize(answer, response, &own);
  if (!written.ok()) return Done(call, written);
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  LoadModel(context_.catalogue, context_.options.upload, begun->first, message.model_name(), begun->second,
            [reactor, place](const Result<ModelRecord>& loaded) {
              reactor->Finish(loaded.ok() ? grpc::Status::OK : StatusOf(loaded.error()));
            });
  return reactor;
}

}  // namespace blindai::endpoints
