// blindai: the client's program. Words and their meaning are in one file for each subcommand; output.h says
// how it speaks.
#include <csignal>

#include "commands.h"
#include "completion.h"

using namespace blindai;

int main(int argc, char** argv) {
  // A pipe that nobody reads is an ordinary end: writing fails then, and nothing is killed.
  std::signal(SIGPIPE, SIG_IGN);
  cli::ExitCode code = cli::ExitCode::kDone;
  const std::unique_ptr<CLI::App> app = cli::MakeApp(code);
  // A shell asks this at each press of the Tab key. It is no command for people, and its words are not parsed.
  if (argc > 1 && argv[1] == cli::kCompleteWord) {
    cli::Result(cli::CandidateLines(cli::Candidates(*app, std::vector<std::string>(argv + 2, argv + argc))));
    return 0;
  }
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are answers; anything else is wrong usage.
    const int status = app->exit(error);
    return status == 0 ? 0 : static_cast<int>(cli::ExitCode::kUsage);
  }
  return static_cast<int>(code);
}
