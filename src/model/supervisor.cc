#include "model/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/stack.h"

namespace blindai::model {
namespace {

constexpr std::uint64_t kInboxWatch = 0;

// Signals belong to the program's own threads.
void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

void AddToEpoll(int epoll, int fd, std::uint64_t watch) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = watch;
  BLINDAI_CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

}  // namespace

Supervisor::Inbox::Inbox() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { BLINDAI_CHECK(fd_ >= 0); }

void Supervisor::Inbox::Put(Task task) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  if (first) BLINDAI_CHECK(write(fd_, &one, sizeof one) == sizeof one);
}

std::vector<Supervisor::Task> Supervisor::Inbox::TakeAll() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(fd_, &count, sizeof count);
  const std::lock_guard lock(mutex_);
  return std::exchange(tasks_, {});
}

Supervisor& Supervisor::Instance() {
  // Never destroyed: hosts may end after static destructors have run.
  static Supervisor& instance = *new Supervisor();
  return instance;
}

Supervisor::Supervisor() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  BLINDAI_CHECK(epoll_ >= 0);
  AddToEpoll(epoll_, inbox_.fd(), kInboxWatch);
  std::thread([this] { Help(helper_inbox_); }).detach();
  thread_ = std::thread([this] { Loop(); });
}

void Supervisor::Post(Task task) { inbox_.Put(std::move(task)); }

void Supervisor::Offload(Task work, Task then) {
  helper_inbox_.Put([this, work = std::move(work), then = std::move(then)]() mutable {
    work();
    work = nullptr;
    Post(std::move(then));
  });
}

std::uint64_t Supervisor::Watch(int fd, Task readable) {
  const std::uint64_t watch = next_id_++;
  AddToEpoll(epoll_, fd, watch);
  watches_.emplace(watch, std::move(readable));
  return watch;
}

void Supervisor::Unwatch(std::uint64_t watch, int fd) {
  if (watches_.erase(watch) > 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

Supervisor::TimerId Supervisor::At(Time time, Task task) {
  const TimerId id{time, next_id_++};
  timers_.emplace(id, std::move(task));
  return id;
}

int Supervisor::WaitMs() const {
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first.first - std::chrono::steady_clock::now();
  // Rounded up, so that the timer is due when the wait ends.
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, 3'600'000));
}

void Supervisor::RunDueTimers() {
  const Time now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    const Task task = std::move(timers_.extract(timers_.begin()).mapped());
    task();
  }
}

void Supervisor::Loop() {
  BlockSignals();
  std::array<epoll_event, 64> events;
  while (true) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), WaitMs());
    BLINDAI_CHECK(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t watch = events[static_cast<std::size_t>(i)].data.u64;
      if (watch == kInboxWatch) {
        for (const Task& task : inbox_.TakeAll()) task();
        continue;
      }
      // A task before may have ended this watch; a copy, because the task itself may.
      const auto found = watches_.find(watch);
      if (found == watches_.end()) continue;
      const Task task = found->second;
      task();
    }
    RunDueTimers();
    // Answers are made ready for their senders on this thread.
    base::WipeStack();
  }
}

void Supervisor::Help(Inbox& inbox) {
  BlockSignals();
  while (true) {
    pollfd wait{inbox.fd(), POLLIN, 0};
    poll(&wait, 1, -1);
    for (const Task& task : inbox.TakeAll()) task();
    base::WipeStack();
  }
}

}  // namespace blindai::model
