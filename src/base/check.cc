#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace blindai::base {

void CheckFailed(const char* file, int line, const char* condition) {
  static_cast<void>(std::fprintf(stderr, "blindai: broken promise at %s:%d: %s\n", file, line, condition));
  std::abort();
}

}  // namespace blindai::base
