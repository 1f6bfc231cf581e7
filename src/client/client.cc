#include "client/client.h"

#include <filesystem>
#include <utility>

#include "base/secret.h"
#include "client/connection_pool.h"
#include "client/failure.h"
#include "net/http_client.h"
#include "vocabulary/model_id.h"

namespace blindai::client {
namespace {

using base::ByteView;
using base::MakeError;
using base::Result;

// "/v1/models/" and the id as one path segment.
Result<std::string> ModelTarget(std::string_view prefix, const std::string& model_id,
                                std::string_view suffix = "") {
  BLINDAI_TRY(const vocabulary::ModelId id, vocabulary::ModelId::Parse(model_id));
  return std::string(prefix) + net::PercentEncode(id.text()) + std::string(suffix);
}

// "" or prefix and version: it may stand in a path and in a query as it is.
Result<std::string> VersionPart(std::string_view prefix, const std::string& version) {
  if (version.empty()) return std::string();
  if (vocabulary::VersionNumber(version) == 0 && !vocabulary::IsVersionLabel(version))
    return ArgumentError("a version is a number (1, 2, …) or a label", "version");
  return std::string(prefix) + version;
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

UploadBody BodyOf(FormBody form) {
  std::string content_type = form.ContentType();
  return UploadBody{std::move(content_type), std::make_shared<RequestBody>(std::move(form).Finish())};
}

Result<UploadBody> MakeWhisperBody(const ModelSource& encoder, const UploadOptions& options) {
  const WhisperFiles& files = *options.whisper;
  FormBody form(options.progress);
  BLINDAI_RETURN_IF_ERROR(form.AddFile("tokenizer", "tokenizer.json", files.tokenizer));
  BLINDAI_RETURN_IF_ERROR(
      form.AddFile("generation_config", "generation_config.json", files.generation_config));
  BLINDAI_RETURN_IF_ERROR(form.AddFile("preprocessor", "preprocessor_config.json", files.preprocessor));
  BLINDAI_RETURN_IF_ERROR(form.AddFile("encoder", kWhisperEncoderFile, encoder));
  BLINDAI_RETURN_IF_ERROR(form.AddFile("decoder", "decoder_model.onnx", files.decoder));
  if (files.decoder_with_past) {
    BLINDAI_RETURN_IF_ERROR(
        form.AddFile("decoder_with_past", "decoder_with_past_model.onnx", *files.decoder_with_past));
  }
  return BodyOf(std::move(form));
}

Result<UploadBody> MakeUploadBody(const ModelSource& source, const UploadOptions& options) {
  if (options.whisper) return MakeWhisperBody(source, options);
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
  if (const auto& language_model = options.speech->language_model) {
    BLINDAI_RETURN_IF_ERROR(form.AddFile("language_model", "language_model", *language_model));
  }
  BLINDAI_RETURN_IF_ERROR(form.AddFile("model", "model", source));
  return BodyOf(std::move(form));
}

}  // namespace

WhisperFiles WhisperFiles::In(const std::string& folder) {
  const std::filesystem::path in(folder);
  const auto file = [&in](const char* name) { return FileSource::File((in / name).string()); };
  WhisperFiles files{.decoder = file("decoder_model.onnx"),
                     .tokenizer = file("tokenizer.json"),
                     .generation_config = file("generation_config.json"),
                     .preprocessor = file("preprocessor_config.json")};
  constexpr const char* kWithPast = "decoder_with_past_model.onnx";
  std::error_code ignored;
  if (std::filesystem::exists(in / kWithPast, ignored)) files.decoder_with_past = file(kWithPast);
  return files;
}

Prediction::~Prediction() {
  base::Wipe(body_);
  for (base::Bytes& bytes : response_.storage) base::Wipe(bytes);
}

class Client::Impl : public ConnectionPool {
 public:
  using ConnectionPool::ConnectionPool;
};

Client::Client(ConnectOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

base::Status Client::Connect() { return impl_->Connect(); }
std::optional<verifier::Verdict> Client::verdict() const { return impl_->verdict(); }
const ConnectOptions& Client::options() const { return impl_->options(); }
ServerAddress Client::server() const { return impl_->server(); }
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
  BLINDAI_TRY(const net::HttpResponse response,
              impl_->Send({.make = make, .repeat = Repeat::kAnywhere, .connection = options.connection}));
  return wire::DecodeModelInfo(response.body);
}

Result<std::vector<wire::ModelInfo>> Client::ListModels() {
  const auto make = [&]() -> Result<net::HttpRequest> {
    net::HttpRequest request;
    request.target = "/v1/models";
    request.timeout = impl_->options().request_timeout;
    return request;
  };
  BLINDAI_TRY(const net::HttpResponse response, impl_->Send({.make = make, .repeat = Repeat::kAnywhere}));
  return wire::DecodeModelList(response.body);
}

Result<wire::ModelInfo> Client::GetModel(const std::string& model_id, const std::string& version) {
  BLINDAI_TRY(const std::string query, VersionPart("?version=", version));
  BLINDAI_TRY(const std::string target, ModelTarget("/v1/models/", model_id, query));
  const auto make = [&]() -> Result<net::HttpRequest> {
    net::HttpRequest request;
    request.target = target;
    request.timeout = impl_->options().request_timeout;
    return request;
  };
  BLINDAI_TRY(const net::HttpResponse response,
              impl_->Send({.make = make, .repeat = Repeat::kAnywhere, .model = model_id}));
  return wire::DecodeModelInfo(response.body);
}

Result<wire::ModelInfo> Client::ChangeModel(const std::string& model_id, const wire::ModelChange& change) {
  BLINDAI_TRY(const std::string target, ModelTarget("/v1/models/", model_id));
  const std::string body = wire::EncodeModelChange(change);
  const auto make = [&]() -> Result<net::HttpRequest> {
    net::HttpRequest request;
    request.method = "PATCH";
    request.target = target;
    request.headers.Set("Content-Type", "application/json");
    request.body = base::CopyBytes(base::AsBytes(body));
    request.timeout = impl_->options().request_timeout;
    return request;
  };
  // The same change twice is that change.
  BLINDAI_TRY(const net::HttpResponse response,
              impl_->Send({.make = make, .repeat = Repeat::kSameServer, .model = model_id}));
  return wire::DecodeModelInfo(response.body);
}

Result<wire::ModelDeleted> Client::DeleteModel(const std::string& model_id, const std::string& version) {
  BLINDAI_TRY(const std::string query, VersionPart("?version=", version));
  BLINDAI_TRY(const std::string target, ModelTarget("/v1/models/", model_id, query));
  const auto make = [&]() -> Result<net::HttpRequest> {
    net::HttpRequest request;
    request.method = "DELETE";
    request.target = target;
    request.timeout = impl_->options().request_timeout;
    return request;
  };
  BLINDAI_TRY(const net::HttpResponse response, impl_->Send({.make = make,
                                                             .repeat = Repeat::kSameServer,
                                                             .idempotency_key = NewIdempotencyKey(),
                                                             .model = model_id}));
  return wire::DecodeModelDeleted(response.body);
}

Result<Prediction> Client::Predict(const std::string& model_id,
                                   std::span<const vocabulary::TensorView> inputs,
                                   const PredictOptions& options) {
  BLINDAI_TRY(const std::string version, VersionPart("/versions/", options.version));
  BLINDAI_TRY(const std::string target, ModelTarget("/v2/models/", model_id, version + "/infer"));
  wire::InferRequest infer;
  infer.binary_data_output = true;
  for (const vocabulary::TensorView& input : inputs) infer.inputs.push_back({input, true, {}});
  for (const std::string& name : options.outputs) infer.outputs.push_back({name, std::nullopt, {}});
  auto body = wire::EncodeInferRequest(infer);
  if (!body.ok()) return ArgumentError(body.error().message, body.error().param);
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
  BLINDAI_TRY(net::HttpResponse response, impl_->Send({.make = make,
                                                       .repeat = Repeat::kAnywhere,
                                                       .idempotency_key = NewIdempotencyKey(),
                                                       .model = model_id,
                                                       .connection = &connection}));
  BLINDAI_TRY(const std::optional<std::uint64_t> header_length, HeaderLength(response));
  base::Bytes answer = std::move(response.body);
  BLINDAI_TRY(wire::InferResponse decoded, wire::DecodeInferResponse(answer, header_length));
  return Prediction(std::move(answer), std::move(decoded), std::move(connection));
}

// Said aloud, so that the server can refuse it before any sound is sent.
std::string ModelOrDefault(const std::string& model) {
  return model.empty() ? std::string(vocabulary::kDefaultModel) : model;
}

Result<Transcription> Client::Transcribe(const FileSource& recording, const TranscribeOptions& options) {
  const std::string model = ModelOrDefault(options.request.model);
  TranscriptionExchange exchange(recording, options, model);
  const auto make = [&exchange] { return exchange.MakeRequest(); };
  BLINDAI_TRY(net::HttpResponse response, impl_->Send({.make = make,
                                                       .repeat = Repeat::kAnywhere,
                                                       .idempotency_key = NewIdempotencyKey(),
                                                       .model = model}));
  return exchange.Finish(std::move(response));
}

Result<JobReference> Client::StartJob(const FileSource& recording, const TranscribeOptions& options) {
  wire::TranscriptionRequest wanted = options.request;
  wanted.stream = false;
  wanted.progress = false;
  wanted.model = ModelOrDefault(wanted.model);
  const auto make = [&] { return MakeTranscriptionRequest("/v1/audio/jobs", recording, wanted, options); };
  ServerAddress server;
  BLINDAI_TRY(net::HttpResponse response,
              impl_->Send({.make = make, .model = wanted.model, .went_to = &server}));
  const base::SecretBytes body(std::move(response.body));
  BLINDAI_TRY(wire::AudioJob job, wire::DecodeAudioJob(body.ExposeSecret()));
  JobReference reference{.id = std::move(job.id), .token = std::move(job.token), .server = std::nullopt};
  if (impl_->options().directory) reference.server = std::move(server);
  return reference;
}

Result<net::HttpResponse> Client::AskAboutJob(std::string method, const JobReference& reference,
                                              std::string_view what) {
  const auto make = [&]() -> Result<net::HttpRequest> {
    net::HttpRequest request;
    request.method = method;
    request.target = "/v1/audio/jobs/" + net::PercentEncode(reference.id) + std::string(what);
    request.headers.Set(wire::kJobTokenHeader, reference.token);
    request.timeout = impl_->options().request_timeout;
    return request;
  };
  return impl_->Send({.make = make,
                      .repeat = method == "GET" ? Repeat::kAnywhere : Repeat::kNotOnceSent,
                      .only = reference.server ? &*reference.server : nullptr});
}

Result<wire::AudioJob> Client::LookAtJob(const JobReference& reference) {
  BLINDAI_TRY(const net::HttpResponse response, AskAboutJob("GET", reference, ""));
  return wire::DecodeAudioJob(response.body);
}

Result<JobResult> Client::FetchJobResult(const JobReference& reference) {
  BLINDAI_TRY(net::HttpResponse response, AskAboutJob("GET", reference, "/result"));
  std::string content_type(response.headers.Find("Content-Type").value_or(""));
  return JobResult{base::SecretBytes(std::move(response.body)), std::move(content_type)};
}

base::Status Client::DeleteJob(const JobReference& reference) {
  BLINDAI_RETURN_IF_ERROR(AskAboutJob("DELETE", reference, ""));
  return base::Ok();
}

Result<std::unique_ptr<LiveTranscription>> Client::TranscribeLive(const LiveOptions& options) {
  wire::RealtimeSettings settings = options.settings;
  settings.model = ModelOrDefault(settings.model);
  const wire::ClientMessage read =
      wire::DecodeClientEvent(base::AsBytes(wire::EncodeSessionUpdate(settings)), {});
  if (!read.event.ok()) return ArgumentError(read.event.error().message, read.event.error().param);
  std::unique_ptr<LiveTranscription> live;
  const auto start = [&](std::unique_ptr<AttestedConnection> connection) -> base::Status {
    net::HttpRequest request;
    request.target = "/v1/realtime?intent=transcription";
    BLINDAI_TRY(auto socket, AttestedConnection::OpenWebSocket(std::move(connection), request));
    BLINDAI_TRY(live, LiveTranscription::Start(std::move(socket), settings, impl_->options().keep_waiting));
    return base::Ok();
  };
  // Nothing has been said yet: where the server is lost, it may be another one.
  BLINDAI_RETURN_IF_ERROR(
      impl_->UseOwn({.make = nullptr, .repeat = Repeat::kAnywhere, .model = settings.model}, start));
  return live;
}

}  // namespace blindai::client
