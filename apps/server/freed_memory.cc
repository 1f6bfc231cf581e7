#include "server/freed_memory.h"

#ifdef BLINDAI_SANITIZED
namespace blindai::server {

bool FreedMemoryIsWiped() { return true; }

}  // namespace blindai::server

#else
#include <jemalloc/jemalloc.h>

#include <string_view>

// Read by jemalloc before main. Freed memory is filled with 0x5a, and given back to the kernel after a second. Large
// pieces too (oversize_threshold): they would otherwise go back at once, and every large request pay page faults anew.
extern "C" {
const char* malloc_conf =
    "abort_conf:true,junk:free,dirty_decay_ms:1000,muzzy_decay_ms:0,oversize_threshold:0";
}

namespace blindai::server {

bool FreedMemoryIsWiped() {
  const char* junk = nullptr;
  std::size_t size = sizeof junk;
  return mallctl("opt.junk", &junk, &size, nullptr, 0) == 0 && std::string_view(junk) == "free";
}

}  // namespace blindai::server
#endif
