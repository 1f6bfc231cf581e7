// How `blindai` speaks. Every subcommand writes through this file.
//
// - Results go to stdout, and nothing else does. Progress, warnings and errors go to stderr.
// - With --json, stdout holds exactly one JSON value and a line end, also where there is little to say.
// - An error is one line: "blindai: ", what was seen, what was wanted, what to do, and the stable code in
// brackets.
//   Where a server was refused, the whole verdict stands above it.
// - Lower case, present tense, no exclamation marks, no thanks and no apologies.
// - Colour and progress lines only on a terminal; NO_COLOR turns colour off. Nothing depends on colour to be
// understood.
// - Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (verified, and not acceptable), 4 undecided (not
// verifiable).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "attestation/verifier/verdict.h"
#include "base/result.h"

namespace blindai::cli {

enum class ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kRefused = 3, kUndecided = 4 };

// Writes a result, which ends with a line end.
void Result(std::string_view text);
// One line on stderr.
void Note(std::string_view text);

// The verdict as a table, for people; coloured when `to` is a terminal.
enum class To { kStdout, kStderr };
void ShowVerdict(const verifier::Verdict& verdict, To to);

// Says what went wrong, with the verdict where that is the reason, and gives the exit code.
ExitCode Fail(const base::Error& error, const std::optional<verifier::Verdict>& verdict = std::nullopt);

// The exit code of a verdict by itself: what `attest` and `verify` end with.
ExitCode CodeOf(verifier::Outcome outcome);

// A line that is written over and over, on a terminal only; gone when it ends.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Show(std::uint64_t done, std::uint64_t total);
  // What is said after the beginning, in the caller's own words.
  void ShowText(std::string_view text);

 private:
  std::string what_;
  bool terminal_;
  bool shown_ = false;
  int shown_percent_ = -1;
};

// The same for a recording: "sent 40% of 1.2 GB", then "12:34 of 1:00:00 (35x)".
class TimeProgress {
 public:
  explicit TimeProgress(std::string what) : progress_(std::move(what)) {}

  void ShowSent(std::uint64_t sent, std::uint64_t total);
  // `total_s` is 0 where nobody knows.
  void Show(double done_s, double total_s);

 private:
  Progress progress_;
  int sent_percent_ = -1;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

// "4:05", "1:00:00".
std::string ClockText(double seconds);

// "1.5 MB": three digits and a unit of 1000.
std::string ByteText(std::uint64_t bytes);

}  // namespace blindai::cli
