#include "base/stack.h"

#include <cstring>

namespace blindai::base {

#ifdef BLINDAI_SANITIZED
void WipeStack() {}
#else
[[gnu::noinline]] void WipeStack() {
  unsigned char below[kWipedStackBytes];
  explicit_bzero(below, sizeof below);
}
#endif

}  // namespace blindai::base
