// What the lock-down of a worker achieved, as facts. The worker finds out by looking, not by hoping, before
// it sees one byte of a model, so what it says can be believed. The server puts these facts into its
// deployment manifest: a kernel that cannot do one of them is visible to every client. How it is done:
// worker_cage.h.
#pragma once

#include <cstdint>

namespace blindai::model {

struct Cage {
  // Namespaces of its own (namespaces(7)).
  bool user_namespace = false;
  bool mount_namespace = false;
  bool pid_namespace = false;
  bool network_namespace = false;
  bool ipc_namespace = false;
  // Its root directory is empty and read-only, and nothing of the host's file system is reachable.
  bool empty_root = false;
  // No thread has a capability, and none can gain one (no_new_privs).
  bool no_capabilities = false;
  bool no_new_privileges = false;
  // The version of Landlock that denies every thread all files and sockets; 0 where the kernel has none.
  std::uint32_t landlock_abi = 0;
  // System calls that the seccomp filter lets through, in all threads; every other one ends the worker.
  // 0 where there is no filter.
  std::uint32_t allowed_system_calls = 0;
  // Address space is limited (not in sanitizer builds, whose shadow memory needs terabytes).
  bool memory_limit = false;
  // No core file, and no other process of the same user may look inside.
  bool not_dumpable = false;

  friend bool operator==(const Cage&, const Cage&) = default;
};

}  // namespace blindai::model
