#include "protocols/endpoints/open_inference_v2.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "net/await_callback.h"
#include "protocols/endpoints/answer.h"
#include "protocols/wire/open_inference_v2.h"
#include "protocols/wire/open_inference_v2_metadata.h"
#include "service/run_model.h"

namespace blindai::endpoints {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using service::RunDone;
using service::ServedModel;
using vocabulary::ModelId;

// Room for the JSON part beside the tensors.
constexpr std::uint64_t kJsonAllowanceBytes = std::uint64_t{1} << 20;

// A decoded request with the body that it borrows from. Its memory is wiped when the last user lets go.
struct Decoded {
  base::SecretBytes body;
  wire::InferRequest request;
  ~Decoded() {
    for (base::Bytes& bytes : request.storage) base::Wipe(bytes);
  }
};

// An answer on its way out, wiped when the last byte has been written.
struct Outgoing {
  RunDone done;
  wire::InferResponse response;
  wire::InferBody body;
  explicit Outgoing(RunDone run) : done(std::move(run)) {}
  ~Outgoing() {
    for (vocabulary::Tensor& tensor : done.answer.outputs) base::Wipe(tensor.data);
    base::Wipe(body.json.data(), body.json.size());
  }
};

Result<std::optional<std::uint64_t>> HeaderLength(const net::RequestHead& head) {
  const std::optional<std::string_view> text = head.headers.Find(wire::kInferHeaderLengthHeader);
  if (!text) return std::optional<std::uint64_t>();
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
  if (text->empty() || error != std::errc() || end != text->data() + text->size()) {
    return MakeError(ErrorKind::kInvalid, "infer-header-length",
                     "Inference-Header-Content-Length is not a whole number of bytes");
  }
  return std::optional<std::uint64_t>(length);
}

// The parameter `timeout`, in microseconds; 0 and absent mean the server's own.
std::chrono::steady_clock::time_point DeadlineOf(const wire::InferRequest& request,
                                                 std::chrono::milliseconds most) {
  std::chrono::microseconds wait = most;
  if (const auto found = request.parameters.find("timeout"); found != request.parameters.end()) {
    if (const auto* microseconds = std::get_if<std::int64_t>(&found->second);
        microseconds && *microseconds > 0) {
      wait = std::min(wait, std::chrono::microseconds(*microseconds));
    }
  }
  return std::chrono::steady_clock::now() + wait;
}

class OpenInferenceEndpoint {
 public:
  OpenInferenceEndpoint(const service::ModelCatalogue& catalogue, const std::atomic<bool>& ready,
                        OpenInferenceOptions options, IdentifyCaller identify)
      : catalogue_(catalogue), ready_(ready), options_(std::move(options)), identify_(std::move(identify)) {}

  net::Task<void> Server(net::HttpExchange& exchange) const {
    const std::string json =
        wire::EncodeServerMetadata({"blindai",
                                    options_.server_version,
                                    {"binary_tensor_data", "parameters", "statistics", "model_repository"}});
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Live(net::HttpExchange& exchange) const {
    const std::string json = wire::EncodeHealth(true);
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Ready(net::HttpExchange& exchange) const {
    const std::string json = wire::EncodeHealth(ready_);
    co_await AnswerJson(exchange, ready_ ? 200 : 503, json);
  }

  net::Task<void> Metadata(net::HttpExchange& exchange, const PathArguments& arguments) const {
    const Result<std::shared_ptr<const ServedModel>> served = Find(exchange, arguments);
    if (!served.ok()) {
      co_await AnswerError(exchange, served.error());
      co_return;
    }
    const service::ModelRecord& record = (*served)->record;
    const std::string json = wire::EncodeModelMetadata({record.id.text(),
                                                        {std::to_string(record.version)},
                                                        "onnx_onnxv1",
                                                        record.signature.inputs,
                                                        record.signature.outputs});
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> ModelReady(net::HttpExchange& exchange, const PathArguments& arguments) const {
    const Result<std::shared_ptr<const ServedModel>> served = Find(exchange, arguments);
    if (!served.ok()) {
      co_await AnswerError(exchange, served.error());
      co_return;
    }
    const std::string json = wire::EncodeModelReady((*served)->record.id.text(), true);
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Statistics(net::HttpExchange& exchange, const PathArguments& arguments) const {
    std::vector<std::shared_ptr<const ServedModel>> models;
    if (arguments.contains("model")) {
      const Result<std::shared_ptr<const ServedModel>> served = Find(exchange, arguments);
      if (!served.ok()) {
        co_await AnswerError(exchange, served.error());
        co_return;
      }
      models.push_back(*served);
    } else {
      const Result<service::Caller> caller = identify_(exchange.head());
      if (!caller.ok()) {
        co_await AnswerError(exchange, caller.error());
        co_return;
      }
      models = catalogue_.List(*caller);
    }
    const std::string json = wire::EncodeStatistics(StatisticsOf(models));
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Index(net::HttpExchange& exchange) const {
    const Result<service::Caller> caller = identify_(exchange.head());
    if (!caller.ok()) {
      co_await AnswerError(exchange, caller.error());
      co_return;
    }
    const Result<base::Bytes> body = co_await exchange.ReadWholeBody(kJsonAllowanceBytes);
    if (!body.ok()) {
      co_await AnswerError(exchange, body.error());
      co_return;
    }
    // Every model that is listed is ready, so asking for ready ones only changes nothing; the body is checked
    // all the same.
    const Result<bool> ready_only = wire::DecodeIndexRequest(*body);
    if (!ready_only.ok()) {
      co_await AnswerError(exchange, ready_only.error());
      co_return;
    }
    std::vector<wire::IndexEntry> entries;
    for (const auto& served : catalogue_.List(*caller)) {
      entries.push_back({served->record.id.text(), std::to_string(served->record.version), "READY", ""});
    }
    const std::string json = wire::EncodeIndex(entries);
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Infer(net::HttpExchange& exchange, const PathArguments& arguments) const {
    const Result<std::shared_ptr<const ServedModel>> served = Find(exchange, arguments);
    if (!served.ok()) {
      co_await AnswerError(exchange, served.error());
      co_return;
    }
    Result<base::Bytes> body =
        co_await exchange.ReadWholeBody(options_.max_tensor_bytes + kJsonAllowanceBytes);
    if (!body.ok()) {
      co_await AnswerError(exchange, body.error());
      co_return;
    }
    Result<std::shared_ptr<Decoded>> decoded =
        Decode(exchange.head(), (*served)->record, std::move(body).value());
    if (!decoded.ok()) {
      co_await AnswerError(exchange, decoded.error());
      co_return;
    }
    Result<RunDone> run = co_await Run(exchange, (*served)->record.id, *decoded);
    if (!run.ok()) {
      co_await AnswerError(exchange, run.error());
      co_return;
    }
    co_await Answer(exchange, (*decoded)->request, std::move(run).value());
  }

 private:
  // The model of the path, when its version is the one that is served. Code: model-not-found, model-version.
  Result<std::shared_ptr<const ServedModel>> Find(net::HttpExchange& exchange,
                                                  const PathArguments& arguments) const {
    BLINDAI_TRY(const service::Caller caller, identify_(exchange.head()));
    BLINDAI_TRY(const ModelId id, ModelId::Parse(arguments.at("model")));
    BLINDAI_TRY(std::shared_ptr<const ServedModel> served, catalogue_.Find(caller, id));
    const auto version = arguments.find("version");
    if (version != arguments.end() && version->second != std::to_string(served->record.version)) {
      return MakeError(
          ErrorKind::kNotFound, "model-version",
          fmt::format("model '{}' is served as version {} only; leave the version out for the latest",
                      id.text(), served->record.version));
    }
    return served;
  }

  Result<std::shared_ptr<Decoded>> Decode(const net::RequestHead& head, const service::ModelRecord& record,
                                          base::Bytes body) const {
    auto decoded = std::make_shared<Decoded>();
    decoded->body = base::SecretBytes(std::move(body));
    BLINDAI_TRY(const std::optional<std::uint64_t> header_length, HeaderLength(head));
    wire::InferLimits limits;
    limits.tensor_bytes = options_.max_tensor_bytes;
    BLINDAI_TRY(decoded->request, wire::DecodeInferRequest(decoded->body.ExposeSecret(), header_length,
                                                           record.signature.inputs, limits));
    return decoded;
  }

  net::Task<Result<RunDone>> Run(net::HttpExchange& exchange, const ModelId& id,
                                 const std::shared_ptr<Decoded>& decoded) const {
    const Result<service::Caller> caller = identify_(exchange.head());
    if (!caller.ok()) co_return caller.error();
    service::RunRequest request;
    for (const wire::InferTensor& input : decoded->request.inputs) request.inputs.push_back(input.tensor);
    for (const wire::RequestedOutput& output : decoded->request.outputs)
      request.outputs.push_back(output.name);
    request.elements = decoded;
    request.deadline = DeadlineOf(decoded->request, options_.deadline);

    service::RunTicket ticket;
    std::function<void(net::Callback<RunDone>)> start = [&](net::Callback<RunDone> done) {
      ticket = service::RunModel(catalogue_, *caller, id, std::move(request), std::move(done));
    };
    std::function<void()> cancel = [&ticket] { ticket.Cancel(); };
    Result<RunDone> run = co_await net::AwaitCallbackOrDisconnect<RunDone>(exchange, start, cancel);
    co_return run;
  }

  net::Task<void> Answer(net::HttpExchange& exchange, const wire::InferRequest& request, RunDone run) const {
    const auto outgoing = std::make_shared<Outgoing>(std::move(run));
    wire::InferResponse& response = outgoing->response;
    response.model_name = outgoing->done.record.id.text();
    response.model_version = std::to_string(outgoing->done.record.version);
    response.id = request.id;
    for (const vocabulary::Tensor& tensor : outgoing->done.answer.outputs) {
      wire::InferTensor output;
      output.tensor = tensor;
      output.binary = wire::WantsBinary(request, tensor.name);
      response.outputs.push_back(std::move(output));
    }
    Result<wire::InferBody> encoded = wire::EncodeInferResponse(response);
    if (!encoded.ok()) {
      co_await AnswerError(exchange, encoded.error());
      co_return;
    }
    outgoing->body = std::move(encoded).value();

    net::HttpResponse http;
    http.headers.Add("Content-Type", std::string(outgoing->body.content_type()));
    if (outgoing->body.header_length) {
      http.headers.Add(std::string(wire::kInferHeaderLengthHeader),
                       std::to_string(*outgoing->body.header_length));
    }
    http.parts.push_back({base::AsBytes(outgoing->body.json), outgoing});
    for (const base::ByteView blob : outgoing->body.blobs) http.parts.push_back({blob, outgoing});
    co_await exchange.Respond(http);
  }

  static std::vector<wire::ModelStatistics> StatisticsOf(
      const std::vector<std::shared_ptr<const ServedModel>>& models) {
    std::vector<wire::ModelStatistics> statistics;
    for (const auto& served : models) {
      const service::HostStats stats = served->host->stats();
      wire::ModelStatistics entry;
      entry.name = served->record.id.text();
      entry.version = std::to_string(served->record.version);
      entry.inference_count = stats.runs;
      entry.execution_count = stats.runs;
      entry.success.count = stats.runs;
      entry.fail.count = stats.failures;
      entry.compute_infer.count = stats.runs;
      entry.compute_infer.ns =
          static_cast<std::uint64_t>(stats.mean_run_ms * 1e6 * static_cast<double>(stats.runs));
      statistics.push_back(std::move(entry));
    }
    return statistics;
  }

  const service::ModelCatalogue& catalogue_;
  const std::atomic<bool>& ready_;
  const OpenInferenceOptions options_;
  const IdentifyCaller identify_;
};

}  // namespace

void RegisterOpenInferenceV2(Router& router, const service::ModelCatalogue& catalogue,
                             const std::atomic<bool>& ready, OpenInferenceOptions options,
                             IdentifyCaller identify) {
  const auto endpoint = std::make_shared<const OpenInferenceEndpoint>(catalogue, ready, std::move(options),
                                                                      std::move(identify));
  using Exchange = net::HttpExchange;
  for (const char* path : {"/v2", "/v2/"}) {
    router.Add("GET", path,
               [endpoint](Exchange& exchange, const PathArguments&) { return endpoint->Server(exchange); });
  }
  router.Add("GET", "/v2/health/live",
             [endpoint](Exchange& exchange, const PathArguments&) { return endpoint->Live(exchange); });
  router.Add("GET", "/v2/health/ready",
             [endpoint](Exchange& exchange, const PathArguments&) { return endpoint->Ready(exchange); });
  router.Add("POST", "/v2/repository/index",
             [endpoint](Exchange& exchange, const PathArguments&) { return endpoint->Index(exchange); });
  router.Add("GET", "/v2/models/stats", [endpoint](Exchange& exchange, const PathArguments& arguments) {
    return endpoint->Statistics(exchange, arguments);
  });
  for (const std::string base : {"/v2/models/{model}", "/v2/models/{model}/versions/{version}"}) {
    router.Add("GET", base, [endpoint](Exchange& exchange, const PathArguments& arguments) {
      return endpoint->Metadata(exchange, arguments);
    });
    router.Add("GET", base + "/ready", [endpoint](Exchange& exchange, const PathArguments& arguments) {
      return endpoint->ModelReady(exchange, arguments);
    });
    router.Add("GET", base + "/stats", [endpoint](Exchange& exchange, const PathArguments& arguments) {
      return endpoint->Statistics(exchange, arguments);
    });
    router.Add("POST", base + "/infer", [endpoint](Exchange& exchange, const PathArguments& arguments) {
      return endpoint->Infer(exchange, arguments);
    });
  }
}

}  // namespace blindai::endpoints
