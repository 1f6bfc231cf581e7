// The attested port: models and tensors arrive as streams of small messages, and one signed payload goes back. A call
// that its client gives up is over at once: what was received is wiped, an upload leaves nothing behind, a run is
// stopped.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>

#include "protocols/endpoints/blindai_v05_grpc/server.h"
#include "securedexchange.grpc.pb.h"

namespace blindai::endpoints {

// What every call may use. It outlives them.
struct ExchangeContext {
  service::ModelCatalogue& catalogue;
  service::UploadOptions upload;
  std::function<base::Bytes(base::ByteView)> sign;
  bool simulation;
  std::uint64_t max_tensor_bytes;
  std::chrono::milliseconds deadline;
  std::chrono::milliseconds receive_idle;
  std::size_t max_calls;
  std::atomic<std::size_t> calls{0};
};

class ExchangeCalls final : public securedexchange::Exchange::CallbackService {
 public:
  ExchangeCalls(service::ModelCatalogue& catalogue, const BlindaiV05Options& options)
      : identify_(options.identify), context_{catalogue,
                                              options.upload,
                                              options.sign,
                                              options.simulation,
                                              options.max_tensor_bytes,
                                              options.deadline,
                                              options.receive_idle,
                                              options.max_calls} {}

  grpc::ServerReadReactor<securedexchange::SendModelRequest>* SendModel(
      grpc::CallbackServerContext* call, securedexchange::SendModelReply* reply) override;
  grpc::ServerReadReactor<securedexchange::RunModelRequest>* RunModel(
      grpc::CallbackServerContext* call, securedexchange::RunModelReply* reply) override;
  grpc::ServerUnaryReactor* DeleteModel(grpc::CallbackServerContext* call,
                                        const securedexchange::DeleteModelRequest* request,
                                        securedexchange::DeleteModelReply* reply) override;

 private:
  base::Result<service::Caller> Identify(const grpc::CallbackServerContext& call) const;

  const std::function<base::Result<service::Caller>(std::optional<std::string_view>)> identify_;
  ExchangeContext context_;
};

}  // namespace blindai::endpoints
