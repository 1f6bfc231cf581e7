#include "model/freed_memory.h"

#ifdef BLINDAI_SANITIZED
#include <malloc.h>

namespace blindai::model {

bool FreedMemoryIsWiped() { return true; }
void ReturnFreedMemory() { malloc_trim(0); }

}  // namespace blindai::model

#else
#include <jemalloc/jemalloc.h>

#include <string>
#include <string_view>

// Read by jemalloc before main. Freed memory is filled with 0x5a and stays mapped until ReturnFreedMemory(). One
// arena, because a run has one caller and few threads, and freed memory of another arena would lie unused.
extern "C" {
const char* malloc_conf =
    "abort_conf:true,junk:free,retain:true,dirty_decay_ms:-1,muzzy_decay_ms:0,narenas:1";
}

namespace blindai::model {

bool FreedMemoryIsWiped() {
  const char* junk = nullptr;
  bool retain = false;
  std::size_t size = sizeof junk;
  std::size_t retain_size = sizeof retain;
  return mallctl("opt.junk", &junk, &size, nullptr, 0) == 0 && std::string_view(junk) == "free" &&
         mallctl("opt.retain", &retain, &retain_size, nullptr, 0) == 0 && retain;
}

void ReturnFreedMemory() {
  static const std::string command = "arena." + std::to_string(MALLCTL_ARENAS_ALL) + ".purge";
  mallctl(command.c_str(), nullptr, nullptr, nullptr, 0);
}

}  // namespace blindai::model
#endif
