// One thread that watches over all workers: their sockets, their ends, their deadlines. It never blocks and
// runs no code of a model, so a thousand hosts cost one thread, and state that only it touches needs no lock.
// Workers are also spawned by it, because the kernel ties PR_SET_PDEATHSIG to the life of the spawning thread
// (prctl(2)).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace blindai::model {

class Supervisor {
 public:
  using Task = std::function<void()>;
  using Time = std::chrono::steady_clock::time_point;
  using TimerId = std::pair<Time, std::uint64_t>;

  // The one supervisor of this process. It lives until the process ends.
  static Supervisor& Instance();

  // From any thread: runs `task` on the supervisor's thread, in the order of the calls.
  void Post(Task task);
  // From any thread: runs `work`, which may take long, on a helper thread, and then `then` on the
  // supervisor's.
  void Offload(Task work, Task then);

  // The rest only on the supervisor's thread.
  bool OnThread() const { return std::this_thread::get_id() == thread_.get_id(); }
  // Calls `readable` whenever the descriptor can be read, until Unwatch; 0 is never a watch.
  std::uint64_t Watch(int fd, Task readable);
  void Unwatch(std::uint64_t watch, int fd);
  // Calls `task` once, at or after `time`, unless cancelled. Cancelling a timer that has fired does nothing.
  TimerId At(Time time, Task task);
  void CancelTimer(const TimerId& timer) { timers_.erase(timer); }

 private:
  // A queue of tasks and the descriptor that wakes its thread.
  class Inbox {
   public:
    Inbox();
    void Put(Task task);
    std::vector<Task> TakeAll();
    int fd() const { return fd_; }

   private:
    int fd_;
    std::mutex mutex_;
    std::vector<Task> tasks_;
  };

  Supervisor();
  void Loop();
  void RunDueTimers();
  int WaitMs() const;
  [[noreturn]] static void Help(Inbox& inbox);

  int epoll_;
  Inbox inbox_;
  Inbox helper_inbox_;
  std::map<TimerId, Task> timers_;
  std::unordered_map<std::uint64_t, Task> watches_;
  std::uint64_t next_id_ = 1;
  std::thread thread_;
};

}  // namespace blindai::model
