// What the worker's allocator does with memory that the engine frees: overwrites it at once and keeps it mapped for the
// next run. Intermediate results hold what people sent, and the engine has no other way to wipe them; giving the pages
// back to the kernel after each run instead makes the next run pay for hundreds of megabytes of page faults.
//
// The allocator is jemalloc (http://jemalloc.net/jemalloc.3.html, opt.junk). Under a sanitizer its own one is used, and
// freed memory is only given back.
#pragma once

namespace blindai::model {

// Whether this process runs with the allocator and its setting; the worker refuses to start without.
bool FreedMemoryIsWiped();

// Gives all freed pages back to the kernel.
void ReturnFreedMemory();

}  // namespace blindai::model
