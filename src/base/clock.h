// Wall-clock time as a value. Whatever decides trust takes the time as an argument, so every expiry test is
// one argument; only main and the client's front door ask for Now(). Deadlines use std::chrono::steady_clock.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace blindai::base {

using Time = std::chrono::sys_seconds;

Time Now();
// RFC 3339 in UTC with whole seconds: "2026-11-25T19:02:56Z".
std::string FormatTime(Time time);
// Accepts "2026-11-25T19:02:56Z", an offset such as "+01:00", fractions of a second (dropped), and the plain
// date "2026-11-25" (midnight UTC).
Result<Time> ParseTime(std::string_view text);

}  // namespace blindai::base
