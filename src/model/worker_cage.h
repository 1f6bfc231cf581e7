// How a worker locks itself in, before it sees one byte of a model. Measured, an engine that is given a
// hostile model reads and writes outside its buffers on pages that are writable and executable, so after the
// lock-down the process is assumed to belong to the model's owner: it can compute, use its memory and answer
// on its socket, and nothing else. The filter's list was measured with the engine (25 calls); every other
// call ends the process.
//
// Order matters: the engine starts first (it opens its plugins and reads the processor's description), then
// the root directory is emptied, every thread loses capabilities and gets Landlock's deny-all, then the
// filter falls on all threads at once. seccomp(2), landlock(7), pivot_root(2), capabilities(7).
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "model/cage.h"

namespace blindai::model {

// First thing in main, while there is one thread: dies with the server, writes no file and no core, takes
// signals again, overwrites memory when it is freed. False: the kernel refused a limit.
bool PrepareWorkerProcess();

// Locks the whole process in, with `memory_limit_bytes` of address space beyond what it uses now. Where the
// kernel cannot do a part (no Landlock, no namespaces) the facts say so; no filter at all is an error (code
// internal). `own_mount_namespace`: the server made one for this process, so what is mounted may be taken
// away.
base::Result<Cage> LockDown(std::uint64_t memory_limit_bytes, bool own_mount_namespace);

// The numbers of the system calls that the filter lets through.
std::span<const int> AllowedSystemCalls();

}  // namespace blindai::model
