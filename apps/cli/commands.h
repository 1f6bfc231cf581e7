// The subcommands of `blindai`, one file each. Add… declares the words of a command; what it returns is in
// `code` when the command has run.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "output.h"

namespace blindai::cli {

// The whole program: every command, what it says at its end in `code`.
std::unique_ptr<CLI::App> MakeApp(ExitCode& code);

// The commands below one, in the order of its help.
inline std::vector<const CLI::App*> CommandsBelow(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App*) { return true; });
}

void AddAttest(CLI::App& app, ExitCode& code);
void AddCompletion(CLI::App& app, ExitCode& code);
void AddGateway(CLI::App& app, ExitCode& code);
void AddJob(CLI::App& app, ExitCode& code);
void AddLive(CLI::App& app, ExitCode& code);
void AddLogin(CLI::App& app, ExitCode& code);  // and logout
void AddManual(CLI::App& app, ExitCode& code);
void AddModels(CLI::App& app, ExitCode& code);
void AddRun(CLI::App& app, ExitCode& code);
void AddTranscribe(CLI::App& app, ExitCode& code);
void AddVerify(CLI::App& app, ExitCode& code);

// The words that name a server and say what is accepted; every command that connects has them.
struct ServerWords {
  client::ConnectArguments arguments;
  bool simulation = false;
  bool json = false;

  // `--addr`, `--policy`, `--simulation`, `--api-key-file`, `--json`.
  void AddTo(CLI::App& command, bool with_addr = true);
  // What the words mean, with what the environment and the configuration file add. In simulation a line on stderr says
  // so.
  base::Result<client::ConnectOptions> Options() const;
  // A client that has not connected yet.
  base::Result<client::Client> MakeClient() const;

 private:
  std::optional<std::string> api_key_file_;
};

}  // namespace blindai::cli
