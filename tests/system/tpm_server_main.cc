// A blindai-server with a real TPM, for tests in other languages: prints "ready ADDRESS FOLDER" (see tpm_machine.h;
// policy.toml accepts it), or "skip", and serves until its standard input ends.
#include <unistd.h>

#include <cstdio>

#include "tpm_machine.h"

int main() {
  using blindai::tests::TpmMachine;
  const auto machine = TpmMachine::Start();
  if (machine.ok() && *machine == nullptr) return std::puts("skip") == EOF;
  const auto server = machine.ok() ? (*machine)->StartServer() : machine.error();
  if (!server.ok()) {
    std::fputs(server.error().message.c_str(), stderr);
    return 1;
  }
  (*machine)->Policy(std::string(64, '0'));
  std::printf("ready 127.0.0.1:%d %s\n", (*server)->port(), (*machine)->folder().c_str());
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}
