#include "protocols/endpoints/models.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "net/await_callback.h"
#include "protocols/endpoints/answer.h"
#include "protocols/endpoints/speech_upload.h"
#include "protocols/wire/model_listing.h"
#include "service/delete_model.h"

namespace blindai::endpoints {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using service::ModelRecord;
using vocabulary::ModelId;
using Versions = std::vector<std::shared_ptr<const service::ServedModel>>;

// Pieces of an upload: large enough that the kernel, TLS and the digest are busy with bytes and not with
// calls.
constexpr std::size_t kUploadPieceBytes = std::size_t{1} << 20;

// Of a version, with those beside it that the caller may use.
wire::ModelInfo InfoOf(const ModelRecord& record, const Versions& versions) {
  wire::ModelInfo info;
  info.id = record.id.text();
  info.created = record.created.time_since_epoch().count();
  info.owned_by = record.owner;
  info.sha256 = record.sha256;
  info.bytes = record.bytes;
  info.precision = record.precision == service::Precision::kBf16 ? wire::ModelPrecision::kBf16
                                                                 : wire::ModelPrecision::kF32;
  info.kind = record.speech != nullptr    ? wire::ModelKind::kCtcSpeech
              : record.whisper != nullptr ? wire::ModelKind::kWhisper
                                          : wire::ModelKind::kTensor;
  info.visibility = static_cast<wire::ModelVisibility>(record.visibility);
  info.saved = record.is_saved;
  info.is_default = record.is_default;
  if (record.expires) info.expires_at = record.expires->time_since_epoch().count();
  info.inputs = record.signature.inputs;
  info.outputs = record.signature.outputs;
  info.version = record.version;
  info.version_policy = record.policy.ToText();
  for (const auto& version : versions) {
    info.versions.push_back(version->record.version);
    for (const std::string& label : version->record.labels) info.labels[label] = version->record.version;
  }
  return info;
}
wire::ModelInfo InfoOf(const service::ServedModel& served, const Versions& versions) {
  wire::ModelInfo info = InfoOf(served.record, versions);
  info.state = served.record.is_damaged ? "failed" : served.host->stats().is_suspended ? "stored" : "ready";
  return info;
}

std::optional<service::Visibility> VisibilityOf(const wire::UploadQuery& query) {
  if (!query.visibility) return std::nullopt;
  return static_cast<service::Visibility>(*query.visibility);
}
static_assert(static_cast<int>(wire::ModelVisibility::kPublic) ==
              static_cast<int>(service::Visibility::kPublic));

class ModelsEndpoint {
 public:
  ModelsEndpoint(service::ModelCatalogue& catalogue, service::UploadOptions upload, IdentifyCaller identify)
      : catalogue_(catalogue), upload_(std::move(upload)), identify_(std::move(identify)) {}

  net::Task<void> Put(net::HttpExchange& exchange, const PathArguments& arguments) const {
    const Result<ModelRecord> record = co_await Upload(exchange, arguments.at("id"));
    if (!record.ok()) {
      co_await AnswerError(exchange, record.error());
      co_return;
    }
    const Result<service::Caller> caller = identify_(exchange.head());
    const std::string json = wire::EncodeModelInfo(
        InfoOf(*record, caller.ok() ? catalogue_.VersionsOf(*caller, record->id) : Versions()));
    co_await AnswerJson(exchange, 201, json);
  }

  net::Task<void> List(net::HttpExchange& exchange) const {
    const Result<service::Caller> caller = identify_(exchange.head());
    if (!caller.ok()) {
      co_await AnswerError(exchange, caller.error());
      co_return;
    }
    std::vector<wire::ModelInfo> models;
    Versions versions;
    const Versions all = catalogue_.ListVersions(*caller);
    for (std::size_t i = 0; i < all.size(); ++i) {
      versions.push_back(all[i]);
      const bool is_highest = i + 1 == all.size() || !(all[i + 1]->record.id == all[i]->record.id);
      if (!is_highest) continue;
      models.push_back(InfoOf(*all[i], versions));
      versions.clear();
    }
    const std::string json = wire::EncodeModelList(models);
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Show(net::HttpExchange& exchange, const PathArguments& arguments) const {
    const Result<std::string> version = wire::DecodeVersionQuery(exchange.head().query);
    const Result<wire::ModelInfo> info = version.ok() ? InfoFor(exchange.head(), arguments.at("id"), *version)
                                                      : Result<wire::ModelInfo>(version.error());
    if (!info.ok()) {
      co_await AnswerError(exchange, info.error());
      co_return;
    }
    const std::string json = wire::EncodeModelInfo(*info);
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Change(net::HttpExchange& exchange, const PathArguments& arguments) const {
    const Result<ModelRecord> changed = co_await ChangeFrom(exchange, arguments.at("id"));
    const Result<wire::ModelInfo> info = changed.ok() ? InfoFor(exchange.head(), arguments.at("id"), "")
                                                      : Result<wire::ModelInfo>(changed.error());
    if (!info.ok()) {
      co_await AnswerError(exchange, info.error());
      co_return;
    }
    const std::string json = wire::EncodeModelInfo(*info);
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Delete(net::HttpExchange& exchange, const PathArguments& arguments) const {
    const Result<service::Caller> caller = identify_(exchange.head());
    const Result<ModelId> id = ModelId::Parse(arguments.at("id"));
    const Result<std::string> version = wire::DecodeVersionQuery(exchange.head().query);
    if (!caller.ok() || !id.ok() || !version.ok()) {
      co_await AnswerError(exchange, !caller.ok() ? caller.error() : !id.ok() ? id.error() : version.error());
      co_return;
    }
    std::function<void(net::Callback<service::DeletedModel>)> start =
        [&](net::Callback<service::DeletedModel> done) {
          service::DeleteModel(catalogue_, *caller, *id, *version, std::move(done));
        };
    const Result<service::DeletedModel> deleted = co_await net::AwaitCallback<service::DeletedModel>(start);
    if (!deleted.ok()) {
      co_await AnswerError(exchange, deleted.error());
      co_return;
    }
    const std::string json = wire::EncodeModelDeleted({.id = id->text(),
                                                       .sha256 = deleted->record.sha256,
                                                       .saved = deleted->was_saved,
                                                       .deleted_at = base::Now().time_since_epoch().count(),
                                                       .versions = deleted->versions});
    co_await AnswerJson(exchange, 200, json);
  }

 private:
  Result<wire::ModelInfo> InfoFor(const net::RequestHead& head, const std::string& text,
                                  std::string_view version) const {
    BLINDAI_TRY(const service::Caller caller, identify_(head));
    BLINDAI_TRY(const ModelId id, ModelId::Parse(text));
    BLINDAI_TRY(const auto served, catalogue_.Find(caller, id, version));
    return InfoOf(*served, catalogue_.VersionsOf(caller, id));
  }

  net::Task<Result<ModelRecord>> ChangeFrom(net::HttpExchange& exchange, const std::string& text) const {
    const Result<service::Caller> caller = identify_(exchange.head());
    if (!caller.ok()) co_return caller.error();
    const Result<ModelId> id = ModelId::Parse(text);
    if (!id.ok()) co_return id.error();
    const Result<base::Bytes> body = co_await exchange.ReadWholeBody(wire::kMaxModelChangeBytes);
    if (!body.ok()) co_return body.error();
    const Result<wire::ModelChange> asked = wire::DecodeModelChange(*body);
    if (!asked.ok()) co_return asked.error();
    std::function<void(net::Callback<ModelRecord>)> start = [&](net::Callback<ModelRecord> done) {
      service::ChangeVersions(catalogue_, *caller, *id, {.policy = asked->versions, .labels = asked->labels},
                              std::move(done));
    };
    Result<ModelRecord> changed = co_await net::AwaitCallback<ModelRecord>(start);
    co_return changed;
  }

  // An upload under way; `speech` reads the body of a speech model.
  struct Incoming {
    std::unique_ptr<service::ModelUpload> upload;
    std::unique_ptr<SpeechUpload> speech;

    base::Status Feed(base::ByteView bytes) { return speech ? speech->Feed(bytes) : upload->Feed(bytes); }
    base::Status End() { return speech ? speech->Finish() : base::Ok(); }
  };

  // Everything that can be said before the first byte of the body is read.
  Result<Incoming> Begin(net::HttpExchange& exchange, const std::string& text) const {
    const net::RequestHead& head = exchange.head();
    BLINDAI_TRY(const service::Caller caller, identify_(head));
    BLINDAI_TRY(ModelId id, ModelId::Parse(text));
    BLINDAI_TRY(const wire::UploadQuery query, wire::DecodeUploadQuery(head.query));
    if (!head.has_body()) {
      return MakeError(ErrorKind::kInvalid, "model-empty",
                       "the body is empty; send the ONNX file as the body of the request");
    }
    const bool bf16 = query.precision.value_or(wire::ModelPrecision::kF32) == wire::ModelPrecision::kBf16;
    service::UploadRequest request{.id = std::move(id),
                                   .precision = bf16 ? service::Precision::kBf16 : service::Precision::kF32,
                                   .visibility = VisibilityOf(query)};
    request.tenants = query.tenants;
    request.save = query.save.value_or(false);
    request.is_default = query.is_default;
    request.versions = {.policy = query.versions, .label = query.label};
    if (query.ttl_s) request.time_to_live = std::chrono::seconds(*query.ttl_s);
    const bool is_speech = wire::Transcribes(query.kind);
    const std::uint64_t length = head.content_length.value_or(0);
    if (!is_speech) {
      request.content_length = head.content_length;
    } else if (length > kSpeechFilesBytes) {
      request.least_bytes = length - kSpeechFilesBytes;
    }
    Incoming incoming;
    BLINDAI_TRY(incoming.upload,
                service::ModelUpload::Begin(catalogue_, upload_, caller, std::move(request)));
    if (is_speech) {
      const std::string_view type = head.headers.Find("Content-Type").value_or("");
      BLINDAI_TRY(incoming.speech, SpeechUpload::Make(query.kind, type, *incoming.upload));
    }
    return incoming;
  }

  net::Task<Result<ModelRecord>> Upload(net::HttpExchange& exchange, const std::string& id) const {
    Result<Incoming> begun = Begin(exchange, id);
    if (!begun.ok()) co_return std::move(begun).error();
    Incoming incoming = std::move(begun).value();

    base::Bytes piece(kUploadPieceBytes);
    while (true) {
      const Result<std::size_t> read = co_await exchange.ReadBody(piece);
      if (!read.ok()) co_return read.error();
      if (*read == 0) break;
      const base::Status fed = incoming.Feed(base::ByteView(piece.data(), *read));
      if (!fed.ok()) co_return fed.error();
    }
    const base::Status ended = incoming.End();
    if (!ended.ok()) co_return ended.error();
    std::function<void(net::Callback<ModelRecord>)> start = [&incoming](net::Callback<ModelRecord> done) {
      service::ModelUpload::Finish(std::move(incoming.upload), std::move(done));
    };
    Result<ModelRecord> record = co_await net::AwaitCallback<ModelRecord>(start);
    co_return record;
  }

  service::ModelCatalogue& catalogue_;
  const service::UploadOptions upload_;
  const IdentifyCaller identify_;
};

}  // namespace

void RegisterModels(Router& router, service::ModelCatalogue& catalogue, service::UploadOptions upload,
                    IdentifyCaller identify) {
  const auto endpoint =
      std::make_shared<const ModelsEndpoint>(catalogue, std::move(upload), std::move(identify));
  router.Add("GET", "/v1/models", [endpoint](net::HttpExchange& exchange, const PathArguments&) {
    return endpoint->List(exchange);
  });
  router.Add("GET", "/v1/models/{id}",
             [endpoint](net::HttpExchange& exchange, const PathArguments& arguments) {
               return endpoint->Show(exchange, arguments);
             });
  router.Add("PUT", "/v1/models/{id}",
             [endpoint](net::HttpExchange& exchange, const PathArguments& arguments) {
               return endpoint->Put(exchange, arguments);
             });
  router.Add("PATCH", "/v1/models/{id}",
             [endpoint](net::HttpExchange& exchange, const PathArguments& arguments) {
               return endpoint->Change(exchange, arguments);
             });
  router.Add("DELETE", "/v1/models/{id}",
             [endpoint](net::HttpExchange& exchange, const PathArguments& arguments) {
               return endpoint->Delete(exchange, arguments);
             });
}

}  // namespace blindai::endpoints
