#include "model/worker_loop.h"

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "model/packet_socket.h"

namespace blindai::model {
namespace {

using Clock = std::chrono::steady_clock;

// What a run leaves in the engine is cleaned when nothing came for this long, and at the latest this long
// after a run even when requests keep coming.
constexpr auto kIdle = std::chrono::milliseconds(20);
constexpr auto kLongestDirty = std::chrono::milliseconds(500);
// The cleaned memory goes back to the kernel when nothing came for this long.
constexpr auto kLongIdle = std::chrono::seconds(10);

struct Job {
  ToWorker message;
  OwnedDescriptor descriptor;
};

class Jobs {
 public:
  void Put(Job job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
  }

  // The next job, or nothing when none came until `deadline`.
  std::optional<Job> TakeUntil(std::optional<Clock::time_point> deadline) {
    std::unique_lock lock(mutex_);
    const auto any = [this] { return !jobs_.empty(); };
    if (deadline) {
      if (!changed_.wait_until(lock, *deadline, any)) return std::nullopt;
    } else {
      changed_.wait(lock, any);
    }
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
};

class Workshop {
 public:
  Workshop(int socket, Engine& engine, Jobs& jobs) : socket_(socket), engine_(engine), jobs_(jobs) {}

  [[noreturn]] void Work() {
    while (true) {
      std::optional<Clock::time_point> deadline;
      if (dirty_since_) {
        deadline = std::min(Clock::now() + kIdle, *dirty_since_ + kLongestDirty);
      } else if (keeps_pages_) {
        deadline = Clock::now() + kLongIdle;
      }
      auto job = jobs_.TakeUntil(deadline);
      if (job) {
        std::visit([&](auto& message) { Do(message, job->descriptor); }, job->message);
      }
      if (dirty_since_) {
        if (job && Clock::now() < *dirty_since_ + kLongestDirty) continue;
        engine_.Clean();
        dirty_since_.reset();
        keeps_pages_ = true;
      } else if (!job) {
        engine_.GiveBack();
        keeps_pages_ = false;
      }
    }
  }

 private:
  void Do(const LoadMessage& load, const OwnedDescriptor& descriptor) {
    auto file = Mapping::Map(descriptor.get(), load.model_bytes, /*writable=*/false);
    LoadedMessage loaded;
    const Failure failure =
        file.ok() ? engine_.Load(std::move(*file), load.measure_rows, loaded) : Failure::kMemory;
    if (failure != Failure::kNone) return Say(FailedMessage{0, failure});
    Say(std::move(loaded));
  }

  void Do(const RegionMessage& region, const OwnedDescriptor& descriptor) {
    Mapping& mapping = region.use == RegionUse::kInputs ? inputs_ : outputs_;
    mapping = Mapping();
    auto mapped = Mapping::Map(descriptor.get(), region.bytes, region.use == RegionUse::kOutputs);
    if (mapped.ok()) mapping = std::move(*mapped);  // else the next run does not fit and fails
  }

  void Do(const RunMessage& run, const OwnedDescriptor&) {
    RanMessage ran;
    ran.run = run.run;
    if (!dirty_since_) dirty_since_ = Clock::now();
    const Failure failure = engine_.Run(run, inputs_.view(), outputs_.writable(), ran);
    if (failure != Failure::kNone) return Say(FailedMessage{run.run, failure});
    Say(std::move(ran));
  }

  void Do(const StartMessage&, const OwnedDescriptor&) { Say(FailedMessage{0, Failure::kInternal}); }
  void Do(const CancelMessage&, const OwnedDescriptor&) {}  // the listening thread has done it

  void Say(const FromWorker& message) {
    if (!SendPacket(socket_, Encode(message), -1, 0)) _exit(0);
  }

  const int socket_;
  Engine& engine_;
  Jobs& jobs_;
  Mapping inputs_;
  Mapping outputs_;
  std::optional<Clock::time_point> dirty_since_;
  bool keeps_pages_ = false;
};

}  // namespace

void ServeModel(int socket, Engine& engine) {
  static Jobs& jobs = *new Jobs();
  static Workshop& workshop = *new Workshop(socket, engine, jobs);
  std::thread([] { workshop.Work(); }).detach();
  while (true) {
    auto packet = ReceivePacket(socket, 0);
    if (!packet.ok() || packet->state != ReceivedPacket::State::kPacket) _exit(0);
    auto message = DecodeToWorker(packet->bytes);
    if (!message.ok()) _exit(1);
    if (const auto* cancel = std::get_if<CancelMessage>(&*message)) engine.Cancel(cancel->run);
    jobs.Put({std::move(*message), std::move(packet->descriptor)});
  }
}

}  // namespace blindai::model
