#include "model/model_host.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/log_event.h"
#include "base/secret.h"
#include "model/batching.h"
#include "model/check_run.h"
#include "model/dispatcher.h"
#include "model/run_cost.h"
#include "model/shared_region.h"
#include "model/supervisor.h"
#include "model/worker_process.h"

namespace blindai::model {
namespace {

using base::ErrorKind;
using base::MakeError;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Copies larger than this are made on the helper thread, so that one host's tensors do not delay another's.
constexpr std::uint64_t kInlineCopyBytes = std::uint64_t{2} << 20;
// Wiped by overwriting up to here, which keeps the pages for the next run; larger ones are given back.
constexpr std::uint64_t kKeptRegionBytes = std::uint64_t{4} << 20;
constexpr std::uint64_t kSmallestRegionBytes = std::uint64_t{1} << 20;
// A worker that fails to come back this often in a row makes waiting requests fail instead of wait.
constexpr int kPatience = 3;
// Between restarts: after each failed load twice as long, after each crash in a run a little longer.
constexpr milliseconds kBackoff(100);
constexpr milliseconds kLongestLoadBackoff(5'000);
constexpr milliseconds kLongestRunBackoff(1'000);

double Ms(Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

base::Error CrashedError() {
  return MakeError(
      ErrorKind::kUnavailable, "worker-crashed",
      "the worker of this model ended while it ran this request; it is being restarted, try again");
}
base::Error UnavailableError() {
  return MakeError(
      ErrorKind::kUnavailable, "worker-unavailable",
      "the worker of this model does not start again; upload the model anew or ask the operator");
}
base::Error StoppedError() {
  return MakeError(ErrorKind::kUnavailable, "model-stopped", "the model was deleted or the server stops");
}
base::Error DeadlineError() {
  return MakeError(ErrorKind::kDeadline, "deadline", "the run did not end before its deadline");
}
base::Error CancelledError() {
  return MakeError(ErrorKind::kCancelled, "cancelled", "the request was cancelled");
}

base::Error LoadError(Failure failure) {
  switch (failure) {
    case Failure::kRejected:
      return MakeError(
          ErrorKind::kInvalid, "model-rejected",
          "the engine cannot compile this model; check that it runs in ONNX Runtime or OpenVINO");
    case Failure::kUnsupported:
      return MakeError(
          ErrorKind::kUnsupported, "model-unsupported",
          "an input or output of the model has a type or rank that is not served (64-bit, 8-bit and "
          "4-bit floats, strings, unknown rank); convert it, for example to 32-bit floats");
    case Failure::kMemory:
      return MakeError(ErrorKind::kTooLarge, "model-memory",
                       "the model needs more memory than this server gives to one model");
    default:
      return UnavailableError();
  }
}

base::Error RunError(Failure failure) {
  switch (failure) {
    case Failure::kRun:
      return MakeError(ErrorKind::kInvalid, "run-failed",
                       "the engine refuses these inputs: their shapes or values do not fit each other");
    case Failure::kMemory:
      return MakeError(ErrorKind::kTooLarge, "run-memory",
                       "the run needs more memory than this server gives to one model; send smaller inputs");
    case Failure::kOutputsTooLarge:
      return MakeError(
          ErrorKind::kTooLarge, "outputs-too-large",
          "the outputs are larger than the limit of this server; ask for fewer or send smaller inputs");
    default:
      return CrashedError();
  }
}

// Tensors that RunRequest::Of took over.
struct WipedTensors {
  explicit WipedTensors(std::vector<vocabulary::Tensor> taken) : tensors(std::move(taken)) {}
  ~WipedTensors() {
    for (vocabulary::Tensor& tensor : tensors) base::Wipe(tensor.data);
  }
  WipedTensors(const WipedTensors&) = delete;
  WipedTensors& operator=(const WipedTensors&) = delete;
  std::vector<vocabulary::Tensor> tensors;
};

// A request between Run() and its answer.
struct Pending {
  std::uint64_t id = 0;
  RunRequest request;
  RunPlan plan;
  ModelHost::RunDone done;  // empty once it has been called
  Clock::time_point arrived;
  // Zero until it happens: its turn comes, the worker gets it, the worker has answered.
  Clock::time_point picked;
  Clock::time_point sent;
  Clock::time_point ran;
  Scheduler::RunId run = 0;  // the scheduler's number for it
  double cpu_ms_when_sent = 0;
  // While its worker stood still for a shorter run.
  std::optional<Clock::time_point> paused_since;
  Clock::duration paused{0};
  std::optional<Supervisor::TimerId> deadline;

  bool answered() const { return done == nullptr; }
};
using PendingPtr = std::shared_ptr<Pending>;

// What the worker computes at once: one request, or several of one caller as the rows of one run
// (batching.h). The first stands for all before the scheduler.
struct Execution {
  std::vector<PendingPtr> members;  // in the order of the rows; never empty
  RunPlan plan;                     // of all together

  Pending& first() const { return *members.front(); }
  std::size_t rows() const { return members.size(); }
  bool IsBatch() const { return rows() > 1; }
  // Nobody waits for it any more.
  bool answered() const { return std::ranges::all_of(members, &Pending::answered); }
  PendingPtr Member(std::uint64_t id) const {
    const auto found = std::ranges::find(members, id, &Pending::id);
    return found == members.end() ? nullptr : *found;
  }
};

// Elements are given up once they are copied, and those of a batch with its answer: if it fails they are needed again.
void CopyInputs(const Execution& execution, SharedRegion& region) {
  for (std::size_t row = 0; row < execution.rows(); ++row) {
    Pending& member = *execution.members[row];
    for (std::size_t i = 0; i < member.plan.inputs.size(); ++i) {
      const base::ByteView from = member.request.inputs[i].data;
      const auto place =
          std::ranges::find(execution.plan.inputs, member.plan.inputs[i].port, &PlacedTensor::port);
      const std::uint64_t at = RowOf(*place, row, execution.rows()).offset;
      if (!from.empty()) std::memcpy(region.writable().data() + at, from.data(), from.size());
    }
    if (execution.IsBatch()) continue;
    member.request.inputs.clear();
    member.request.elements.reset();
  }
}

// The places have passed CheckAnswer and HasOneRowEach. What the worker writes after that changes values,
// never lengths.
void CopyOutputs(const std::vector<PlacedTensor>& places, const SharedRegion& region,
                 const std::vector<vocabulary::TensorSpec>& specs, std::vector<RunAnswer>& answers) {
  for (std::size_t row = 0; row < answers.size(); ++row) {
    std::vector<vocabulary::Tensor>& tensors = answers[row].outputs;
    tensors.reserve(places.size());
    for (const PlacedTensor& place : places) {
      const vocabulary::TensorSpec& spec = specs[place.port];
      const PlacedTensor one = RowOf(place, row, answers.size());
      tensors.push_back({spec.name, spec.datatype, one.shape,
                         base::CopyBytes(region.view().subspan(one.offset, one.bytes))});
    }
  }
}

bool HasOneRowEach(const Execution& execution, const RanMessage& answer) {
  return !execution.IsBatch() || std::ranges::all_of(answer.outputs, [&](const PlacedTensor& output) {
    return !output.shape.empty() && output.shape[0] == static_cast<std::int64_t>(execution.rows());
  });
}

std::uint64_t EndOf(const std::vector<PlacedTensor>& places) {
  std::uint64_t end = 0;
  for (const PlacedTensor& place : places) end = std::max(end, place.offset + place.bytes);
  return end;
}

void WipeAnswer(RunAnswer& answer) {
  for (vocabulary::Tensor& tensor : answer.outputs) base::Wipe(tensor.data);
}
void WipeAnswers(std::vector<RunAnswer>& answers) {
  for (RunAnswer& answer : answers) WipeAnswer(answer);
}

std::uint64_t Ns(Clock::duration duration) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count()));
}

bool Happened(Clock::time_point time) { return time != Clock::time_point(); }

RunFailure FailureOf(const Pending& pending, const base::Error& error) {
  switch (error.kind) {
    case ErrorKind::kCancelled:
      return RunFailure::kCancelled;
    case ErrorKind::kExhausted:
      return RunFailure::kRejected;
    case ErrorKind::kDeadline:
      return Happened(pending.sent) ? RunFailure::kOther : RunFailure::kRejected;
    default:
      return Happened(pending.sent) ? RunFailure::kBackend : RunFailure::kOther;
  }
}

void CountEnd(const Pending& pending, const base::Result<RunAnswer>& answer, Clock::time_point now,
              RunStats& run) {
  if (!Happened(pending.sent)) --run.pending;
  if (!answer.ok()) {
    ++run.failures[static_cast<std::size_t>(FailureOf(pending, answer.error()))];
    run.failure_ns += Ns(now - pending.arrived);
    return;
  }
  ++run.successes;
  run.success_ns += Ns(now - pending.arrived);
  run.queue_ns += Ns(pending.picked - pending.arrived);
  run.input_ns += Ns(pending.sent - pending.picked);
  run.infer_ns += Ns(pending.ran - pending.sent);
  run.output_ns += Ns(now - pending.ran);
  run.last_success_ms =
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::shared_ptr<Dispatcher> CoresOf(const WorkerOptions& options) {
  return options.dispatcher ? options.dispatcher : Dispatcher::OfThisProcess();
}

void Clean(SharedRegion& region, std::uint64_t used) {
  used > kKeptRegionBytes ? region.Release() : region.Wipe(used);
}

}  // namespace

RunRequest RunRequest::Of(std::vector<vocabulary::Tensor> tensors) {
  const auto holder = std::make_shared<WipedTensors>(std::move(tensors));
  RunRequest request;
  for (const vocabulary::Tensor& tensor : holder->tensors) request.inputs.emplace_back(tensor);
  request.elements = holder;
  return request;
}

// What follows is a state machine on the supervisor's thread; only what says otherwise is called from
// elsewhere.
class ModelHost::Impl : public std::enable_shared_from_this<ModelHost::Impl> {
 public:
  Impl(std::shared_ptr<ModelFile> file, WorkerOptions options, Started started)
      : file_(std::move(file)),
        options_(std::move(options)),
        started_(std::move(started)),
        cores_(CoresOf(options_)) {}
  // Suspended.
  Impl(Fetch fetch, WorkerOptions options, ModelSignature signature)
      : options_(std::move(options)),
        cores_(CoresOf(options_)),
        loaded_{std::move(signature)},
        has_signature_(true),
        fetch_(std::move(fetch)) {
    stats_.is_suspended = true;
  }
  ~Impl() {
    if (lane_ == 0) return;
    supervisor_.Post([cores = cores_, lane = lane_] { cores->RemoveLane(lane); });
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Any thread.
  const WorkerOptions& options() const { return options_; }
  const ModelSignature& signature() const { return loaded_.signature; }  // fixed before anybody has the host
  Cage cage() const;
  HostStats stats() const;
  Ticket Run(RunRequest request, RunDone done);
  Ticket StartTicket();
  void SetFetch(Fetch fetch);
  bool Suspend(std::function<void()> gone);

  void StartWorker();
  void Stop(std::function<void()> stopped, milliseconds drain);
  // The handle is gone. A stop that lets requests finish goes on.
  void Abandon() {
    if (!stopping_) Stop(nullptr, milliseconds(0));
  }

 private:
  enum class Phase {
    kNoWorker,  // waits for a restart, or is stopped
    kCaging,    // the worker starts its engine and locks itself down
    kLoading,   // it has the model
    kReady,
    kCopying,  // tensors are copied on the helper thread
    kRunning,
    kDoomed,  // killed, not yet ended
  };
  // Why a worker was killed or what it was doing when it ended.
  enum class Doom { kCrashed, kLoadTimeout, kLoadFailed, kRecycled, kSuspended, kStopped };

  void OnSocket();
  void OnMessage(FromWorker message);
  void On(const CagedMessage& message);
  void On(LoadedMessage message);
  void On(const RanMessage& message);
  void On(const FailedMessage& message);
  void OnEnd();

  void JoinQueue();
  void Submit(PendingPtr pending);
  void Enqueue(PendingPtr pending);
  Scheduler::Request ShareOf(const Pending& pending) const;
  void GiveUp(std::uint64_t id, base::Error error);
  void CancelCurrent();
  void OnDecision(const Scheduler::Decision& decision);
  void Pump();
  void StartRun(Scheduler::RunId run);
  Execution Gather(PendingPtr first);
  void Resume();
  void EndShare();
  void SendRun();
  base::Status SendRegions();
  void FinishRun(std::uint64_t outputs_used, base::Result<std::vector<RunAnswer>> answers);
  void FailExecution(const Execution& execution, const base::Error& error);
  void Answer(Pending& pending, base::Result<RunAnswer> answer);
  void FailAll(const base::Error& error);

  void Kill(Doom doom);
  void AfterFirstStartFailed();
  void SuspendNow(std::function<void()> gone);
  void BeSuspended();
  void FetchFile();
  void OnFetched(base::Result<std::shared_ptr<ModelFile>> file);
  void ScheduleRestart();
  void BeStopped();
  base::Error StartError() const;
  template <typename Change>
  void UpdateStats(Change change);
  // In the host's own numbers and in those of all models.
  template <typename Change>
  void CountRun(Change change);

  Supervisor& supervisor_ = Supervisor::Instance();
  std::shared_ptr<ModelFile> file_;  // null: suspended
  const WorkerOptions options_;
  Started started_;  // empty once it has been called
  const std::shared_ptr<Dispatcher> cores_;
  Scheduler::LaneId lane_ = 0;  // 0: not started yet
  CostTable costs_;
  LoadedMessage loaded_;
  bool has_signature_ = false;

  Phase phase_ = Phase::kNoWorker;
  Doom doom_ = Doom::kCrashed;
  Failure load_failure_ = Failure::kInternal;
  bool reached_loading_ = false;
  bool was_ready_ = false;
  std::optional<WorkerProcess> worker_;
  std::uint64_t socket_watch_ = 0;
  std::uint64_t end_watch_ = 0;
  std::optional<Supervisor::TimerId> phase_timer_;  // load time-out, grace time, or restart
  Clock::time_point spawned_;
  int failed_loads_ = 0;  // in a row
  int failed_runs_ = 0;   // in a row, counting only those that ended the worker
  // Shared with copies on the helper thread, which may outlive the worker.
  std::shared_ptr<SharedRegion> inputs_;
  std::shared_ptr<SharedRegion> outputs_;
  bool inputs_sent_ = false;
  bool outputs_sent_ = false;
  // What the worker had used up to the end of its last run: what it uses after that is the next one's.
  double charged_cpu_ms_ = 0;
  bool has_run_ = false;  // since its start
  // Of a batch, as the first worker measured it; 1 as soon as a batch failed. Nothing: no worker has said it yet.
  std::optional<std::uint16_t> max_rows_;
  // Whose run ended the worker before, or needed one that has served nobody: the start is charged like the run.
  std::optional<Scheduler::Request> start_is_for_;

  std::map<Scheduler::RunId, PendingPtr> queue_;  // what waits
  std::shared_ptr<const Execution> current_;      // holds a share of the cores
  std::atomic<std::uint64_t> next_run_ = 1;

  bool stopping_ = false;
  std::vector<std::function<void()>> stops_;
  std::optional<Supervisor::TimerId> drain_timer_;

  bool suspending_ = false;  // no worker and no file are wanted until the next run
  bool fetching_ = false;
  std::vector<std::function<void()>> gone_;

  mutable std::mutex stats_mutex_;
  HostStats stats_;
  Cage cage_;
  Fetch fetch_;
};

template <typename Change>
void ModelHost::Impl::UpdateStats(Change change) {
  const std::lock_guard lock(stats_mutex_);
  change(stats_);
}

template <typename Change>
void ModelHost::Impl::CountRun(Change change) {
  UpdateStats([&](HostStats& stats) { change(stats.run); });
  if (options_.totals) options_.totals->Update(change);
}

Cage ModelHost::Impl::cage() const {
  const std::lock_guard lock(stats_mutex_);
  return cage_;
}

HostStats ModelHost::Impl::stats() const {
  HostStats stats;
  {
    const std::lock_guard lock(stats_mutex_);
    stats = stats_;
  }
  if (stats.pid != 0) stats.resident_bytes = WorkerProcess::ResidentBytesOf(static_cast<pid_t>(stats.pid));
  stats.runs = stats.run.successes;
  stats.failures = stats.run.AllFailures();
  stats.predicted_wait_ms = stats.mean_run_ms * static_cast<double>(stats.queued);
  return stats;
}

// ---- the worker's life

// Asks for the cores from now on.
void ModelHost::Impl::JoinQueue() {
  if (lane_ != 0) return;
  lane_ = cores_->AddLane({.max_queued = options_.max_queue,
                           .max_wait_ms = static_cast<double>(options_.max_queue_ms),
                           .shared = options_.shared},
                          [weak = weak_from_this()](const Scheduler::Decision& decision) {
                            if (const auto self = weak.lock()) self->OnDecision(decision);
                          });
}

void ModelHost::Impl::StartWorker() {
  JoinQueue();
  phase_timer_.reset();
  spawned_ = Clock::now();
  reached_loading_ = false;
  was_ready_ = false;
  load_failure_ = Failure::kInternal;
  auto worker = WorkerProcess::Spawn(options_.worker_program);
  if (!worker.ok()) {
    doom_ = Doom::kCrashed;
    if (started_) {
      auto started = std::exchange(started_, nullptr);
      stopping_ = true;
      started(std::move(worker).error());
      return;
    }
    ScheduleRestart();
    return;
  }
  worker_.emplace(std::move(*worker));
  phase_ = Phase::kCaging;
  doom_ = Doom::kCrashed;
  const auto self = shared_from_this();
  socket_watch_ = supervisor_.Watch(worker_->socket(), [self] { self->OnSocket(); });
  end_watch_ = supervisor_.Watch(worker_->pidfd(), [self] { self->OnEnd(); });
  phase_timer_ = supervisor_.At(spawned_ + milliseconds(options_.load_timeout_ms), [self] {
    self->phase_timer_.reset();
    self->Kill(Doom::kLoadTimeout);
  });
  UpdateStats([&](HostStats& stats) { stats.pid = worker_->pid(); });

  const std::uint64_t limit = options_.memory_limit_bytes != 0 ? options_.memory_limit_bytes
                                                               : 4 * file_->size() + (std::uint64_t{1} << 30);
  StartMessage start;
  start.precision = options_.precision;
  start.threads = static_cast<std::uint16_t>(options_.threads > 0 ? options_.threads : UsableCores());
  // The model and the two regions are mapped as well.
  start.memory_limit_bytes = limit + file_->size() + 2 * options_.max_tensor_bytes;
  start.own_mount_namespace = worker_->namespaces().mount_namespace;
  if (!worker_->Send(start).ok()) Kill(Doom::kCrashed);
}

void ModelHost::Impl::Kill(Doom doom) {
  if (phase_ == Phase::kDoomed || !worker_) return;
  phase_ = Phase::kDoomed;
  doom_ = doom;
  cores_->SetOpen(lane_, false);
  worker_->Kill();
}

void ModelHost::Impl::OnSocket() {
  auto received = worker_->Receive();
  if (!received.ok()) return Kill(Doom::kCrashed);
  if (std::holds_alternative<WorkerProcess::Ended>(*received)) {
    // Its end comes through the other watch.
    supervisor_.Unwatch(socket_watch_, worker_->socket());
    return Kill(Doom::kCrashed);
  }
  if (auto* message = std::get_if<FromWorker>(&*received); message != nullptr && phase_ != Phase::kDoomed) {
    OnMessage(std::move(*message));
  }
}

void ModelHost::Impl::OnMessage(FromWorker message) {
  std::visit([this](auto& content) { On(std::move(content)); }, message);
}

void ModelHost::Impl::On(const CagedMessage& message) {
  if (phase_ != Phase::kCaging) return Kill(Doom::kCrashed);
  Cage cage = message.cage;
  const Cage& namespaces = worker_->namespaces();
  cage.user_namespace = namespaces.user_namespace;
  cage.mount_namespace = namespaces.mount_namespace;
  cage.pid_namespace = namespaces.pid_namespace;
  cage.network_namespace = namespaces.network_namespace;
  cage.ipc_namespace = namespaces.ipc_namespace;
  {
    const std::lock_guard lock(stats_mutex_);
    cage_ = cage;
  }
  phase_ = Phase::kLoading;
  reached_loading_ = true;
  if (!worker_->Send(LoadMessage{file_->size(), !max_rows_}, file_->fd()).ok()) Kill(Doom::kCrashed);
}

void ModelHost::Impl::On(LoadedMessage message) {
  if (phase_ != Phase::kLoading || !CheckSignature(message.signature).ok()) return Kill(Doom::kCrashed);
  // After a restart the model must be what it was.
  const std::uint16_t rows = std::exchange(message.max_rows, std::uint16_t{1});
  if (!max_rows_) max_rows_ = HasRows(message.signature) ? rows : std::uint16_t{1};
  if (has_signature_ && Encode(FromWorker(message)) != Encode(FromWorker(loaded_)))
    return Kill(Doom::kCrashed);
  if (!has_signature_) loaded_ = std::move(message);
  has_signature_ = true;
  if (phase_timer_) supervisor_.CancelTimer(*std::exchange(phase_timer_, std::nullopt));
  phase_ = Phase::kReady;
  was_ready_ = true;
  failed_loads_ = 0;
  const double load_ms = Ms(Clock::now() - spawned_);
  UpdateStats([&](HostStats& stats) { stats.load_ms = load_ms; });
  charged_cpu_ms_ = worker_->CpuMs();
  if (start_is_for_) cores_->ChargeStart(*std::exchange(start_is_for_, std::nullopt), charged_cpu_ms_);
  has_run_ = false;
  cores_->SetReplaceCost(lane_, load_ms);
  cores_->SetOpen(lane_, true);
  if (auto started = std::exchange(started_, nullptr)) {
    started(std::shared_ptr<ModelHost>(new ModelHost(shared_from_this())));
  }
  Pump();
}

void ModelHost::Impl::On(const FailedMessage& message) {
  if (phase_ == Phase::kLoading || phase_ == Phase::kCaging) {
    load_failure_ = message.failure;
    return Kill(Doom::kLoadFailed);
  }
  if (phase_ != Phase::kRunning || message.run != current_->first().id ||
      message.failure == Failure::kInternal) {
    return Kill(Doom::kCrashed);
  }
  const bool unasked = message.failure == Failure::kCancelled && !current_->answered();
  if (unasked) return Kill(Doom::kCrashed);
  // A run that broke off leaves shapes of its own behind in the engine, with which later runs give wrong answers.
  const bool broke_off = message.failure == Failure::kRun || message.failure == Failure::kMemory;
  if (!broke_off) return FinishRun(0, RunError(message.failure));
  const auto failed = current_;
  start_is_for_ = ShareOf(failed->first());
  Kill(Doom::kRecycled);
  EndShare();
  FailExecution(*failed, RunError(message.failure));
  cores_->Look();
}

void ModelHost::Impl::OnEnd() {
  const auto self = shared_from_this();
  // What it said last still counts: a failed load ends with a message and then the process.
  while (phase_ == Phase::kLoading || phase_ == Phase::kCaging || phase_ == Phase::kRunning) {
    auto received = worker_->Receive();
    auto* message = received.ok() ? std::get_if<FromWorker>(&*received) : nullptr;
    if (message == nullptr) break;
    OnMessage(std::move(*message));
  }
  supervisor_.Unwatch(socket_watch_, worker_->socket());
  supervisor_.Unwatch(end_watch_, worker_->pidfd());
  cores_->SetOpen(lane_, false);
  const auto current = current_;
  if (current) {
    start_is_for_ = ShareOf(current->first());
    EndShare();
  }
  worker_.reset();
  if (phase_timer_) supervisor_.CancelTimer(*std::exchange(phase_timer_, std::nullopt));
  phase_ = Phase::kNoWorker;
  inputs_.reset();
  outputs_.reset();
  inputs_sent_ = false;
  outputs_sent_ = false;
  UpdateStats([](HostStats& stats) { stats.pid = 0; });
  for (const auto& gone : std::exchange(gone_, {})) gone();

  cores_->Look();
  if (current) FailExecution(*current, doom_ == Doom::kStopped ? StoppedError() : CrashedError());
  if (started_) return AfterFirstStartFailed();
  if (stopping_ && (queue_.empty() || doom_ == Doom::kStopped)) return BeStopped();
  if (suspending_ && queue_.empty()) return BeSuspended();
  ScheduleRestart();
}

base::Error ModelHost::Impl::StartError() const {
  switch (doom_) {
    case Doom::kLoadTimeout:
      return MakeError(ErrorKind::kDeadline, "model-load-timeout",
                       "the model did not load, compile and warm up within " +
                           std::to_string(options_.load_timeout_ms / 1000) + " s");
    case Doom::kLoadFailed:
      return LoadError(load_failure_);
    case Doom::kStopped:
      return CancelledError();
    default:
      break;
  }
  if (reached_loading_) {
    return MakeError(ErrorKind::kInvalid, "model-crashed",
                     "the engine ended while it loaded this model: it is damaged, hostile or too large");
  }
  return MakeError(ErrorKind::kUnavailable, "worker-unavailable",
                   "the worker program does not start; its libraries may be missing, reinstall the server");
}

void ModelHost::Impl::AfterFirstStartFailed() {
  stopping_ = true;
  auto started = std::exchange(started_, nullptr);
  started(StartError());
}

void ModelHost::Impl::ScheduleRestart() {
  const bool on_purpose = doom_ == Doom::kRecycled || doom_ == Doom::kSuspended;
  UpdateStats([&](HostStats& stats) { on_purpose ? ++stats.recycled : ++stats.restarts; });
  milliseconds wait(0);
  if (!on_purpose) {
    // The first restart is immediate: the request that crashed it has paid already.
    was_ready_ ? ++failed_runs_ : ++failed_loads_;
    wait = was_ready_ ? std::min(kLongestRunBackoff, kBackoff * (failed_runs_ - 1))
                      : std::min(kLongestLoadBackoff, kBackoff * (1 << std::min(failed_loads_, 10)));
    base::LogEvent("worker-ended")
        .Number("failed_runs", failed_runs_)
        .Number("failed_loads", failed_loads_)
        .Emit();
    if (failed_loads_ > kPatience) FailAll(UnavailableError());
  }
  phase_timer_ = supervisor_.At(Clock::now() + wait, [self = shared_from_this()] {
    if (self->stopping_ && self->queue_.empty()) return self->BeStopped();
    self->StartWorker();
  });
}

// ---- without a worker until the next run

void ModelHost::Impl::SetFetch(Fetch fetch) {
  const std::lock_guard lock(stats_mutex_);
  fetch_ = std::move(fetch);
}

bool ModelHost::Impl::Suspend(std::function<void()> gone) {
  {
    // Run() counts its request under the same lock, so either sees what the other has decided.
    const std::lock_guard lock(stats_mutex_);
    if (stats_.queued != 0 || stats_.is_suspended || fetch_ == nullptr) return false;
    stats_.is_suspended = true;
  }
  supervisor_.Post(
      [self = shared_from_this(), gone = std::move(gone)]() mutable { self->SuspendNow(std::move(gone)); });
  return true;
}

void ModelHost::Impl::SuspendNow(std::function<void()> gone) {
  suspending_ = true;
  if (worker_) {
    if (gone) gone_.push_back(std::move(gone));
    return Kill(Doom::kSuspended);
  }
  if (!fetching_) {
    if (phase_timer_) supervisor_.CancelTimer(*std::exchange(phase_timer_, std::nullopt));
    BeSuspended();
  }
  if (gone) gone();
}

void ModelHost::Impl::BeSuspended() {
  suspending_ = false;
  file_.reset();
  failed_loads_ = 0;
  failed_runs_ = 0;
}

void ModelHost::Impl::FetchFile() {
  Fetch fetch;
  {
    const std::lock_guard lock(stats_mutex_);
    fetch = fetch_;
  }
  fetching_ = true;
  fetch([self = shared_from_this()](base::Result<std::shared_ptr<ModelFile>> file) {
    self->supervisor_.Post([self, file = std::move(file)]() mutable { self->OnFetched(std::move(file)); });
  });
}

void ModelHost::Impl::OnFetched(base::Result<std::shared_ptr<ModelFile>> file) {
  const auto self = shared_from_this();
  fetching_ = false;
  if (!file.ok()) FailAll(file.error());
  if (stopping_ && queue_.empty()) return BeStopped();
  if (file.ok() && !(suspending_ && queue_.empty())) {
    file_ = std::move(file).value();
    return StartWorker();
  }
  BeSuspended();
  UpdateStats([](HostStats& stats) { stats.is_suspended = stats.queued == 0; });
}

// ---- requests

ModelHost::Ticket ModelHost::Impl::StartTicket() {
  Ticket ticket;
  ticket.cancel_ = [weak = weak_from_this()] {
    Supervisor::Instance().Post([weak] {
      const auto self = weak.lock();
      if (self && self->started_) self->Kill(Doom::kStopped);
    });
  };
  return ticket;
}

ModelHost::Ticket ModelHost::Impl::Run(RunRequest request, RunDone done) {
  auto plan = PlanRun(signature(), request.inputs, request.outputs, options_.max_tensor_bytes);
  if (!plan.ok()) {
    CountRun([](RunStats& run) { ++run.failures[static_cast<std::size_t>(RunFailure::kOther)]; });
    supervisor_.Post([done = std::move(done), error = std::move(plan).error()] { done(error); });
    return {};
  }
  auto pending = std::make_shared<Pending>();
  pending->id = next_run_++;
  pending->request = std::move(request);
  pending->plan = std::move(*plan);
  pending->done = std::move(done);
  pending->arrived = Clock::now();
  UpdateStats([&](HostStats& stats) {
    ++stats.queued;
    stats.is_suspended = false;
    stats.last_run = pending->arrived;
  });
  CountRun([](RunStats& run) { ++run.pending; });
  Ticket ticket;
  ticket.cancel_ = [weak = weak_from_this(), id = pending->id] {
    Supervisor::Instance().Post([weak, id] {
      if (const auto self = weak.lock()) self->GiveUp(id, CancelledError());
    });
  };
  supervisor_.Post([self = shared_from_this(), pending = std::move(pending)]() mutable {
    self->Submit(std::move(pending));
  });
  return ticket;
}

Scheduler::Request ModelHost::Impl::ShareOf(const Pending& pending) const {
  return {.lane = lane_,
          .tenant = pending.request.payer.value_or(pending.request.caller),
          .weight = pending.request.weight,
          .caller = pending.request.caller,
          .priority = pending.request.priority,
          .cost = costs_.Predict(pending.plan.region_bytes),
          .deadline = pending.request.deadline};
}

void ModelHost::Impl::Submit(PendingPtr pending) {
  if (stopping_) return Answer(*pending, StoppedError());
  if (failed_loads_ > kPatience) return Answer(*pending, UnavailableError());
  JoinQueue();
  if (pending->request.deadline != Clock::time_point::max()) {
    pending->deadline =
        supervisor_.At(pending->request.deadline,
                       [self = shared_from_this(), id = pending->id] { self->GiveUp(id, DeadlineError()); });
  }
  Enqueue(std::move(pending));
  suspending_ = false;
  if (!worker_ && !file_ && !fetching_) return FetchFile();
  cores_->Look();
}

void ModelHost::Impl::Enqueue(PendingPtr pending) {
  auto run = cores_->Add(ShareOf(*pending));
  if (!run.ok()) return Answer(*pending, std::move(run).error());
  pending->run = *run;
  queue_.emplace(*run, std::move(pending));
}

// Nobody waits any more for what the worker computes.
void ModelHost::Impl::CancelCurrent() {
  Resume();  // to hear of it
  if (phase_ != Phase::kRunning) return;
  if (!worker_->Send(CancelMessage{current_->first().id}).ok()) Kill(Doom::kCrashed);
  phase_timer_ =
      supervisor_.At(Clock::now() + milliseconds(options_.cancel_grace_ms), [self = shared_from_this()] {
        self->phase_timer_.reset();
        self->Kill(Doom::kCrashed);
      });
}

// The sender wants no answer any more, or the time is over.
void ModelHost::Impl::GiveUp(std::uint64_t id, base::Error error) {
  const auto self = shared_from_this();
  if (const PendingPtr member = current_ ? current_->Member(id) : nullptr) {
    if (member->answered()) return;
    const bool is_last = std::ranges::count_if(current_->members, std::not_fn(&Pending::answered)) == 1;
    if (is_last) CancelCurrent();
    return Answer(*member, std::move(error));
  }
  const auto found = std::ranges::find(queue_, id, [](const auto& waiting) { return waiting.second->id; });
  if (found == queue_.end()) return;
  const auto pending = found->second;
  cores_->Remove(found->first);
  queue_.erase(found);
  Pump();
  Answer(*pending, std::move(error));
}

// Calls back, once. Nothing of this object may be used after it: the caller may do anything.
void ModelHost::Impl::Answer(Pending& pending, base::Result<RunAnswer> answer) {
  if (pending.answered()) {
    if (answer.ok()) WipeAnswer(*answer);
    return;
  }
  if (pending.deadline) supervisor_.CancelTimer(*pending.deadline);
  UpdateStats([](HostStats& stats) { --stats.queued; });
  const Clock::time_point now = Clock::now();
  CountRun([&](RunStats& run) { CountEnd(pending, answer, now, run); });
  auto done = std::exchange(pending.done, nullptr);
  done(std::move(answer));
}

void ModelHost::Impl::FailAll(const base::Error& error) {
  const auto all = std::exchange(queue_, {});
  for (const auto& [run, pending] : all) cores_->Remove(run);
  cores_->Look();
  for (const auto& [run, pending] : all) Answer(*pending, error);
}

void ModelHost::Impl::OnDecision(const Scheduler::Decision& decision) {
  switch (decision.kind) {
    case Scheduler::Decision::Kind::kReplaceWorker:
      start_is_for_ = ShareOf(*queue_.at(decision.run));
      return Kill(Doom::kRecycled);
    case Scheduler::Decision::Kind::kStart:
      return StartRun(decision.run);
    case Scheduler::Decision::Kind::kPause:
      worker_->Pause();
      current_->first().paused_since = Clock::now();
      return;
    case Scheduler::Decision::Kind::kResume:
      return Resume();
  }
}

void ModelHost::Impl::Resume() {
  Pending& first = current_->first();
  if (!first.paused_since) return;
  worker_->Resume();
  first.paused += Clock::now() - *std::exchange(first.paused_since, std::nullopt);
}

// What an idle worker is there for: the next request, or its end.
void ModelHost::Impl::Pump() {
  if (phase_ == Phase::kReady && queue_.empty()) {
    if (stopping_) return Kill(Doom::kStopped);
    const bool over = options_.resident_budget_bytes != 0 && has_run_ &&
                      worker_->ResidentBytes() > options_.resident_budget_bytes;
    if (over) return Kill(Doom::kRecycled);
  }
  cores_->Look();
}

// The run that was done or given up gives its share of the cores back.
void ModelHost::Impl::EndShare() {
  Resume();
  const auto ended = std::exchange(current_, nullptr);
  const double cpu_ms = worker_->CpuMs();
  const Pending& first = ended->first();
  if (ended->answered() && Happened(first.sent)) {
    costs_.LearnAtLeast(ended->plan.region_bytes,
                        {cpu_ms - first.cpu_ms_when_sent, Ms(Clock::now() - first.sent - first.paused)});
  }
  cores_->End(first.run, cpu_ms - std::exchange(charged_cpu_ms_, cpu_ms));
}

// The scheduler's word: this request has its share.
void ModelHost::Impl::StartRun(Scheduler::RunId run) {
  BLINDAI_CHECK(phase_ == Phase::kReady && !current_);
  current_ = std::make_shared<const Execution>(Gather(queue_.extract(run).mapped()));
  has_run_ = true;
  for (const PendingPtr& member : current_->members) member->picked = Clock::now();

  const std::uint64_t needed = current_->plan.region_bytes;
  if (!inputs_ || inputs_->size() < needed) {
    std::uint64_t size = kSmallestRegionBytes;
    while (size < needed) size *= 2;
    auto region = SharedRegion::Create(size, /*worker_writes=*/false);
    if (!region.ok()) return FinishRun(0, std::move(region).error());
    inputs_ = std::make_shared<SharedRegion>(std::move(*region));
    inputs_sent_ = false;
  }
  if (needed <= kInlineCopyBytes) {
    CopyInputs(*current_, *inputs_);
    return SendRun();
  }
  phase_ = Phase::kCopying;
  supervisor_.Offload([execution = current_, region = inputs_] { CopyInputs(*execution, *region); },
                      [self = shared_from_this(), execution = current_] {
                        // The worker may have ended meanwhile, and another request may be the current one.
                        if (self->phase_ == Phase::kCopying && self->current_ == execution) self->SendRun();
                      });
}

// With it, what waits and may be computed together with it. The scheduler hears of one run, which pays for
// all: they are of one caller.
Execution ModelHost::Impl::Gather(PendingPtr first) {
  Execution execution{.members = {first}, .plan = first->plan};
  const std::uint64_t row_bytes = std::max<std::uint64_t>(first->plan.region_bytes, 1);
  const std::uint64_t most = std::min<std::uint64_t>(*max_rows_, options_.max_tensor_bytes / row_bytes);
  if (most < 2) return execution;
  for (auto at = queue_.begin(); at != queue_.end() && execution.rows() < most;) {
    const PendingPtr other = at->second;
    const bool fits = other->request.caller == first->request.caller &&
                      other->request.payer == first->request.payer && FitTogether(first->plan, other->plan);
    if (!fits) {
      ++at;
      continue;
    }
    cores_->Remove(at->first);
    at = queue_.erase(at);
    execution.members.push_back(other);
  }
  if (execution.IsBatch()) execution.plan = PlanOfRows(first->plan, execution.rows());
  return execution;
}

base::Status ModelHost::Impl::SendRegions() {
  if (!outputs_) {
    const std::uint64_t size = OutputRegionBytes(loaded_.signature, options_.max_tensor_bytes);
    BLINDAI_TRY(SharedRegion region, SharedRegion::Create(size, /*worker_writes=*/true));
    outputs_ = std::make_shared<SharedRegion>(std::move(region));
  }
  if (!inputs_sent_) {
    BLINDAI_RETURN_IF_ERROR(worker_->Send(RegionMessage{RegionUse::kInputs, inputs_->size()}, inputs_->fd()));
    inputs_sent_ = true;
  }
  if (!outputs_sent_) {
    BLINDAI_RETURN_IF_ERROR(
        worker_->Send(RegionMessage{RegionUse::kOutputs, outputs_->size()}, outputs_->fd()));
    outputs_sent_ = true;
  }
  return base::Ok();
}

void ModelHost::Impl::SendRun() {
  // Cancelled while it was copied: the worker never hears of it.
  if (current_->answered()) return FinishRun(0, CancelledError());
  Pending& first = current_->first();
  const Clock::time_point now = Clock::now();
  for (const PendingPtr& member : current_->members) member->sent = now;
  if (first.paused_since) first.paused_since = now;
  first.paused = Clock::duration(0);
  first.cpu_ms_when_sent = worker_->CpuMs();
  CountRun([&](RunStats& run) { run.pending -= static_cast<std::int64_t>(current_->rows()); });
  phase_ = Phase::kRunning;
  if (auto sent = SendRegions(); !sent.ok()) {
    if (sent.error().code == "worker-crashed") return Kill(Doom::kCrashed);
    return FinishRun(0, std::move(sent).error());
  }
  if (!worker_->Send(RunMessage{first.id, current_->plan.inputs, current_->plan.outputs}).ok())
    Kill(Doom::kCrashed);
}

void ModelHost::Impl::On(const RanMessage& message) {
  if (phase_ != Phase::kRunning || message.run != current_->first().id ||
      !CheckAnswer(loaded_.signature, current_->plan.outputs, message, outputs_->size(),
                   options_.max_tensor_bytes)
           .ok() ||
      !HasOneRowEach(*current_, message)) {
    return Kill(Doom::kCrashed);
  }
  Pending& first = current_->first();
  const Clock::time_point now = Clock::now();
  for (const PendingPtr& member : current_->members) member->ran = now;
  failed_runs_ = 0;
  Resume();  // it may have answered just before it was stopped
  const double took_ms = Ms(now - first.sent - first.paused);
  UpdateStats([&](HostStats& stats) {
    const double each_ms = took_ms / static_cast<double>(current_->rows());
    stats.mean_run_ms = stats.mean_run_ms == 0 ? each_ms : 0.8 * stats.mean_run_ms + 0.2 * each_ms;
  });
  CountRun([](RunStats& run) { ++run.executions; });
  costs_.Learn(current_->plan.region_bytes, {worker_->CpuMs() - first.cpu_ms_when_sent, took_ms});
  const std::uint64_t used = EndOf(message.outputs);
  if (current_->answered()) return FinishRun(used, CancelledError());

  const auto answers = std::make_shared<std::vector<RunAnswer>>();
  for (const PendingPtr& member : current_->members) {
    answers->push_back({.outputs = {},
                        .queue_ms = Ms(member->sent - member->arrived),
                        .compute_ms = std::min(took_ms, static_cast<double>(message.compute_us) / 1000)});
  }
  if (used <= kInlineCopyBytes) {
    CopyOutputs(message.outputs, *outputs_, loaded_.signature.outputs, *answers);
    return FinishRun(used, std::move(*answers));
  }
  phase_ = Phase::kCopying;
  const auto self = shared_from_this();
  supervisor_.Offload(
      [self, answers, region = outputs_, places = message.outputs] {
        CopyOutputs(places, *region, self->loaded_.signature.outputs, *answers);
      },
      [self, answers, used, execution = current_] {
        if (self->phase_ == Phase::kCopying && self->current_ == execution) {
          return self->FinishRun(used, std::move(*answers));
        }
        // The worker ended after it had answered; current_ has been told so.
        WipeAnswers(*answers);
      });
}

// The worker is free again: no element of this run stays in shared memory, the next request starts, and then
// the senders hear.
void ModelHost::Impl::FinishRun(std::uint64_t outputs_used, base::Result<std::vector<RunAnswer>> answers) {
  const auto self = shared_from_this();
  if (phase_timer_) supervisor_.CancelTimer(*std::exchange(phase_timer_, std::nullopt));
  if (inputs_) Clean(*inputs_, current_->plan.region_bytes);
  if (outputs_) Clean(*outputs_, outputs_used);
  const auto finished = current_;
  EndShare();
  phase_ = Phase::kReady;
  if (!answers.ok()) {
    FailExecution(*finished, answers.error());
    return Pump();
  }
  Pump();
  for (std::size_t row = 0; row < finished->rows(); ++row) {
    Answer(*finished->members[row], std::move((*answers)[row]));
  }
}

// One request may have spoilt the run of several: they are computed one by one then, and so is all that comes later.
void ModelHost::Impl::FailExecution(const Execution& execution, const base::Error& error) {
  const auto self = shared_from_this();
  if (execution.IsBatch() && !execution.answered()) max_rows_ = 1;
  for (const PendingPtr& member : execution.members) {
    const bool again = execution.IsBatch() && !member->answered() && !stopping_;
    if (!again) {
      Answer(*member, error);
      continue;
    }
    if (Happened(member->sent)) CountRun([](RunStats& run) { ++run.pending; });
    member->picked = member->sent = member->ran = Clock::time_point();
    Enqueue(member);
  }
}

// ---- the end

void ModelHost::Impl::Stop(std::function<void()> stopped, milliseconds drain) {
  const auto self = shared_from_this();
  stopping_ = true;
  if (stopped) stops_.push_back(std::move(stopped));
  const auto end_now = [self] {
    self->drain_timer_.reset();
    self->FailAll(StoppedError());
    self->worker_ ? self->Kill(Doom::kStopped) : self->BeStopped();
  };
  const bool nothing_to_do = queue_.empty() && !current_;
  if (nothing_to_do || drain <= milliseconds(0)) return end_now();
  if (drain_timer_) supervisor_.CancelTimer(*drain_timer_);
  drain_timer_ = supervisor_.At(Clock::now() + drain, end_now);
}

void ModelHost::Impl::BeStopped() {
  const auto self = shared_from_this();
  if (phase_timer_) supervisor_.CancelTimer(*std::exchange(phase_timer_, std::nullopt));
  if (drain_timer_) supervisor_.CancelTimer(*std::exchange(drain_timer_, std::nullopt));
  FailAll(StoppedError());
  for (const auto& stopped : std::exchange(stops_, {})) stopped();
}

// ---- the handle

void ModelHost::Ticket::Cancel() {
  if (cancel_) cancel_();
}

ModelHost::Ticket ModelHost::Start(std::shared_ptr<ModelFile> file, WorkerOptions options, Started started) {
  BLINDAI_CHECK(file->sealed());
  const auto impl = std::make_shared<Impl>(std::move(file), std::move(options), std::move(started));
  Supervisor::Instance().Post([impl] { impl->StartWorker(); });
  return impl->StartTicket();
}

ModelHost::ModelHost(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ModelHost::~ModelHost() {
  Supervisor::Instance().Post([impl = std::move(impl_)] { impl->Abandon(); });
}

std::shared_ptr<ModelHost> ModelHost::Suspended(Fetch fetch, WorkerOptions options,
                                                ModelSignature signature) {
  return std::shared_ptr<ModelHost>(
      new ModelHost(std::make_shared<Impl>(std::move(fetch), std::move(options), std::move(signature))));
}
void ModelHost::SetFetch(Fetch fetch) { impl_->SetFetch(std::move(fetch)); }
bool ModelHost::Suspend(std::function<void()> gone) { return impl_->Suspend(std::move(gone)); }

const ModelSignature& ModelHost::signature() const { return impl_->signature(); }
const WorkerOptions& ModelHost::options() const { return impl_->options(); }
Cage ModelHost::cage() const { return impl_->cage(); }
HostStats ModelHost::stats() const { return impl_->stats(); }

ModelHost::Ticket ModelHost::Run(RunRequest request, RunDone done) {
  return impl_->Run(std::move(request), std::move(done));
}

void ModelHost::Stop(std::function<void()> stopped, milliseconds drain) {
  Supervisor::Instance().Post([impl = impl_, stopped = std::move(stopped), drain]() mutable {
    impl->Stop(std::move(stopped), drain);
  });
}

}  // namespace blindai::model
