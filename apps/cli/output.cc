#include "output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "client/failure.h"

namespace blindai::cli {
namespace {

using verifier::Outcome;

bool IsTerminal(To to) { return ::isatty(to == To::kStdout ? STDOUT_FILENO : STDERR_FILENO) == 1; }

bool InColour(To to) {
  const char* off = std::getenv("NO_COLOR");
  return IsTerminal(to) && (off == nullptr || *off == '\0');
}

void Write(std::FILE* file, std::string_view text) {
  // A reader that went away is not our failure: `blindai models list | head`.
  (void)std::fwrite(text.data(), 1, text.size(), file);
  (void)std::fflush(file);
}

// The words of a verdict's table that carry the answer.
std::string Coloured(std::string text) {
  const auto paint = [&text](std::string_view word, const char* colour) {
    const std::string painted = fmt::format("\x1b[{}m{}\x1b[0m", colour, word);
    for (std::size_t at = text.find(word); at != std::string::npos;
         at = text.find(word, at + painted.size())) {
      text.replace(at, word.size(), painted);
    }
  };
  paint("  FAILED ", "31");
  paint("  SKIPPED ", "33");
  paint("  PASSED ", "32");
  paint("verdict: trusted", "1;32");
  paint("verdict: refused", "1;31");
  paint("verdict: undecided", "1;33");
  paint("verdict: simulation", "1;33");
  return text;
}

}  // namespace

void Result(std::string_view text) { Write(stdout, text); }
void Note(std::string_view text) { Write(stderr, std::string(text) + "\n"); }

void ShowVerdict(const verifier::Verdict& verdict, To to) {
  std::string text = verifier::RenderText(verdict);
  if (InColour(to)) text = Coloured(std::move(text));
  Write(to == To::kStdout ? stdout : stderr, text);
}

ExitCode CodeOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kTrusted:
    case Outcome::kSimulation:
      return ExitCode::kDone;
    case Outcome::kRefused:
      return ExitCode::kRefused;
    case Outcome::kUndecided:
      return ExitCode::kUndecided;
  }
  return ExitCode::kUndecided;
}

ExitCode Fail(const base::Error& error, const std::optional<verifier::Verdict>& verdict) {
  const client::FailureKind kind = client::FailureOf(error);
  const bool refusal =
      error.code == client::kAttestationRefused || error.code == client::kAttestationUndecided;
  if (refusal && verdict) ShowVerdict(*verdict, To::kStderr);
  Note(fmt::format("blindai: {} [{}]", error.message, error.code));
  switch (kind) {
    case client::FailureKind::kArgument:
      return ExitCode::kUsage;
    case client::FailureKind::kAttestation:
      return error.code == client::kAttestationRefused ? ExitCode::kRefused : ExitCode::kUndecided;
    case client::FailureKind::kConnection:
    case client::FailureKind::kQuota:
    case client::FailureKind::kAccess:
    case client::FailureKind::kModel:
      break;
  }
  return ExitCode::kFailed;
}

Progress::Progress(std::string what) : what_(std::move(what)), terminal_(IsTerminal(To::kStderr)) {}

Progress::~Progress() {
  if (shown_) Write(stderr, "\r\x1b[K");
}

void Progress::Show(std::uint64_t done, std::uint64_t total) {
  if (!terminal_ || total == 0) return;
  const int percent = static_cast<int>(static_cast<double>(done) / static_cast<double>(total) * 100);
  if (percent == shown_percent_) return;
  shown_percent_ = percent;
  ShowText(fmt::format("{}% of {}", percent, ByteText(total)));
}

void Progress::ShowText(std::string_view text) {
  if (!terminal_) return;
  shown_ = true;
  Write(stderr, fmt::format("\r\x1b[K{} {}", what_, text));
}

void TimeProgress::ShowSent(std::uint64_t sent, std::uint64_t total) {
  if (total == 0) return;
  const int percent = static_cast<int>(static_cast<double>(sent) / static_cast<double>(total) * 100);
  if (std::exchange(sent_percent_, percent) == percent) return;
  progress_.ShowText(fmt::format("sent {}% of {}", percent, ByteText(total)));
}

void TimeProgress::Show(double done_s, double total_s) {
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started_;
  const double speed = done_s / std::max(taken.count(), 1e-3);
  const std::string total = total_s > 0 ? " of " + ClockText(total_s) : "";
  progress_.ShowText(fmt::format("{}{} ({:.0f}x)", ClockText(done_s), total, speed));
}

std::string ClockText(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string ByteText(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* next : {"kB", "MB", "GB", "TB"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return fmt::format("{:.3g} {}", value, unit);
}

}  // namespace blindai::cli
