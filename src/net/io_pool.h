// The threads that move bytes. One pool is shared by every server and client of the process; each connection
// has a strand on it. Work that computes for long does not belong here (model/scheduler, worker processes).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <functional>
#include <memory>

#include "net/task.h"

namespace blindai::net {

class IoPool {
 public:
  // Starts `threads` threads (at least one).
  explicit IoPool(std::size_t threads);
  // Stops the threads and drops what still waits. Stop servers first, and do not call this on a pool thread.
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  boost::asio::any_io_executor executor() const;
  // An executor whose work never runs at the same time on two threads.
  boost::asio::any_io_executor NewStrand() const;
  // Starts a coroutine on a strand of its own; the function object lives until its Task has ended.
  // An exception that leaves the Task is a broken promise of our own and stops the program.
  void Spawn(std::function<Task<void>()> start) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace blindai::net
