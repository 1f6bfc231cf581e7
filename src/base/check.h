// CHECK stops the program when a promise of our own is broken: a state that no input can cause. It is never
// used for input, however hostile; input that is wrong is a Result (result.h).
#pragma once

namespace blindai::base {

// Writes file, line and the condition to stderr, and aborts. Takes no values: nothing of a request may be
// printed.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace blindai::base

#define BLINDAI_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::blindai::base::CheckFailed(__FILE__, __LINE__, #condition))
