// A blindai-server with a real TPM, for tests in other languages: prints "ready ADDRESS FOLDER" (see tpm_machine.h;
// policy.toml accepts it), or "skip", and serves until its standard input ends. With the argument "machine" it starts
// no server: the first word after "ready" is then how the TPM is reached (tcti).
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tpm_machine.h"

namespace {

int Fail(const blindai::base::Error& error) {
  std::fputs(error.message.c_str(), stderr);
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  using blindai::tests::TpmMachine;
  const auto machine = TpmMachine::Start();
  if (!machine.ok()) return Fail(machine.error());
  if (*machine == nullptr) return std::puts("skip") == EOF;
  (*machine)->Policy(std::string(64, '0'));
  std::unique_ptr<blindai::tests::ServerProgram> server;
  std::string reached = (*machine)->tpm().tcti();
  const bool machine_only = count == 2 && std::string_view(arguments[1]) == "machine";
  if (!machine_only) {
    auto started = (*machine)->StartServer();
    if (!started.ok()) return Fail(started.error());
    server = std::move(*started);
    reached = "127.0.0.1:" + std::to_string(server->port());
  }
  std::printf("ready %s %s\n", reached.c_str(), (*machine)->folder().c_str());
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}
