#include "protocols/endpoints/blindai_v06.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "net/await_callback.h"
#include "protocols/wire/blindai_tensors.h"
#include "protocols/wire/blindai_v06.h"
#include "protocols/wire/errors.h"
#include "service/delete_model.h"
#include "service/model_names.h"
#include "service/run_model.h"

namespace blindai::endpoints {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using service::ModelRecord;
using service::RunDone;
using service::ServedModel;
using vocabulary::ModelId;

constexpr const char* kGenuine = "blindai";
constexpr const char* kMock = "blindai mock (testing)";
// Room for what stands beside the tensors.
constexpr std::uint64_t kCborAllowanceBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxDeleteBytes = 64 * 1024;
constexpr std::size_t kUploadPieceBytes = std::size_t{1} << 20;

// A request with the body that its tensors are views of; wiped when the last user lets go.
struct Incoming {
  base::SecretBytes body;
  wire::v06::RunRequest request;
};

// An answer on its way out, wiped when the last byte has been written.
struct Outgoing {
  RunDone done;
  std::vector<base::Bytes> heads;
  explicit Outgoing(RunDone run) : done(std::move(run)) {}
  ~Outgoing() {
    for (vocabulary::Tensor& tensor : done.answer.outputs) base::Wipe(tensor.data);
  }
};

bool Is(const net::HttpExchange& exchange, std::string_view method, std::string_view path) {
  return exchange.head().method == method && exchange.head().path == path;
}

int StatusFor(const base::Error& error) {
  // The clients tell only below 400 from the rest; what cannot be honoured is the request's fault, not ours.
  return error.kind == ErrorKind::kUnsupported ? 400 : wire::HttpStatusOf(error.kind);
}

Result<std::shared_ptr<const ServedModel>> FindModel(const service::ModelCatalogue& catalogue,
                                                     const service::Caller& caller,
                                                     const wire::v06::RunRequest& request) {
  if (!request.model_sha256.empty()) return catalogue.FindBySha256(caller, request.model_sha256);
  return service::FindByName(catalogue, caller, request.model_id);
}

}  // namespace

net::Task<void> BlindaiV06::Unattested(net::HttpExchange& exchange) const {
  if (Is(exchange, "GET", "/")) return Certificate(exchange);
  if (Is(exchange, "GET", "/quote")) return Quote(exchange);
  if (Is(exchange, "GET", "/collateral")) return Collateral(exchange);
  return AnswerUnknownPath(exchange);
}

net::Task<void> BlindaiV06::Attested(net::HttpExchange& exchange) const {
  if (Is(exchange, "POST", "/run")) return Run(exchange);
  return options_.management_on_attested ? Management(exchange) : AnswerUnknownPath(exchange);
}

net::Task<void> BlindaiV06::Management(net::HttpExchange& exchange) const {
  if (Is(exchange, "POST", "/upload")) return Upload(exchange);
  if (Is(exchange, "POST", "/delete")) return Delete(exchange);
  return AnswerUnknownPath(exchange);
}

net::Task<void> BlindaiV06::Certificate(net::HttpExchange& exchange) const {
  base::Bytes body = wire::v06::EncodeByteString(options_.certificate_der);
  co_await Answer(exchange, body);
}

net::Task<void> BlindaiV06::Quote(net::HttpExchange& exchange) const {
  const auto quote = co_await Evidence();
  if (!quote.ok()) {
    co_await AnswerFailure(exchange, quote.error());
    co_return;
  }
  base::Bytes body = wire::v06::EncodeByteString((*quote)->quote);
  co_await Answer(exchange, body);
}

net::Task<void> BlindaiV06::Collateral(net::HttpExchange& exchange) const {
  const auto quote = co_await Evidence();
  if (!quote.ok()) {
    co_await AnswerFailure(exchange, quote.error());
    co_return;
  }
  base::Bytes body = wire::v06::EncodeCollateral((*quote)->collateral);
  co_await Answer(exchange, body);
}

net::Task<Result<std::shared_ptr<const service::LegacyQuote>>> BlindaiV06::Evidence() const {
  using Shared = std::shared_ptr<const service::LegacyQuote>;
  std::function<void(net::Callback<Shared>)> start = [this](net::Callback<Shared> done) {
    evidence_.Get(std::move(done));
  };
  Result<Shared> quote = co_await net::AwaitCallback<Shared>(start);
  co_return quote;
}

net::Task<void> BlindaiV06::Run(net::HttpExchange& exchange) const {
  const Result<service::Caller> caller = identify_(exchange.head());
  if (!caller.ok()) {
    co_await AnswerFailure(exchange, caller.error());
    co_return;
  }
  if (const Status allowed = service::RequireRun(*caller); !allowed.ok()) {
    co_await AnswerFailure(exchange, allowed.error());
    co_return;
  }
  Result<base::Bytes> body = co_await exchange.ReadWholeBody(options_.max_tensor_bytes + kCborAllowanceBytes);
  if (!body.ok()) {
    co_await AnswerFailure(exchange, body.error());
    co_return;
  }
  const auto incoming = std::make_shared<Incoming>();
  incoming->body = base::SecretBytes(std::move(body).value());
  Result<wire::v06::RunRequest> decoded = wire::v06::DecodeRunRequest(incoming->body.ExposeSecret());
  if (!decoded.ok()) {
    co_await AnswerFailure(exchange, decoded.error());
    co_return;
  }
  incoming->request = std::move(decoded).value();

  const Result<std::shared_ptr<const ServedModel>> served = FindModel(catalogue_, *caller, incoming->request);
  if (!served.ok()) {
    co_await AnswerFailure(exchange, served.error());
    co_return;
  }
  service::RunRequest request;
  request.inputs = incoming->request.inputs;
  request.elements = incoming;
  request.deadline = std::chrono::steady_clock::now() + options_.deadline;
  const Status named = wire::NameInputs((*served)->record.signature.inputs, request.inputs);
  if (!named.ok()) {
    co_await AnswerFailure(exchange, named.error());
    co_return;
  }

  service::RunTicket ticket;
  std::function<void(net::Callback<RunDone>)> start = [&](net::Callback<RunDone> done) {
    ticket = service::RunModel(*served, *caller, std::move(request), std::move(done));
  };
  std::function<void()> cancel = [&ticket] { ticket.Cancel(); };
  Result<RunDone> run = co_await net::AwaitCallbackOrDisconnect<RunDone>(exchange, start, cancel);
  if (!run.ok()) {
    co_await AnswerFailure(exchange, run.error());
    co_return;
  }

  const auto outgoing = std::make_shared<Outgoing>(std::move(run).value());
  const std::vector<vocabulary::Tensor>& outputs = outgoing->done.answer.outputs;
  Result<std::vector<base::Bytes>> heads = wire::v06::EncodeRunReply(outputs);
  if (!heads.ok()) {
    co_await AnswerFailure(exchange, heads.error());
    co_return;
  }
  outgoing->heads = std::move(heads).value();
  net::HttpResponse response = ResponseWith(200);
  for (std::size_t i = 0; i < outgoing->heads.size(); ++i) {
    response.parts.push_back({outgoing->heads[i], outgoing});
    if (i < outputs.size()) response.parts.push_back({outputs[i].data, outgoing});
  }
  co_await exchange.Respond(response);
}

net::Task<void> BlindaiV06::Upload(net::HttpExchange& exchange) const {
  const Result<ModelRecord> record = co_await ReceiveModel(exchange);
  if (!record.ok()) {
    co_await AnswerFailure(exchange, record.error());
    co_return;
  }
  base::Bytes body = wire::v06::EncodeUploadReply(record->sha256, record->id.text());
  co_await Answer(exchange, body);
}

net::Task<Result<ModelRecord>> BlindaiV06::ReceiveModel(net::HttpExchange& exchange) const {
  const Result<service::Caller> caller = identify_(exchange.head());
  if (!caller.ok()) co_return caller.error();
  // Before a body of a gigabyte is taken in for nothing.
  const Status allowed = service::RequireUpload(*caller);
  if (!allowed.ok()) co_return allowed.error();

  std::unique_ptr<service::ModelUpload> upload;
  wire::v06::UploadSink sink;
  sink.begin = [&](std::optional<std::uint64_t> model_bytes) -> Status {
    service::UploadRequest request{.id = service::RandomModelId(), .content_length = model_bytes};
    BLINDAI_TRY(upload,
                service::ModelUpload::Begin(catalogue_, options_.upload, *caller, std::move(request)));
    return base::Ok();
  };
  sink.piece = [&](base::ByteView piece) { return upload->Feed(piece); };
  wire::v06::UploadDecoder decoder(std::move(sink));

  base::SecretBytes piece(kUploadPieceBytes);
  while (true) {
    const Result<std::size_t> read = co_await exchange.ReadBody(piece.ExposeSecretForWriting());
    if (!read.ok()) co_return read.error();
    if (*read == 0) break;
    const Status fed = decoder.Feed(piece.ExposeSecret().first(*read));
    if (!fed.ok()) co_return fed.error();
  }
  const Status whole = decoder.Finish();
  if (!whole.ok()) co_return whole.error();
  std::function<void(net::Callback<ModelRecord>)> start = [&upload](net::Callback<ModelRecord> done) {
    service::ModelUpload::Finish(std::move(upload), std::move(done));
  };
  Result<ModelRecord> record = co_await net::AwaitCallback<ModelRecord>(start);
  co_return record;
}

net::Task<void> BlindaiV06::Delete(net::HttpExchange& exchange) const {
  const Result<service::Caller> caller = identify_(exchange.head());
  if (!caller.ok()) {
    co_await AnswerFailure(exchange, caller.error());
    co_return;
  }
  if (const Status allowed = service::RequireUpload(*caller); !allowed.ok()) {
    co_await AnswerFailure(exchange, allowed.error());
    co_return;
  }
  const Result<base::Bytes> request = co_await exchange.ReadWholeBody(kMaxDeleteBytes);
  if (!request.ok()) {
    co_await AnswerFailure(exchange, request.error());
    co_return;
  }
  const Result<std::string> text = wire::v06::DecodeDeleteRequest(*request);
  const Result<ModelId> id =
      text.ok() ? service::FindOwnIdByName(catalogue_, *caller, *text) : Result<ModelId>(text.error());
  if (!id.ok()) {
    co_await AnswerFailure(exchange, id.error());
    co_return;
  }
  std::function<void(net::Callback<service::DeletedModel>)> start =
      [&](net::Callback<service::DeletedModel> done) {
        service::DeleteModel(catalogue_, *caller, *id, "", std::move(done));
      };
  const Result<service::DeletedModel> deleted = co_await net::AwaitCallback<service::DeletedModel>(start);
  if (!deleted.ok()) {
    co_await AnswerFailure(exchange, deleted.error());
    co_return;
  }
  base::Bytes body = wire::v06::EncodeDeleteReply();
  co_await Answer(exchange, body);
}

net::HttpResponse BlindaiV06::ResponseWith(int status) const {
  net::HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "application/cbor");
  response.headers.Add("Server", evidence_.is_genuine() ? kGenuine : kMock);
  return response;
}

// Consumes the body.
net::Task<void> BlindaiV06::Answer(net::HttpExchange& exchange, base::Bytes& body) const {
  net::HttpResponse response = ResponseWith(200);
  response.body = std::move(body);
  co_await exchange.Respond(response);
}

net::Task<void> BlindaiV06::AnswerFailure(net::HttpExchange& exchange, const base::Error& error) const {
  // Nobody is there to read it, or half an answer is under way already: the connection says the rest.
  if (exchange.disconnected() || exchange.response_started()) co_return;
  net::HttpResponse response = ResponseWith(StatusFor(error));
  response.body = wire::v06::EncodeFailure(error);
  co_await exchange.Respond(response);
}

net::Task<void> BlindaiV06::AnswerUnknownPath(net::HttpExchange& exchange) const {
  const base::Error error =
      MakeError(ErrorKind::kNotFound, "not-found", "this port of BlindAI 0.6 does not serve that request");
  co_await AnswerFailure(exchange, error);
}

}  // namespace blindai::endpoints
