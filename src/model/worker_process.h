// A worker process as the server holds it: spawned with its own namespaces, an empty environment, one socket
// and nothing else of ours; talked to in packets; killed and waited for through a descriptor that cannot mean
// another process (pidfd). What the worker does to itself is in worker_cage.h. clone(2), namespaces(7),
// pidfd_open(2).
//
// Used on the supervisor's thread only: the kernel kills a worker when the thread that spawned it ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/result.h"
#include "model/cage.h"
#include "model/worker_protocol.h"

namespace blindai::model {

// The descriptor of the socket in the worker; 0, 1 and 2 are the null device.
inline constexpr int kWorkerSocket = 3;

class WorkerProcess {
 public:
  // Starts `program` (absolute) with no arguments. Code: worker-unavailable.
  static base::Result<WorkerProcess> Spawn(const std::string& program);

  WorkerProcess(WorkerProcess&& other) noexcept;
  WorkerProcess& operator=(WorkerProcess&&) = delete;
  // Kills what still runs and waits for it.
  ~WorkerProcess();

  pid_t pid() const { return pid_; }
  // Readable when the process has ended.
  int pidfd() const { return pidfd_; }
  int socket() const { return socket_; }
  // The namespaces that it got; nothing else is set.
  const Cage& namespaces() const { return namespaces_; }
  std::uint64_t ResidentBytes() const { return ResidentBytesOf(pid_); }
  static std::uint64_t ResidentBytesOf(pid_t pid);
  // Processor time that all its threads have used, also after its end; 0 where the kernel does not tell.
  double CpuMs() const;

  // Sends one message, with a descriptor if it is not −1. Never waits: a worker that does not read is broken.
  // Code: worker-crashed.
  base::Status Send(const ToWorker& message, int descriptor = -1);

  // The next packet that is there. Nothing: none yet. kEnded: the worker has closed its side. An error: the
  // packet makes no sense (code worker-protocol).
  struct Ended {};
  using Received = std::variant<std::monostate, Ended, FromWorker>;
  base::Result<Received> Receive();

  void Kill();
  // Its threads stand still until Resume. It can be killed meanwhile.
  void Pause();
  void Resume();

 private:
  WorkerProcess() = default;

  pid_t pid_ = -1;
  int pidfd_ = -1;
  int socket_ = -1;
  Cage namespaces_;
};

}  // namespace blindai::model
