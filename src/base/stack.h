// What functions leave on a thread's stack when they return: serializers and formatters work in buffers there, and
// what was said stands in them until something else happens to use the same place. Loops of threads that handle
// requests call this between two pieces of work.
#pragma once

#include <cstddef>

namespace blindai::base {

inline constexpr std::size_t kWipedStackBytes = std::size_t{64} << 10;

// Overwrites so much of this thread's stack, from the caller's frame downwards. Under a sanitizer, which watches the
// stack itself, it does nothing.
void WipeStack();

}  // namespace blindai::base
