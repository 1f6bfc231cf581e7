// Where live sound comes from: this program's standard input, or the output of a command such as a microphone's
// recorder. The command runs in a shell and in a process group of its own, so that Ctrl-C reaches this program alone,
// which then ends it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace blindai::cli {

class SoundSource {
 public:
  // Code of all errors here: argument, with the param that it is about.
  static base::Result<std::unique_ptr<SoundSource>> OfStdin();
  static base::Result<std::unique_ptr<SoundSource>> OfCommand(const std::string& command);
  ~SoundSource();  // ends the command
  SoundSource(const SoundSource&) = delete;
  SoundSource& operator=(const SoundSource&) = delete;

  // Waits for the next bytes; 0 at the end and after Stop.
  base::Result<std::size_t> Read(std::span<std::uint8_t> into);
  // From any thread.
  void Stop();
  // After the end: ends the command, or waits for it. An error when it failed by itself.
  base::Status Close();

 private:
  SoundSource(int sound, int stop, pid_t command) : sound_(sound), stop_(stop), command_(command) {}

  const int sound_;
  const int stop_;  // an eventfd: readable after Stop
  pid_t command_;   // 0: none, or it has ended
};

}  // namespace blindai::cli
