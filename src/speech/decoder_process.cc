#include "speech/decoder_process.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "base/secret.h"
#include "model/packet_socket.h"
#include "model/shared_region.h"
#include "model/supervisor.h"
#include "model/worker_process.h"

namespace blindai::speech {
namespace {

using base::ErrorKind;
using base::MakeError;
using model::Supervisor;
using model::WorkerProcess;

base::Error Crashed() { return RefusalError(DecodeRefusal::kInternal, {}); }

base::Error TimedOut() {
  return MakeError(ErrorKind::kDeadline, "decoder-timeout",
                   "decoding the recording took too long; convert it to flac or wav and send it again",
                   "file");
}

}  // namespace

AudioPiece::~AudioPiece() {
  for (std::vector<float>& channel : channels) base::Wipe(channel.data(), channel.size() * sizeof(float));
}

// A state machine on the supervisor's thread; it holds itself alive through its watches.
class DecoderProcess::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<const AudioFile> file, DecoderOptions options, Opened opened)
      : file_(std::move(file)), options_(std::move(options)), opened_callback_(std::move(opened)) {}

  void Start() {
    auto region = model::SharedRegion::Create(kRegionBytes, /*worker_writes=*/true);
    if (!region.ok()) return Fail(std::move(region).error());
    region_ = std::move(*region);
    auto process = WorkerProcess::Spawn(options_.decoder_program);
    if (!process.ok()) return Fail(std::move(process).error());
    process_.emplace(std::move(*process));
    pid_ = process_->pid();
    phase_ = Phase::kCaging;
    watch_ = supervisor_.Watch(process_->socket(), [self = shared_from_this()] { self->OnSocket(); });
    SetTimer(options_.open_timeout_ms);
    model::StartMessage start;
    start.memory_limit_bytes = options_.memory_limit_bytes + file_->size() + kRegionBytes;
    start.own_mount_namespace = process_->namespaces().mount_namespace;
    if (!process_->Send(start).ok()) Fail(Crashed());
  }

  void Next(PieceDone done) {
    if (phase_ != Phase::kReady) return done(Crashed());
    piece_callback_ = std::move(done);
    phase_ = Phase::kDecoding;
    SetTimer(options_.piece_timeout_ms);
    if (!Say(NextMessage{})) Fail(Crashed());
  }

  void Abandon() {
    Fail(MakeError(ErrorKind::kCancelled, "cancelled", "the recording is not wanted any more"));
  }

  // Set before the decoder is handed out, and constant then.
  const OpenedMessage& opened() const { return opened_; }
  const model::Cage& cage() const { return cage_; }
  std::int64_t pid() const { return pid_; }

 private:
  enum class Phase { kNew, kCaging, kOpening, kReady, kDecoding, kEnded };

  bool Say(const ToDecoder& message, int descriptor = -1) {
    return model::SendPacket(process_->socket(), Encode(message), descriptor, MSG_DONTWAIT);
  }

  void OnSocket() {
    if (!process_) return;
    if (phase_ == Phase::kCaging) return OnCaged();
    auto packet = model::ReceivePacket(process_->socket(), MSG_DONTWAIT);
    if (packet.ok() && packet->state == model::ReceivedPacket::State::kNone) return;
    if (!packet.ok() || packet->state == model::ReceivedPacket::State::kEnded) return Fail(Crashed());
    const auto message = DecodeFromDecoder(packet->bytes);
    if (!message.ok()) return Fail(Crashed());
    std::visit([this](const auto& content) { On(content); }, *message);
  }

  void OnCaged() {
    auto received = process_->Receive();
    if (received.ok() && std::holds_alternative<std::monostate>(*received)) return;
    const auto* message = received.ok() ? std::get_if<model::FromWorker>(&*received) : nullptr;
    const auto* caged = message != nullptr ? std::get_if<model::CagedMessage>(message) : nullptr;
    if (caged == nullptr) return Fail(Crashed());
    cage_ = caged->cage;
    const model::Cage& namespaces = process_->namespaces();
    cage_.user_namespace = namespaces.user_namespace;
    cage_.mount_namespace = namespaces.mount_namespace;
    cage_.pid_namespace = namespaces.pid_namespace;
    cage_.network_namespace = namespaces.network_namespace;
    cage_.ipc_namespace = namespaces.ipc_namespace;
    phase_ = Phase::kOpening;
    const FileMessage file{file_->size(), options_.limits};
    if (!Say(RegionMessage{}, region_.fd()) || !Say(file, file_->reading_fd())) return Fail(Crashed());
  }

  void On(const OpenedMessage& message) {
    if (phase_ != Phase::kOpening) return Fail(Crashed());
    opened_ = message;
    phase_ = Phase::kReady;
    ClearTimer();
    std::exchange(opened_callback_,
                  nullptr)(std::shared_ptr<DecoderProcess>(new DecoderProcess(shared_from_this())));
  }

  void On(const SamplesMessage& message) {
    if (phase_ != Phase::kDecoding || (message.samples == 0 && !message.last)) return Fail(Crashed());
    ClearTimer();
    AudioPiece piece;
    piece.last = message.last;
    const auto* const samples = reinterpret_cast<const float*>(region_.view().data());
    for (std::uint32_t c = 0; c < opened_.channels; ++c) {
      const float* const begin = samples + std::size_t{c} * kPieceSamples;
      piece.channels.emplace_back(begin, begin + message.samples);
      if (!std::ranges::all_of(piece.channels.back(), [](float value) { return std::isfinite(value); })) {
        return Fail(RefusalError(DecodeRefusal::kNotFinite, options_.limits));
      }
    }
    PieceDone done = std::exchange(piece_callback_, nullptr);
    phase_ = Phase::kReady;
    if (message.last) End();
    done(std::move(piece));
  }

  void On(const RefusedMessage& message) {
    if (phase_ != Phase::kOpening && phase_ != Phase::kDecoding) return Fail(Crashed());
    Fail(RefusalError(message.refusal, options_.limits));
  }

  // Ends the process and tells whoever waits.
  void Fail(base::Error error) {
    const auto self = shared_from_this();
    End();
    if (auto opened = std::exchange(opened_callback_, nullptr)) return opened(std::move(error));
    if (auto done = std::exchange(piece_callback_, nullptr)) done(std::move(error));
  }

  void End() {
    phase_ = Phase::kEnded;
    ClearTimer();
    if (!process_) return;
    supervisor_.Unwatch(watch_, process_->socket());
    process_.reset();  // kills, and waits for a process that has nothing left to do
    region_.Wipe(region_.size());
    file_.reset();  // not before: the last to let go of it overwrites it, under the decoder's eyes too
  }

  void SetTimer(int timeout_ms) {
    timer_ = supervisor_.At(std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms),
                            [self = shared_from_this()] {
                              self->timer_.reset();
                              self->Fail(TimedOut());
                            });
  }

  void ClearTimer() {
    if (timer_) supervisor_.CancelTimer(*std::exchange(timer_, std::nullopt));
  }

  Supervisor& supervisor_ = Supervisor::Instance();
  std::shared_ptr<const AudioFile> file_;
  const DecoderOptions options_;
  Opened opened_callback_;
  PieceDone piece_callback_;
  Phase phase_ = Phase::kNew;
  model::SharedRegion region_;
  std::optional<WorkerProcess> process_;
  std::uint64_t watch_ = 0;
  std::optional<Supervisor::TimerId> timer_;
  OpenedMessage opened_;
  model::Cage cage_;
  std::int64_t pid_ = 0;
};

void DecoderProcess::Start(std::shared_ptr<const AudioFile> file, DecoderOptions options, Opened opened) {
  auto impl = std::make_shared<Impl>(std::move(file), std::move(options), std::move(opened));
  Supervisor::Instance().Post([impl] { impl->Start(); });
}

DecoderProcess::DecoderProcess(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

DecoderProcess::~DecoderProcess() {
  Supervisor::Instance().Post([impl = std::move(impl_)] { impl->Abandon(); });
}

int DecoderProcess::channels() const { return impl_->opened().channels; }
double DecoderProcess::announced_s() const {
  return static_cast<double>(impl_->opened().announced_ms) / 1000;
}
model::Cage DecoderProcess::cage() const { return impl_->cage(); }
std::int64_t DecoderProcess::pid() const { return impl_->pid(); }

void DecoderProcess::Next(PieceDone done) {
  Supervisor::Instance().Post(
      [impl = impl_, done = std::move(done)]() mutable { impl->Next(std::move(done)); });
}

}  // namespace blindai::speech
