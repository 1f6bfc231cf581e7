#include "client/client.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/secret.h"
#include "client/connect.h"
#include "client/failure.h"
#include "net/http_client.h"
#include "vocabulary/model_id.h"

namespace blindai::client {
namespace {

using base::ByteView;
using base::MakeError;
using base::Result;

base::Error Argument(std::string message, std::string param) {
  return MakeError(base::ErrorKind::kInvalid, std::string(kArgumentCode), std::move(message),
                   std::move(param));
}

// "/v1/models/" and the id as one path segment.
Result<std::string> ModelTarget(std::string_view prefix, const std::string& model_id,
                                std::string_view suffix = "") {
  BLINDAI_TRY(const vocabulary::ModelId id, vocabulary::ModelId::Parse(model_id));
  return std::string(prefix) + net::PercentEncode(id.text()) + std::string(suffix);
}

Result<std::optional<std::uint64_t>> HeaderLength(const net::HttpResponse& response) {
  const std::optional<std::string_view> text = response.headers.Find(wire::kInferHeaderLengthHeader);
  if (!text) return std::optional<std::uint64_t>();
  std::uint64_t length = 0;
  for (const char c : *text) {
    if (c < '0' || c > '9' || text->size() > 15) {
      return MakeError(base::ErrorKind::kInvalid, "http-response",
                       "the answer's Inference-Header-Content-Length is not a number");
    }
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return std::optional<std::uint64_t>(length);
}

// A model's file alone, or the form that a speech model is; anew for each attempt.
struct UploadBody {
  std::string content_type;
  std::shared_ptr<RequestBody> body;
};

Result<UploadBody> MakeUploadBody(const ModelSource& source, const UploadOptions& options) {
  if (!options.speech) {
    auto body = std::make_shared<RequestBody>(options.progress);
    BLINDAI_RETURN_IF_ERROR(body->AddFile(source, "model"));
    return UploadBody{"application/octet-stream", std::move(body)};
  }
  // The small files first: what is wrong with them is known before the model goes out.
  FormBody form(options.progress);
  BLINDAI_RETURN_IF_ERROR(form.AddFile("vocab", "vocab.json", options.speech->vocab));
  BLINDAI_RETURN_IF_ERROR(
      form.AddFile("preprocessor", "preprocessor_config.json", options.speech->preprocessor));
  BLINDAI_RETURN_IF_ERROR(form.AddFile("model", "model", source));
  std::string content_type = form.ContentType();
  return UploadBody{std::move(content_type), std::make_shared<RequestBody>(std::move(form).Finish())};
}

}  // namespace

Prediction::~Prediction() {
  base::Wipe(body_);
  for (base::Bytes& bytes : response_.storage) base::Wipe(bytes);
}

// The connections of one client: idle ones wait here, the others are with the calls that use them.
class Client::Impl {
 public:
  explicit Impl(ConnectOptions options) : options_(std::move(options)) {}

  const ConnectOptions& options() const { return options_; }

  std::optional<verifier::Verdict> verdict() const {
    const std::lock_guard lock(mutex_);
    return verdict_;
  }

  base::Status Connect() {
    BLINDAI_TRY(Lease lease, Take(IdleIsFine::kYes));
    Give(std::move(lease.connection));
    return base::Ok();
  }

  // Sends what `make` makes. A kept connection may have been closed by the server meanwhile; then, and only
  // then, the request is made and sent once more, over a new connection that is verified first.
  Result<net::HttpResponse> Send(const std::function<Result<net::HttpRequest>()>& make,
                                 std::shared_ptr<const ConnectionRecord>* connection = nullptr) {
    BLINDAI_TRY(Lease lease, Take(IdleIsFine::kYes));
    if (connection != nullptr) *connection = lease.connection->record();
    BLINDAI_TRY(auto first, SendOn(lease, make));
    if (first.ok() || !lease.was_idle || first.error().code != "connection-lost") return first;
    BLINDAI_TRY(Lease fresh, Take(IdleIsFine::kNo));
    if (connection != nullptr) *connection = fresh.connection->record();
    BLINDAI_TRY(auto second, SendOn(fresh, make));
    return second;
  }

  void Close() {
    std::vector<std::unique_ptr<AttestedConnection>> closing;
    const std::lock_guard lock(mutex_);
    closing.swap(idle_);
  }

 private:
  enum class IdleIsFine { kNo, kYes };
  struct Lease {
    std::unique_ptr<AttestedConnection> connection;
    bool was_idle = false;
  };

  // The outer result is an error of `make`, the inner one of the exchange.
  Result<Result<net::HttpResponse>> SendOn(Lease& lease,
                                           const std::function<Result<net::HttpRequest>()>& make) {
    auto request = make();
    if (!request.ok()) {
      Give(std::move(lease.connection));
      return std::move(request).error();
    }
    Result<net::HttpResponse> response = lease.connection->Send(*request);
    Give(std::move(lease.connection));
    return response;
  }

  Result<Lease> Take(IdleIsFine idle_is_fine) {
    std::unique_lock lock(mutex_);
    if (idle_is_fine == IdleIsFine::kNo) idle_.clear();
    freed_.wait(lock, [this] { return !idle_.empty() || in_use_ < options_.max_connections; });
    ++in_use_;
    if (!idle_.empty()) {
      Lease lease{std::move(idle_.back()), true};
      idle_.pop_back();
      return lease;
    }
    lock.unlock();
    ConnectOutcome outcome = AttestedConnection::Open(options_);
    lock.lock();
    if (outcome.verdict) verdict_ = std::move(outcome.verdict);
    if (!outcome.connection.ok()) {
      --in_use_;
      freed_.notify_one();
      return std::move(outcome.connection).error();
    }
    return Lease{*std::move(outcome.connection), false};
  }

  void Give(std::unique_ptr<AttestedConnection> connection) {
    const std::lock_guard lock(mutex_);
    --in_use_;
    if (connection->reusable()) idle_.push_back(std::move(connection));
    freed_.notify_one();
  }

  const ConnectOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<AttestedConnection>> idle_;
  std::size_t in_use_ = 0;
  std::optional<verifier::Verdict> verdict_;
};

Client::Client(ConnectOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

base::Status Client::Connect() { return impl_->Connect(); }
std::optional<verifier::Verdict> Client::verdict() const { return impl_->verdict(); }
const ConnectOptions& Client::options() const { return impl_->options(); }
void Client::Close() { impl_->Close(); }

Result<wire::ModelInfo> Client::UploadModel(const std::string& model_id, const ModelSource& source,
                                            const UploadOptions& options) {
  BLINDAI_TRY(std::string target, ModelTarget("/v1/models/", model_id));
  const std::string query = wire::EncodeUploadQuery(options.query);
  if (!query.empty()) target += "?" + query;
  const auto make = [&]() -> Result<net::HttpRequest> {
    BLINDAI_TRY(const UploadBody upload, MakeUploadBody(source, options));
    net::HttpRequest request;
    request.method = "PUT";
    request.target = target;
    request.headers.Set("Content-Type", upload.content_type);
    request.source = [body = upload.body](std::span<std::uint8_t> into) { return body->Read(into); };
    request.source_bytes = upload.body->total();
    request.expect_continue = true;
    request.timeout = impl_->options().request_timeout;
    return request;
  };
  BLINDAI_TRY(const net::HttpResponse response, impl_->Send(make, options.connection));
  return wire::DecodeModelInfo(response.body);
}

Result<std::vector<wire::ModelInfo>> Client::ListModels() {
  const auto make = [&]() -> Result<net::HttpRequest> {
    net::HttpRequest request;
    request.target = "/v1/models";
    request.timeout = impl_->options().request_timeout;
    return request;
  };
  BLINDAI_TRY(const net::HttpResponse response, impl_->Send(make));
  return wire::DecodeModelList(response.body);
}

Result<wire::ModelInfo> Client::GetModel(const std::string& model_id) {
  BLINDAI_TRY(const std::string target, ModelTarget("/v1/models/", model_id));
  const auto make = [&]() -> Result<net::HttpRequest> {
    net::HttpRequest request;
    request.target = target;
    request.timeout = impl_->options().request_timeout;
    return request;
  };
  BLINDAI_TRY(const net::HttpResponse response, impl_->Send(make));
  return wire::DecodeModelInfo(response.body);
}

Result<wire::ModelDeleted> Client::DeleteModel(const std::string& model_id) {
  BLINDAI_TRY(const std::string target, ModelTarget("/v1/models/", model_id));
  const auto make = [&]() -> Result<net::HttpRequest> {
    net::HttpRequest request;
    request.method = "DELETE";
    request.target = target;
    request.timeout = impl_->options().request_timeout;
    return request;
  };
  BLINDAI_TRY(const net::HttpResponse response, impl_->Send(make));
  return wire::DecodeModelDeleted(response.body);
}

Result<Prediction> Client::Predict(const std::string& model_id,
                                   std::span<const vocabulary::TensorView> inputs,
                                   const PredictOptions& options) {
  BLINDAI_TRY(const std::string target, ModelTarget("/v2/models/", model_id, "/infer"));
  wire::InferRequest infer;
  infer.binary_data_output = true;
  for (const vocabulary::TensorView& input : inputs) infer.inputs.push_back({input, true, {}});
  for (const std::string& name : options.outputs) infer.outputs.push_back({name, std::nullopt, {}});
  auto body = wire::EncodeInferRequest(infer);
  if (!body.ok()) return Argument(body.error().message, body.error().param);
  const auto make = [&]() -> Result<net::HttpRequest> {
    net::HttpRequest request;
    request.method = "POST";
    request.target = target;
    request.headers.Set("Content-Type", std::string(body->content_type()));
    if (body->header_length) {
      request.headers.Set(wire::kInferHeaderLengthHeader, std::to_string(*body->header_length));
    }
    request.body = base::CopyBytes(base::AsBytes(body->json));
    for (const ByteView blob : body->blobs) request.parts.push_back({blob, nullptr});
    request.timeout = options.timeout.value_or(impl_->options().request_timeout);
    return request;
  };
  std::shared_ptr<const ConnectionRecord> connection;
  BLINDAI_TRY(net::HttpResponse response, impl_->Send(make, &connection));
  BLINDAI_TRY(const std::optional<std::uint64_t> header_length, HeaderLength(response));
  base::Bytes answer = std::move(response.body);
  BLINDAI_TRY(wire::InferResponse decoded, wire::DecodeInferResponse(answer, header_length));
  return Prediction(std::move(answer), std::move(decoded), std::move(connection));
}

// The one model that transcribes.
Result<std::string> Client::SpeechModel() {
  BLINDAI_TRY(const std::vector<wire::ModelInfo> models, ListModels());
  std::string found;
  for (const wire::ModelInfo& model : models) {
    if (model.kind != wire::ModelKind::kCtcSpeech) continue;
    if (!found.empty()) return Argument("several models transcribe here; name one", "model");
    found = model.id;
  }
  if (found.empty()) {
    return Argument("no model that transcribes is listed to you; upload one of kind=ctc-speech, or name it",
                    "model");
  }
  return found;
}

Result<Transcription> Client::Transcribe(const FileSource& recording, const TranscribeOptions& options) {
  std::string model = options.request.model;
  if (model.empty()) {
    BLINDAI_TRY(model, SpeechModel());
  }
  TranscriptionExchange exchange(recording, options, std::move(model));
  const auto make = [&exchange] { return exchange.MakeRequest(); };
  BLINDAI_TRY(net::HttpResponse response, impl_->Send(make));
  return exchange.Finish(std::move(response));
}

}  // namespace blindai::client
