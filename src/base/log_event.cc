#include "base/log_event.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/clock.h"

namespace blindai::base {
namespace {

// JSON text with everything unusual escaped, so that a line stays a line.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

}  // namespace

LogEvent::LogEvent(LiteralText name) : fields_(fmt::format("\"event\":{}", Quoted(name.view()))) {}

LogEvent& LogEvent::Number(LiteralText key, std::int64_t value) {
  fields_ += fmt::format(",{}:{}", Quoted(key.view()), value);
  return *this;
}

LogEvent& LogEvent::Decimal(LiteralText key, double value) {
  fields_ += fmt::format(",{}:{:.3f}", Quoted(key.view()), value);
  return *this;
}

LogEvent& LogEvent::Word(LiteralText key, LiteralText value) {
  fields_ += fmt::format(",{}:{}", Quoted(key.view()), Quoted(value.view()));
  return *this;
}

LogEvent& LogEvent::OperatorText(LiteralText key, std::string_view value) {
  fields_ += fmt::format(",{}:{}", Quoted(key.view()), Quoted(value));
  return *this;
}

std::string LogEvent::Line() const {
  return fmt::format("{{\"time\":\"{}\",{}}}", FormatTime(Now()), fields_);
}

void LogEvent::Emit() const {
  const std::string line = Line() + "\n";
  // A log that cannot be written must not stop the server.
  static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
}

}  // namespace blindai::base
