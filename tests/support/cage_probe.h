// What the program cage_probe tries after it has locked itself in with the worker's own code. It is told in a
// StartMessage: `threads` is the attempt, a memory limit of 0 means "without the lock-down". It says Caged,
// tries, and answers with a RanMessage whose run is 0 when the attempt succeeded and else the error number.
// No answer: killed.
#pragma once

#include <cstdint>

namespace blindai::tests {

enum class Attempt : std::uint16_t {
  kNothing,
  kOpenFile,
  kOpenOwnMemory,
  kOpenFromOldThread,  // one that was there before the lock-down, like the engine's
  kListFiles,
  kCreateFile,
  kSocket,
  kSocketPair,
  kExec,
  kFork,
  kVfork,
  kPtrace,
  kReadOtherMemory,
  kIoUring,
  kKillServer,
  kKillAll,
  kMount,
  kUnshare,
  kSetUser,
  kCreateMemoryFile,
  kBpf,
  kPerfEvents,
  kUserfault,
  kKeyring,
  kModule,
  kNamedPipe,
  kControlDevice,
  k32BitCall,
  // Marks on the model's file, which the next worker gets too.
  kMoveOffset,
  kSetFlags,
  kLockFile,
  kNameAttribute,
  kLast = kNameAttribute,
};

}  // namespace blindai::tests
