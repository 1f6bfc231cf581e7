// Logging that cannot leak a request. An event has a name and fields; names, keys and text values are string
// literals (checked by the compiler), numbers are numbers, and there is no way to pass text that came from
// outside. What an operator chose (a listen address, a platform's name) goes through OperatorText, which a
// review can search for.
//
//   base::LogEvent("server-listening").Number("port", port).Word("mode", "simulation").Emit();
//
// One JSON object a line on stderr.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace blindai::base {

// A text known at compile time.
class LiteralText {
 public:
  template <std::size_t N>
  consteval LiteralText(const char (&text)[N]) : text_(text, N - 1) {}  // NOLINT(google-explicit-constructor)
  constexpr std::string_view view() const { return text_; }

 private:
  std::string_view text_;
};

class LogEvent {
 public:
  explicit LogEvent(LiteralText name);

  LogEvent& Number(LiteralText key, std::int64_t value);
  LogEvent& Decimal(LiteralText key, double value);
  LogEvent& Word(LiteralText key, LiteralText value);
  // Text from the operator's own configuration or command line. Never from a request, a model or a client.
  LogEvent& OperatorText(LiteralText key, std::string_view value);

  // The line, without its end; Emit() writes it.
  std::string Line() const;
  void Emit() const;

 private:
  std::string fields_;
};

}  // namespace blindai::base
