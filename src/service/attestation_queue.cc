#include "service/attestation_queue.h"

#include <utility>

namespace blindai::service {
namespace {

base::Error Busy() {
  return base::MakeError(
      base::ErrorKind::kUnavailable, "attestation-busy",
      "too many requests for evidence are waiting for the platform; try again in a second");
}

}  // namespace

AttestationQueue::AttestationQueue(AttestationQueueOptions options)
    : options_(options), thread_([this] { Work(); }) {}

AttestationQueue::~AttestationQueue() {
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(jobs_);
  }
  changed_.notify_all();
  thread_.join();
  for (const Job& job : left) job.refuse(Busy());
}

void AttestationQueue::Add(std::function<void(Deadline)> run, std::function<void(base::Error)> refuse) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && jobs_.size() < options_.max_waiting) {
      jobs_.push_back(
          Job{std::move(run), std::move(refuse), std::chrono::steady_clock::now() + options_.deadline});
      refuse = nullptr;
    }
  }
  if (refuse) return refuse(Busy());
  changed_.notify_one();
}

void AttestationQueue::Work() {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    if (std::chrono::steady_clock::now() >= job.deadline) {
      job.refuse(base::MakeError(base::ErrorKind::kUnavailable, "attestation-deadline",
                                 "the platform did not give evidence in time; try again"));
      continue;
    }
    job.run(job.deadline);
  }
}

}  // namespace blindai::service
