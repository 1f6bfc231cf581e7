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
#include "protocols/endpoints/open_inference_models.h"

namespace blindai::endpoints {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using service::ModelRecord;
using service::RunDone;
using service::ServedModel;

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

// A request body that is compressed would be read as if it were not.
base::Status CheckEncoding(const net::RequestHead& head) {
  const std::optional<std::string_view> encoding = head.headers.Find("Content-Encoding");
  if (!encoding || *encoding == "identity") return base::Ok();
  return MakeError(ErrorKind::kUnsupported, "content-encoding",
                   "compressed bodies are not served; send the body as it is", "Content-Encoding");
}

std::string_view Argument(const PathArguments& arguments, std::string_view name) {
  const auto found = arguments.find(name);
  return found == arguments.end() ? std::string_view() : std::string_view(found->second);
}

class OpenInferenceEndpoint {
 public:
  OpenInferenceEndpoint(service::ModelCatalogue& catalogue, const std::atomic<bool>& ready,
                        OpenInferenceOptions options, IdentifyCaller identify)
      : catalogue_(catalogue), ready_(ready), options_(std::move(options)), identify_(std::move(identify)) {}

  net::Task<void> Server(net::HttpExchange& exchange) const {
    const std::string json =
        wire::EncodeServerMetadata({"blindai", options_.server_version, OpenInferenceExtensions()});
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
    const Result<wire::ModelMetadata> metadata = MetadataFor(exchange, arguments);
    if (!metadata.ok()) {
      co_await AnswerError(exchange, metadata.error());
      co_return;
    }
    const std::string json = wire::EncodeModelMetadata(*metadata);
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Config(net::HttpExchange& exchange, const PathArguments& arguments) const {
    const Result<wire::ModelMetadata> metadata = MetadataFor(exchange, arguments);
    if (!metadata.ok()) {
      co_await AnswerError(exchange, metadata.error());
      co_return;
    }
    const std::string json = wire::EncodeModelConfig(*metadata);
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
    const Result<service::Caller> caller = identify_(exchange.head());
    if (!caller.ok()) {
      co_await AnswerError(exchange, caller.error());
      co_return;
    }
    const auto statistics =
        StatisticsFor(catalogue_, *caller, Argument(arguments, "model"), Argument(arguments, "version"));
    if (!statistics.ok()) {
      co_await AnswerError(exchange, statistics.error());
      co_return;
    }
    const std::string json = wire::EncodeStatistics(*statistics);
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
    const std::string json = wire::EncodeIndex(IndexFor(catalogue_, *caller));
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Load(net::HttpExchange& exchange, const PathArguments& arguments) const {
    const Result<ModelRecord> loaded = co_await LoadFrom(exchange, arguments.at("model"));
    if (!loaded.ok()) {
      co_await AnswerError(exchange, loaded.error());
      co_return;
    }
    const std::string json = wire::EncodeLoaded(loaded->id.text(), std::to_string(loaded->version));
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Unload(net::HttpExchange& exchange, const PathArguments& arguments) const {
    const Result<ModelRecord> unloaded = co_await UnloadFrom(exchange, arguments.at("model"));
    if (!unloaded.ok()) {
      co_await AnswerError(exchange, unloaded.error());
      co_return;
    }
    const std::string json = "{}";
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Infer(net::HttpExchange& exchange, const PathArguments& arguments) const {
    const Result<std::shared_ptr<const ServedModel>> served = Find(exchange, arguments);
    if (!served.ok()) {
      co_await AnswerError(exchange, served.error());
      co_return;
    }
    const base::Status encoding = CheckEncoding(exchange.head());
    if (!encoding.ok()) {
      co_await AnswerError(exchange, encoding.error());
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
    Result<RunDone> run = co_await Run(exchange, *served, *decoded);
    if (!run.ok()) {
      co_await AnswerError(exchange, run.error());
      co_return;
    }
    co_await Answer(exchange, (*decoded)->request, std::move(run).value());
  }

 private:
  // Codes: those of FindVersion.
  Result<std::shared_ptr<const ServedModel>> Find(net::HttpExchange& exchange,
                                                  const PathArguments& arguments) const {
    BLINDAI_TRY(const service::Caller caller, identify_(exchange.head()));
    return FindVersion(catalogue_, caller, Argument(arguments, "model"), Argument(arguments, "version"));
  }

  Result<wire::ModelMetadata> MetadataFor(net::HttpExchange& exchange, const PathArguments& arguments) const {
    BLINDAI_TRY(const service::Caller caller, identify_(exchange.head()));
    BLINDAI_TRY(const auto served, Find(exchange, arguments));
    return MetadataOf(catalogue_, caller, served->record);
  }

  // Whoever may not upload is told so before the body is read.
  Result<service::Caller> Uploader(const net::RequestHead& head) const {
    BLINDAI_TRY(service::Caller caller, identify_(head));
    BLINDAI_RETURN_IF_ERROR(service::RequireUpload(caller));
    BLINDAI_RETURN_IF_ERROR(CheckEncoding(head));
    return caller;
  }

  net::Task<Result<ModelRecord>> LoadFrom(net::HttpExchange& exchange, const std::string& name) const {
    const Result<service::Caller> caller = Uploader(exchange.head());
    if (!caller.ok()) co_return caller.error();
    Result<base::Bytes> body = co_await exchange.ReadWholeBody(wire::kMaxLoadBodyBytes);
    if (!body.ok()) co_return body.error();
    Result<wire::LoadRequest> request = [&] {
      const base::SecretBytes text(std::move(*body));
      return wire::DecodeLoadRequest(text.ExposeSecret(), name);
    }();
    if (!request.ok()) co_return request.error();
    std::function<void(net::Callback<ModelRecord>)> start = [&](net::Callback<ModelRecord> done) {
      LoadModel(catalogue_, options_.upload, *caller, name, *request, std::move(done));
    };
    Result<ModelRecord> loaded = co_await net::AwaitCallback<ModelRecord>(start);
    co_return loaded;
  }

  net::Task<Result<ModelRecord>> UnloadFrom(net::HttpExchange& exchange, const std::string& name) const {
    const Result<service::Caller> caller = Uploader(exchange.head());
    if (!caller.ok()) co_return caller.error();
    const Result<base::Bytes> body = co_await exchange.ReadWholeBody(kJsonAllowanceBytes);
    if (!body.ok()) co_return body.error();
    const base::Status wanted = wire::CheckUnloadRequest(*body);
    if (!wanted.ok()) co_return wanted.error();
    std::function<void(net::Callback<ModelRecord>)> start = [&](net::Callback<ModelRecord> done) {
      UnloadModel(catalogue_, *caller, name, std::move(done));
    };
    Result<ModelRecord> unloaded = co_await net::AwaitCallback<ModelRecord>(start);
    co_return unloaded;
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

  net::Task<Result<RunDone>> Run(net::HttpExchange& exchange,
                                 const std::shared_ptr<const ServedModel>& served,
                                 const std::shared_ptr<Decoded>& decoded) const {
    const Result<service::Caller> caller = identify_(exchange.head());
    if (!caller.ok()) co_return caller.error();
    service::RunRequest request =
        RunRequestOf(decoded->request, decoded, std::chrono::steady_clock::now() + options_.deadline);

    service::RunTicket ticket;
    std::function<void(net::Callback<RunDone>)> start = [&](net::Callback<RunDone> done) {
      ticket = service::RunModel(served, *caller, std::move(request), std::move(done));
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

  service::ModelCatalogue& catalogue_;
  const std::atomic<bool>& ready_;
  const OpenInferenceOptions options_;
  const IdentifyCaller identify_;
};

}  // namespace

void RegisterOpenInferenceV2(Router& router, service::ModelCatalogue& catalogue,
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
  const std::string repository = "/v2/repository/models/{model}";
  router.Add("POST", repository + "/load", [endpoint](Exchange& exchange, const PathArguments& arguments) {
    return endpoint->Load(exchange, arguments);
  });
  router.Add("POST", repository + "/unload", [endpoint](Exchange& exchange, const PathArguments& arguments) {
    return endpoint->Unload(exchange, arguments);
  });
  for (const std::string base : {"/v2/models/{model}", "/v2/models/{model}/versions/{version}"}) {
    router.Add("GET", base, [endpoint](Exchange& exchange, const PathArguments& arguments) {
      return endpoint->Metadata(exchange, arguments);
    });
    router.Add("GET", base + "/config", [endpoint](Exchange& exchange, const PathArguments& arguments) {
      return endpoint->Config(exchange, arguments);
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
