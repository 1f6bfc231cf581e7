// A program of this build, or of the system, that runs beside a test and ends with it, by its process id.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace blindai::tests {

class RunningProgram {
 public:
  struct Options {
    std::filesystem::path program;
    std::vector<std::string> arguments;
    // Starting is over when the program wrote a line with these words. Empty: at once.
    std::string ready;
    // A descriptor that the program inherits under the same number.
    int inherited = -1;
  };

  // The error is what the program wrote before it ended.
  static base::Result<std::unique_ptr<RunningProgram>> Start(const Options& options);
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  // The port in "KEY=host:port" of what it wrote until it was ready; 0 when there is none.
  std::uint16_t Port(std::string_view key) const;
  // Asks it to end (SIGTERM), waits, and gives its exit status.
  int Stop();
  // Ends it at once (SIGKILL), as a power cut does.
  void Kill();

 private:
  RunningProgram() = default;
  int End(int signal_number);

  pid_t pid_ = 0;
  int output_ = -1;
  std::string said_;
};

struct EndedProgram {
  int status = -1;     // its exit status
  std::string output;  // both streams
};
// Runs a program to its end.
EndedProgram RunToEnd(const std::filesystem::path& program, const std::vector<std::string>& arguments);

}  // namespace blindai::tests
