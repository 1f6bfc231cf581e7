#include "base/log_event.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace blindai::base {
namespace {

// The promise of the header, checked by the compiler: text that came from outside is not a log value.
static_assert(!std::is_constructible_v<LiteralText, std::string>);
static_assert(!std::is_constructible_v<LiteralText, std::string_view>);
static_assert(!std::is_constructible_v<LiteralText, const char*>);

TEST(LogEvent, WritesOneJsonLine) {
  const std::string line =
      LogEvent("server-listening").Number("port", 8443).Word("mode", "simulation").Line();
  EXPECT_NE(line.find(R"("event":"server-listening","port":8443,"mode":"simulation"})"), std::string::npos)
      << line;
}

TEST(LogEvent, OperatorTextCannotBreakTheLine) {
  const std::string line = LogEvent("x").OperatorText("listen", "a\"b\nc\\").Line();
  EXPECT_NE(line.find(R"("listen":"a\"b\u000ac\\")"), std::string::npos) << line;
}

}  // namespace
}  // namespace blindai::base
