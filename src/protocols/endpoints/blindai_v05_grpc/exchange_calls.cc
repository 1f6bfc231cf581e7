#include "protocols/endpoints/blindai_v05_grpc/exchange_calls.h"

#include <fmt/format.h>
#include <grpcpp/alarm.h>

#include <cmath>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "crypto/digest.h"
#include "protocols/endpoints/grpc/call_status.h"
#include "protocols/endpoints/grpc/post.h"
#include "protocols/wire/blindai_tensors.h"
#include "protocols/wire/blindai_v05/payload.h"
#include "protocols/wire/blindai_v05/run_stream.h"
#include "protocols/wire/blindai_v05/upload_stream.h"
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

base::Bytes BytesOfHex(std::string_view hex) {
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  base::Bytes bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  return bytes;
}

// What the two streaming calls share. gRPC holds the call until OnDone(), work that is under way holds it too.
template <typename Request, typename Reply>
class StreamCall : public grpc::ServerReadReactor<Request>,
                   public std::enable_shared_from_this<StreamCall<Request, Reply>> {
 public:
  StreamCall(ExchangeContext& context, grpc::CallbackServerContext* call, Reply* reply)
      : context_(context), call_(call), reply_(reply), number_(context.calls.fetch_add(1)) {}

  void Begin(const Status& allowed) {
    held_ = this->shared_from_this();
    if (!allowed.ok()) return Fail(allowed.error());
    if (number_ >= context_.max_calls) {
      return Fail(MakeError(
          ErrorKind::kExhausted, "server-busy",
          fmt::format("{} calls are being served, which is the limit; try again later", context_.max_calls)));
    }
    WatchForSilence();
    this->StartRead(&message_);
  }

 protected:
  // The next message; its data is wiped by the callee.
  virtual Status Take(Request& message) = 0;
  // All messages are there. Ends in Fail() or Succeed().
  virtual void Complete() = 0;
  // The client is gone.
  virtual void Cancel() {}
  // The call is over, or failed while it received: lets go of all that came. Whoever still holds the call must find
  // nothing in it. May be called twice.
  virtual void Release() = 0;

  void Fail(const base::Error& error) { this->Finish(StatusForBlindaiV05(error)); }
  void Succeed(std::string payload, bool sign) {
    if (sign) {
      const base::Bytes signature = context_.sign(base::AsBytes(payload));
      reply_->set_signature(std::string(base::AsText(signature)));
    }
    reply_->set_payload(std::move(payload));
    this->Finish(grpc::Status::OK);
  }
  bool IsCancelled() {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

  ExchangeContext& context_;

 private:
  void OnReadDone(bool ok) final {
    if (!ok) {
      {
        const std::lock_guard lock(mutex_);
        reading_ = false;
      }
      if (call_->IsCancelled())
        return Fail(MakeError(ErrorKind::kCancelled, "cancelled", "the call was cancelled"));
      return Complete();
    }
    {
      const std::lock_guard lock(mutex_);
      last_message_ = std::chrono::steady_clock::now();
    }
    if (const Status taken = Take(message_); !taken.ok()) {
      // Before the client hears of it, so that it may try again at once.
      Release();
      return Fail(taken.error());
    }
    this->StartRead(&message_);
  }
  void OnCancel() final {
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
    }
    Cancel();
  }
  void OnDone() final {
    {
      const std::lock_guard lock(mutex_);
      reading_ = false;
      if (alarm_) alarm_->Cancel();
    }
    std::string& payload = *reply_->mutable_payload();
    base::Wipe(payload.data(), payload.size());
    Release();
    context_.calls.fetch_sub(1);
    const auto released = std::move(held_);
  }

  // A client that sends nothing more must not hold memory and a place for ever.
  void WatchForSilence() {
    const std::lock_guard lock(mutex_);
    if (!reading_) return;
    alarm_ = std::make_unique<grpc::Alarm>();
    alarm_->Set(std::chrono::system_clock::now() + context_.receive_idle,
                [self = this->shared_from_this()](bool rang) mutable {
                  // The alarm keeps this function for as long as the call keeps the alarm.
                  const auto released = std::move(self);
                  if (rang) released->OnSilenceAlarm();
                });
  }
  void OnSilenceAlarm() {
    {
      const std::lock_guard lock(mutex_);
      if (!reading_) return;
      if (std::chrono::steady_clock::now() - last_message_ >= context_.receive_idle)
        return call_->TryCancel();
    }
    WatchForSilence();
  }

  grpc::CallbackServerContext* const call_;
  Reply* const reply_;
  const std::size_t number_;
  std::shared_ptr<StreamCall> held_;
  Request message_;

  std::mutex mutex_;
  bool reading_ = true;
  bool cancelled_ = false;
  std::chrono::steady_clock::time_point last_message_ = std::chrono::steady_clock::now();
  std::unique_ptr<grpc::Alarm> alarm_;
};

class SendModelCall final
    : public StreamCall<securedexchange::SendModelRequest, securedexchange::SendModelReply> {
 public:
  SendModelCall(ExchangeContext& context, grpc::CallbackServerContext* call,
                securedexchange::SendModelReply* reply, service::Caller caller)
      : StreamCall(context, call, reply), caller_(std::move(caller)) {}

 private:
  Status Take(securedexchange::SendModelRequest& message) override {
    Status fed = Feed(message);
    std::string& piece = *message.mutable_data();
    base::Wipe(piece.data(), piece.size());
    return fed;
  }
  Status Feed(const securedexchange::SendModelRequest& message) {
    if (!stream_) {
      BLINDAI_TRY(stream_, wire::UploadStream::Begin(message));
      BLINDAI_RETURN_IF_ERROR(BeginUpload());
    }
    BLINDAI_TRY(const base::ByteView piece, stream_->Next(message));
    return upload_->Feed(piece);
  }
  Status BeginUpload() {
    vocabulary::ModelId id = service::RandomModelId();
    if (!stream_->id().empty()) {
      BLINDAI_TRY(id, service::IdForUpload(caller_, stream_->id()));
    }
    BLINDAI_TRY(upload_,
                service::ModelUpload::Begin(context_.catalogue, context_.upload, caller_,
                                            {.id = std::move(id), .content_length = stream_->length()}));
    return base::Ok();
  }

  void Complete() override {
    if (!upload_)
      return Fail(MakeError(ErrorKind::kInvalid, "no-data", "the stream ended before its first message"));
    const auto self = std::static_pointer_cast<SendModelCall>(shared_from_this());
    service::ModelUpload::Finish(std::move(upload_), [self](Result<ModelRecord> record) {
      Post([self, record = std::move(record)] { self->Answer(record); });
    });
  }
  void Answer(const Result<ModelRecord>& record) {
    if (!record.ok()) return Fail(record.error());
    std::string payload = wire::EncodeUploadPayload({.model_hash = BytesOfHex(record->sha256),
                                                     .inputs = record->signature.inputs,
                                                     .outputs = record->signature.outputs,
                                                     .model_id = record->id.text(),
                                                     .simulation = context_.simulation,
                                                     .issued_at = base::Now()});
    Succeed(std::move(payload), stream_->sign());
  }

  void Release() override { upload_.reset(); }

  const service::Caller caller_;
  std::optional<wire::UploadStream> stream_;
  std::unique_ptr<service::ModelUpload> upload_;
};

class RunModelCall final
    : public StreamCall<securedexchange::RunModelRequest, securedexchange::RunModelReply> {
 public:
  RunModelCall(ExchangeContext& context, grpc::CallbackServerContext* call,
               securedexchange::RunModelReply* reply, service::Caller caller)
      : StreamCall(context, call, reply),
        caller_(std::move(caller)),
        stream_(std::make_shared<wire::RunStream>(
            wire::RunStreamLimits{.tensor_bytes = context.max_tensor_bytes})) {}

 private:
  Status Take(securedexchange::RunModelRequest& message) override { return stream_->Add(message); }

  void Complete() override {
    completed_ = std::chrono::steady_clock::now();
    service::RunRequest request;
    const Result<vocabulary::ModelId> id = Prepare(request);
    if (!id.ok()) return Fail(id.error());
    const auto self = std::static_pointer_cast<RunModelCall>(shared_from_this());
    service::RunTicket ticket =
        service::RunModel(context_.catalogue, caller_, *id, std::move(request), [self](Result<RunDone> done) {
          Post(
              [self, shared = std::make_shared<Result<RunDone>>(std::move(done))] { self->Answer(*shared); });
        });
    {
      const std::lock_guard lock(ticket_mutex_);
      ticket_ = ticket;
    }
    if (IsCancelled()) ticket.Cancel();
  }
  // The request, and what the payload will say of it; the elements go with the request.
  Result<vocabulary::ModelId> Prepare(service::RunRequest& request) {
    BLINDAI_RETURN_IF_ERROR(stream_->Finish());
    sign_ = stream_->sign();
    BLINDAI_TRY(const auto served, service::FindByName(context_.catalogue, caller_, stream_->model_id()));
    request.inputs = stream_->inputs();
    BLINDAI_RETURN_IF_ERROR(wire::NameInputs(served->record.signature.inputs, request.inputs));
    crypto::Sha256Hasher hasher;
    for (const vocabulary::TensorView& input : request.inputs) {
      hasher.Update(input.data);
      inputs_.emplace_back(input.name, input.datatype, input.shape, base::ByteView());
    }
    input_hash_ = base::CopyBytes(hasher.Finish().view());
    requested_id_ = stream_->model_id();
    request.elements = std::move(stream_);
    request.deadline = completed_ + context_.deadline;
    return served->record.id;
  }

  void Answer(Result<RunDone>& done) {
    if (!done.ok()) return Fail(done.error());
    const auto elapsed = std::chrono::steady_clock::now() - completed_;
    Result<std::string> payload = wire::EncodeRunPayload(
        {.input_hash = input_hash_,
         .model_hash = BytesOfHex(done->record.sha256),
         .model_id = requested_id_,
         .inputs = inputs_,
         .outputs = {done->answer.outputs.begin(), done->answer.outputs.end()},
         .inference_ms = static_cast<std::uint64_t>(std::llround(done->answer.compute_ms)),
         .request_ms = static_cast<std::uint64_t>(
             std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count()),
         .simulation = context_.simulation,
         .issued_at = base::Now()});
    for (vocabulary::Tensor& output : done->answer.outputs) base::Wipe(output.data);
    if (!payload.ok()) return Fail(payload.error());
    Succeed(std::move(*payload), sign_);
  }
  void Cancel() override {
    service::RunTicket ticket;
    {
      const std::lock_guard lock(ticket_mutex_);
      ticket = ticket_;
    }
    ticket.Cancel();
  }

  void Release() override { stream_.reset(); }

  const service::Caller caller_;
  std::shared_ptr<wire::RunStream> stream_;
  bool sign_ = false;
  std::string requested_id_;
  base::Bytes input_hash_;
  std::vector<vocabulary::TensorView> inputs_;  // without elements
  std::chrono::steady_clock::time_point completed_;
  std::mutex ticket_mutex_;
  service::RunTicket ticket_;
};

}  // namespace

Result<service::Caller> ExchangeCalls::Identify(const grpc::CallbackServerContext& call) const {
  const auto& metadata = call.client_metadata();
  const auto token = metadata.find("accesstoken");
  if (token == metadata.end()) return identify_(std::nullopt);
  return identify_(std::string_view(token->second.data(), token->second.size()));
}

grpc::ServerReadReactor<securedexchange::SendModelRequest>* ExchangeCalls::SendModel(
    grpc::CallbackServerContext* call, securedexchange::SendModelReply* reply) {
  const Result<service::Caller> caller = Identify(*call);
  const auto made =
      std::make_shared<SendModelCall>(context_, call, reply, caller.ok() ? *caller : service::Caller{});
  made->Begin(caller.ok() ? service::RequireUpload(*caller) : Status(caller.error()));
  return made.get();
}

grpc::ServerReadReactor<securedexchange::RunModelRequest>* ExchangeCalls::RunModel(
    grpc::CallbackServerContext* call, securedexchange::RunModelReply* reply) {
  const Result<service::Caller> caller = Identify(*call);
  const auto made =
      std::make_shared<RunModelCall>(context_, call, reply, caller.ok() ? *caller : service::Caller{});
  made->Begin(caller.ok() ? service::RequireRun(*caller) : Status(caller.error()));
  return made.get();
}

grpc::ServerUnaryReactor* ExchangeCalls::DeleteModel(grpc::CallbackServerContext* call,
                                                     const securedexchange::DeleteModelRequest* request,
                                                     securedexchange::DeleteModelReply*) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  const auto fail = [reactor](const base::Error& error) {
    reactor->Finish(StatusForBlindaiV05(error));
    return reactor;
  };
  const Result<service::Caller> caller = Identify(*call);
  if (!caller.ok()) return fail(caller.error());
  if (const Status allowed = service::RequireUpload(*caller); !allowed.ok()) return fail(allowed.error());
  const Result<vocabulary::ModelId> id =
      service::FindOwnIdByName(context_.catalogue, *caller, request->model_id());
  if (!id.ok()) return fail(id.error());
  service::DeleteModel(
      context_.catalogue, *caller, *id, "", [reactor](const Result<service::DeletedModel>& deleted) {
        reactor->Finish(deleted.ok() ? grpc::Status::OK : StatusForBlindaiV05(deleted.error()));
      });
  return reactor;
}

}  // namespace blindai::endpoints
