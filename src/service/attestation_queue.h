// Quotes are slow and the platform makes one at a time, so requests for evidence wait in one bounded line
// with a deadline: a flood of them ends in a clear "busy" for the flood, and never holds up inference or
// health.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/result.h"

namespace blindai::service {

struct AttestationQueueOptions {
  // Requests that may wait; one more is refused (code attestation-busy, kUnavailable).
  std::size_t max_waiting = 64;
  // From the request to its evidence; what has not begun by then is refused (code attestation-deadline).
  std::chrono::milliseconds deadline{10'000};
};

class AttestationQueue {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  explicit AttestationQueue(AttestationQueueOptions options);
  // What still waits is refused (code attestation-busy), what runs finishes.
  ~AttestationQueue();
  AttestationQueue(const AttestationQueue&) = delete;
  AttestationQueue& operator=(const AttestationQueue&) = delete;

  // Calls `work` on the queue's thread and hands its result to `done`, or hands `done` a refusal. `done` is
  // called once, on the queue's thread or at once.
  template <typename T>
  void Submit(std::function<base::Result<T>(Deadline)> work, std::function<void(base::Result<T>)> done) {
    Add([work = std::move(work), done](Deadline deadline) { done(work(deadline)); },
        [done](base::Error error) { done(std::move(error)); });
  }

 private:
  struct Job {
    std::function<void(Deadline)> run;
    std::function<void(base::Error)> refuse;
    Deadline deadline;
  };
  void Add(std::function<void(Deadline)> run, std::function<void(base::Error)> refuse);
  void Work();

  const AttestationQueueOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;  // last, so that everything it uses exists
};

}  // namespace blindai::service
