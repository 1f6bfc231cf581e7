#include "client/live_transcription.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "base/secret.h"

namespace blindai::client {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;

constexpr std::chrono::milliseconds kAskWhetherToWait{100};
// RFC 6455 section 7.4.1: a normal end.
constexpr std::uint16_t kNormalEnd = 1000;
// Sound goes out in pieces of about this size, so that the server has heard one before the next waits in a buffer.
constexpr std::size_t kPiece = 32 * 1024;
// Our name for the commits: the server may answer that there was nothing to commit.
constexpr std::string_view kCommitId = "commit";
constexpr std::string_view kNothingToCommit = "input_audio_buffer_commit_empty";
// Events that may wait for Next before the server has to.
constexpr std::size_t kMaxWaiting = 100'000;

base::Error Cancelled() {
  return MakeError(ErrorKind::kCancelled, "cancelled", "the live transcription was ended by its caller");
}

// What a socket that ended says, as a caller of the client knows it.
base::Error Lost(const base::Error& error) {
  if (error.code == "cancelled") return Cancelled();
  return MakeError(ErrorKind::kUnavailable, "connection-lost",
                   "the connection of the live transcription ended before its last text");
}

}  // namespace

struct LiveTranscription::State {
  State(std::unique_ptr<net::BlockingWebSocket> open, std::function<bool()> ask, bool wants_deltas)
      : socket(std::move(open)), keep_waiting(std::move(ask)), deltas(wants_deltas) {}

  // ---- What the server says ----

  Result<wire::ServerEvent> Read(const std::function<bool()>& ask) const {
    auto message = socket->Read(ask);
    if (!message.ok()) return Lost(message.error());
    auto event = wire::DecodeServerEvent(message->bytes);
    base::Wipe(message->bytes);
    return event;
  }

  // The first event of a session, or the answer to its settings.
  Status AwaitReady() const {
    while (true) {
      BLINDAI_TRY(const wire::ServerEvent event, Read(keep_waiting));
      if (std::holds_alternative<wire::SessionReady>(event)) return base::Ok();
      if (const auto* error = std::get_if<wire::SessionError>(&event)) return error->error;
    }
  }

  // The reader's thread: reads on whether or not somebody asks, so that the connection stays alive.
  void ReadOn() {
    while (true) {
      auto event = Read(nullptr);
      Status taken = event.ok() ? Take(*event) : Status(event.error());
      const bool complete = taken.ok() && finishing && cleared && unfinished <= 0;
      if (taken.ok() && !complete) continue;
      if (complete) {
        const Status closed = socket->Close(kNormalEnd, "");
        (void)closed;  // everything has been said
      }
      End(std::move(taken));
      return socket->Cancel();  // who sends need not wait any more
    }
  }

  Status Take(wire::ServerEvent& event) {
    if (const auto* error = std::get_if<wire::SessionError>(&event)) {
      const bool nothing_to_commit = error->event_id == kCommitId && error->error.code == kNothingToCommit;
      return nothing_to_commit ? base::Ok() : Status(error->error);
    }
    if (std::holds_alternative<wire::ItemDelta>(event) && !deltas) return base::Ok();
    if (std::holds_alternative<wire::ItemCommitted>(event)) ++unfinished;
    if (std::holds_alternative<wire::AudioCleared>(event)) cleared = true;
    if (std::holds_alternative<wire::ItemCompleted>(event) || std::holds_alternative<wire::ItemFailed>(event))
      --unfinished;
    return std::visit(
        [this]<typename Event>(Event& one) -> Status {
          if constexpr (std::is_constructible_v<LiveEvent, Event>) return Keep(LiveEvent(std::move(one)));
          return base::Ok();
        },
        event);
  }

  Status Keep(LiveEvent event) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return events.size() < kMaxWaiting || cancelled; });
    if (cancelled) return Cancelled();
    events.push_back(std::move(event));
    changed.notify_all();
    return base::Ok();
  }

  void End(Status why) {
    const std::lock_guard lock(mutex);
    ended.emplace(std::move(why));
    changed.notify_all();
  }

  // ---- What the server is told ----

  Status Say(std::string text) {
    const std::lock_guard one_at_a_time(sending);
    Status sent = WhyEnded();
    if (sent.ok()) sent = socket->SendText(text);
    base::Wipe(text.data(), text.size());
    if (sent.ok()) return base::Ok();
    BLINDAI_RETURN_IF_ERROR(WhyEnded());
    return Lost(sent.error());
  }

  Status WhyEnded() {
    const std::lock_guard lock(mutex);
    if (ended && !ended->ok()) return *ended;
    return cancelled ? Status(Cancelled()) : base::Ok();
  }

  void Cancel() {
    {
      const std::lock_guard lock(mutex);
      cancelled = true;
      changed.notify_all();
    }
    socket->Cancel();
  }

  const std::unique_ptr<net::BlockingWebSocket> socket;
  const std::function<bool()> keep_waiting;
  const bool deltas;
  std::mutex sending;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<LiveEvent> events;
  std::optional<Status> ended;  // ok: everything was said
  bool cancelled = false;
  std::atomic<bool> finishing = false;
  std::thread reader;

  // The reader's.
  std::int64_t unfinished = 0;  // utterances that are complete and have no text yet
  bool cleared = false;         // the server has taken note of the end
};

LiveTranscription::LiveTranscription(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->reader = std::thread([held = state_.get()] { held->ReadOn(); });
}

LiveTranscription::~LiveTranscription() {
  Cancel();
  state_->reader.join();
}

Result<std::unique_ptr<LiveTranscription>> LiveTranscription::Start(
    std::unique_ptr<net::BlockingWebSocket> socket, const wire::RealtimeSettings& settings,
    std::function<bool()> keep_waiting) {
  auto state =
      std::make_unique<State>(std::move(socket), std::move(keep_waiting), settings.delay.has_value());
  BLINDAI_RETURN_IF_ERROR(state->AwaitReady());
  BLINDAI_RETURN_IF_ERROR(state->Say(wire::EncodeSessionUpdate(settings)));
  BLINDAI_RETURN_IF_ERROR(state->AwaitReady());
  return std::unique_ptr<LiveTranscription>(new LiveTranscription(std::move(state)));
}

Status LiveTranscription::Append(base::ByteView sound) {
  for (std::size_t at = 0; at < sound.size(); at += kPiece) {
    BLINDAI_RETURN_IF_ERROR(
        state_->Say(wire::EncodeAppend(sound.subspan(at, std::min(kPiece, sound.size() - at)))));
  }
  return base::Ok();
}

Status LiveTranscription::Commit() { return state_->Say(wire::EncodeCommit(kCommitId)); }

// The answer to the clearing comes behind everything that the commit has begun.
Status LiveTranscription::Finish() {
  state_->finishing = true;
  BLINDAI_RETURN_IF_ERROR(Commit());
  return state_->Say(wire::EncodeClear());
}

Result<std::optional<LiveEvent>> LiveTranscription::Next() {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  const auto is_there = [&state] { return !state.events.empty() || state.ended.has_value(); };
  while (!state.changed.wait_for(lock, kAskWhetherToWait, is_there)) {
    if (!state.keep_waiting) continue;
    lock.unlock();
    const bool go_on = state.keep_waiting();
    lock.lock();
    if (!go_on) return Cancelled();
  }
  if (!state.events.empty()) {
    LiveEvent event = std::move(state.events.front());
    state.events.pop_front();
    state.changed.notify_all();
    return std::optional(std::move(event));
  }
  if (!state.ended->ok()) return state.ended->error();
  return std::optional<LiveEvent>();
}

void LiveTranscription::Cancel() { state_->Cancel(); }

std::optional<wire::RealtimeFormat> LiveFormatFromName(std::string_view name, int rate_hz) {
  if (name == "pcm16") return wire::RealtimeFormat{wire::RealtimeEncoding::kPcm16, rate_hz};
  if (name == "mulaw") return wire::RealtimeFormat{wire::RealtimeEncoding::kMulaw, 8'000};
  if (name == "alaw") return wire::RealtimeFormat{wire::RealtimeEncoding::kAlaw, 8'000};
  return std::nullopt;
}

base::Bytes Pcm16Of(std::span<const float> samples) {
  constexpr float kFullScale = 32'768;
  base::Bytes sound;
  sound.reserve(2 * samples.size());
  for (const float sample : samples) {
    const float scaled =
        std::isnan(sample) ? 0 : std::clamp(sample * kFullScale, -kFullScale, kFullScale - 1);
    const auto value = static_cast<std::uint16_t>(static_cast<std::int16_t>(std::lround(scaled)));
    sound.push_back(static_cast<std::uint8_t>(value & 0xff));
    sound.push_back(static_cast<std::uint8_t>(value >> 8));
  }
  return sound;
}

}  // namespace blindai::client
