#include "protocols/endpoints/open_inference_v2_grpc/infer_calls.h"

#include <grpcpp/alarm.h>

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "protocols/endpoints/grpc/call_status.h"
#include "protocols/endpoints/grpc/post.h"
#include "protocols/endpoints/open_inference_models.h"
#include "protocols/wire/open_inference_grpc/infer_message.h"

namespace blindai::endpoints {
namespace {

using base::Result;
using base::Status;
using service::RunDone;
using Infer = grpc::SerializationTraits<inference::ModelInferRequest>;
using SteadyTime = std::chrono::steady_clock::time_point;

// A request with the tensors that borrow from its message; wiped when the last user lets go.
struct Decoded {
  inference::ModelInferRequest message;
  wire::InferRequest request;
  Decoded() = default;
  Decoded(const Decoded&) = delete;
  Decoded& operator=(const Decoded&) = delete;
  ~Decoded() {
    wire::WipeMessage(message);
    for (base::Bytes& bytes : request.storage) base::Wipe(bytes);
  }
};

// The call's own deadline, where it is sooner than the server's.
SteadyTime LatestOf(const InferenceContext& context, const grpc::CallbackServerContext& call) {
  const auto now = std::chrono::steady_clock::now();
  const auto most = now + context.options.deadline;
  const auto left = call.deadline() - std::chrono::system_clock::now();
  return left < context.options.deadline
             ? now + std::chrono::duration_cast<std::chrono::steady_clock::duration>(left)
             : most;
}

// The run of one message. `done` is called once, on one of gRPC's threads.
class MessageRun {
 public:
  using Done = std::function<void(Result<RunDone>&)>;

  // What the message asks for is decoded before this returns; it is not used after `done`.
  void Start(const InferenceContext& context, const service::Caller& caller, std::shared_ptr<Decoded> decoded,
             SteadyTime latest, Done done) {
    Result<service::RunTicket> started = Begin(context, caller, decoded, latest, done);
    if (!started.ok()) {
      Result<RunDone> failed = std::move(started).error();
      return done(failed);
    }
    bool is_cancelled = false;
    {
      const std::lock_guard lock(mutex_);
      ticket_ = *started;
      is_cancelled = is_cancelled_;
    }
    if (is_cancelled) started->Cancel();
  }
  // Any thread, at any time.
  void Cancel() {
    service::RunTicket ticket;
    {
      const std::lock_guard lock(mutex_);
      is_cancelled_ = true;
      ticket = ticket_;
    }
    ticket.Cancel();
  }

 private:
  static Result<service::RunTicket> Begin(const InferenceContext& context, const service::Caller& caller,
                                          const std::shared_ptr<Decoded>& decoded, SteadyTime latest,
                                          const Done& done) {
    const inference::ModelInferRequest& message = decoded->message;
    BLINDAI_TRY(const auto served,
                FindVersion(context.catalogue, caller, message.model_name(), message.model_version()));
    BLINDAI_TRY(decoded->request,
                wire::DecodeInferMessage(message, {.tensor_bytes = context.options.max_tensor_bytes}));
    return service::RunModel(served, caller, RunRequestOf(decoded->request, decoded, latest),
                             [done](Result<RunDone> answer) {
                               const auto held = std::make_shared<Result<RunDone>>(std::move(answer));
                               Post([done, held] { done(*held); });
                             });
  }

  std::mutex mutex_;
  bool is_cancelled_ = false;
  service::RunTicket ticket_;
};

// The answer as a message; the run's own tensors are wiped.
void FillAnswer(RunDone& done, const std::string& id, inference::ModelInferResponse& message) {
  wire::InferResponse response;
  response.model_name = done.record.id.text();
  response.model_version = std::to_string(done.record.version);
  response.id = id;
  for (const vocabulary::Tensor& tensor : done.answer.outputs) response.outputs.push_back({tensor, true, {}});
  wire::EncodeInferMessage(response, message);
  for (vocabulary::Tensor& tensor : done.answer.outputs) base::Wipe(tensor.data);
}

// gRPC holds the call until OnDone(), work that is under way holds it too.
class InferCall final : public grpc::ServerUnaryReactor, public std::enable_shared_from_this<InferCall> {
 public:
  InferCall(InferenceContext& context, grpc::CallbackServerContext* call, grpc::ByteBuffer* response)
      : context_(context), call_(call), response_(response), place_(context) {}

  void Begin(const grpc::ByteBuffer& bytes) {
    held_ = shared_from_this();
    const auto decoded = std::make_shared<Decoded>();
    const Result<service::Caller> caller = Parse(bytes, decoded->message);
    if (!caller.ok()) return Finish(StatusOf(caller.error()));
    id_ = decoded->message.id();
    run_.Start(context_, *caller, decoded, LatestOf(context_, *call_),
               [self = shared_from_this()](Result<RunDone>& done) { self->Answer(done); });
  }

 private:
  Result<service::Caller> Parse(const grpc::ByteBuffer& bytes, inference::ModelInferRequest& message) const {
    BLINDAI_TRY(service::Caller caller, context_.Identify(*call_));
    BLINDAI_RETURN_IF_ERROR(service::RequireRun(caller));
    BLINDAI_RETURN_IF_ERROR(place_.Check());
    grpc::ByteBuffer copy(bytes);  // the same memory, counted
    if (!Infer::Deserialize(&copy, &message).ok())
      return base::Malformed("the message is not a ModelInferRequest", "grpc-message");
    return caller;
  }
  void Answer(Result<RunDone>& done) {
    if (!done.ok()) return Finish(StatusOf(done.error()));
    inference::ModelInferResponse message;
    FillAnswer(*done, id_, message);
    bool own = false;
    const grpc::Status written =
        grpc::SerializationTraits<inference::ModelInferResponse>::Serialize(message, response_, &own);
    wire::WipeMessage(message);
    Finish(written);
  }
  void OnCancel() override { run_.Cancel(); }
  void OnDone() override { const auto released = std::move(held_); }

  InferenceContext& context_;
  grpc::CallbackServerContext* const call_;
  grpc::ByteBuffer* const response_;
  const CallPlace place_;
  std::shared_ptr<InferCall> held_;
  std::string id_;
  MessageRun run_;
};

class StreamCall final
    : public grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>,
      public std::enable_shared_from_this<StreamCall> {
 public:
  StreamCall(InferenceContext& context, grpc::CallbackServerContext* call)
      : context_(context), call_(call), place_(context) {}

  void Begin() {
    held_ = shared_from_this();
    const Status allowed = Allow();
    if (!allowed.ok()) return Finish(StatusOf(allowed.error()));
    ReadNext();
  }

 private:
  Status Allow() {
    BLINDAI_TRY(caller_, context_.Identify(*call_));
    BLINDAI_RETURN_IF_ERROR(service::RequireRun(caller_));
    return place_.Check();
  }

  void ReadNext() {
    decoded_ = std::make_shared<Decoded>();
    WatchForSilence();
    StartRead(&decoded_->message);
  }
  void OnReadDone(bool ok) override {
    EndWatch();
    if (!ok) return Finish(grpc::Status::OK);
    id_ = decoded_->message.id();
    name_ = decoded_->message.model_name();
    const auto run = std::make_shared<MessageRun>();
    bool is_cancelled = false;
    {
      const std::lock_guard lock(mutex_);
      run_ = run;
      is_cancelled = is_cancelled_;
    }
    if (is_cancelled) run->Cancel();
    run->Start(context_, caller_, std::exchange(decoded_, nullptr), LatestOf(context_, *call_),
               [self = shared_from_this()](Result<RunDone>& done) { self->Answer(done); });
  }
  void Answer(Result<RunDone>& done) {
    if (done.ok()) {
      FillAnswer(*done, id_, *response_.mutable_infer_response());
    } else {
      response_.set_error_message(StatusText(done.error()));
      response_.mutable_infer_response()->set_id(id_);
      response_.mutable_infer_response()->set_model_name(name_);
    }
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    wire::WipeMessage(*response_.mutable_infer_response());
    response_.Clear();
    if (!ok) return Finish(grpc::Status(grpc::CANCELLED, "the call was cancelled (cancelled)"));
    ReadNext();
  }
  void OnCancel() override {
    std::shared_ptr<MessageRun> run;
    {
      const std::lock_guard lock(mutex_);
      is_cancelled_ = true;
      run = run_;
    }
    if (run) run->Cancel();
  }
  void OnDone() override {
    EndWatch();
    const auto released = std::move(held_);
  }

  // A client that asks for nothing must not hold a place for ever.
  void WatchForSilence() {
    const std::lock_guard lock(watch_mutex_);
    const std::uint64_t read = ++reads_;
    is_reading_ = true;
    alarm_ = std::make_unique<grpc::Alarm>();
    alarm_->Set(std::chrono::system_clock::now() + context_.options.stream_idle,
                [self = shared_from_this(), read](bool rang) mutable {
                  // The alarm keeps this function for as long as the call keeps the alarm.
                  const auto released = std::move(self);
                  if (rang) released->OnSilence(read);
                });
  }
  void OnSilence(std::uint64_t read) {
    const std::lock_guard lock(watch_mutex_);
    if (is_reading_ && reads_ == read) call_->TryCancel();
  }
  void EndWatch() {
    const std::lock_guard lock(watch_mutex_);
    is_reading_ = false;
    if (alarm_) alarm_->Cancel();
  }

  InferenceContext& context_;
  grpc::CallbackServerContext* const call_;
  const CallPlace place_;
  service::Caller caller_;
  std::shared_ptr<StreamCall> held_;
  std::shared_ptr<Decoded> decoded_;
  std::string id_;
  std::string name_;
  inference::ModelStreamInferResponse response_;

  std::mutex mutex_;
  bool is_cancelled_ = false;
  std::shared_ptr<MessageRun> run_;

  std::mutex watch_mutex_;
  bool is_reading_ = false;
  std::uint64_t reads_ = 0;
  std::unique_ptr<grpc::Alarm> alarm_;
};

}  // namespace

grpc::ServerUnaryReactor* InferenceCalls::ModelInfer(grpc::CallbackServerContext* call,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  const auto made = std::make_shared<InferCall>(context_, call, response);
  made->Begin(*request);
  return made.get();
}

grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>*
InferenceCalls::ModelStreamInfer(grpc::CallbackServerContext* call) {
  const auto made = std::make_shared<StreamCall>(context_, call);
  made->Begin();
  return made.get();
}

}  // namespace blindai::endpoints
