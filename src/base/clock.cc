#include "base/clock.h"

#include <fmt/format.h>

#include <charconv>

namespace blindai::base {
namespace {

// Two or four digits at a position, or -1.
int Digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

Error NotATime(std::string_view text) {
  return Malformed(fmt::format("seen '{}', wanted a time as in 2026-11-25T19:02:56Z", text.substr(0, 40)),
                   "time-format");
}

}  // namespace

Time Now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

std::string FormatTime(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Result<Time> ParseTime(std::string_view text) {
  const int year = Digits(text, 0, 4);
  const int month = Digits(text, 5, 2);
  const int day = Digits(text, 8, 2);
  if (year < 0 || month < 0 || day < 0 || text[4] != '-' || text[7] != '-') return NotATime(text);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return NotATime(text);
  const Time midnight = std::chrono::sys_days(date);
  if (text.size() == 10) return midnight;

  const int hour = Digits(text, 11, 2);
  const int minute = Digits(text, 14, 2);
  const int second = Digits(text, 17, 2);
  // Second 60 is a leap second; it is the next minute's start here.
  if ((text[10] != 'T' && text[10] != 't' && text[10] != ' ') || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60 || text[13] != ':' || text[16] != ':') {
    return NotATime(text);
  }
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    ++at;
    const std::size_t first_digit = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    if (at == first_digit) return NotATime(text);
  }
  const Time time =
      midnight + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  if (at + 1 == text.size() && (text[at] == 'Z' || text[at] == 'z')) return time;
  if (at + 6 == text.size() && (text[at] == '+' || text[at] == '-') && text[at + 3] == ':') {
    const int offset_hours = Digits(text, at + 1, 2);
    const int offset_minutes = Digits(text, at + 4, 2);
    if (offset_hours < 0 || offset_hours > 23 || offset_minutes < 0 || offset_minutes > 59)
      return NotATime(text);
    const auto offset = std::chrono::hours(offset_hours) + std::chrono::minutes(offset_minutes);
    return text[at] == '+' ? Time(time - offset) : Time(time + offset);
  }
  return NotATime(text);
}

}  // namespace blindai::base
