// What the server's allocator does with memory that is freed: overwrites it at once. Requests, transcripts and their
// parts pass through many strings and the buffers of libraries; each is wiped where it is ours and lives long, and this
// catches what nobody thought of. The allocator is jemalloc (http://jemalloc.net/jemalloc.3.html, opt.junk), as in the
// worker (model/freed_memory.h); under a sanitizer its own one is used.
#pragma once

namespace blindai::server {

// Whether this process runs with the allocator and its setting; the server refuses to start without.
bool FreedMemoryIsWiped();

}  // namespace blindai::server
