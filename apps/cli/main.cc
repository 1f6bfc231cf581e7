// blindai: the client's program. Words and their meaning are in one file for each subcommand; output.h says
// how it speaks.
#include <csignal>

#include "commands.h"

using namespace blindai;

int main(int argc, char** argv) {
  // A pipe that nobody reads is an ordinary end: writing fails then, and nothing is killed.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("blindai: confidential inference; the machine proves what it is before it gets a byte",
               "blindai");
  app.set_version_flag("--version", "blindai " BLINDAI_VERSION);
  app.require_subcommand(1);
  app.footer(
      "examples:\n"
      "  blindai attest server.example --policy policy.toml\n"
      "  blindai models upload wav2vec2.onnx --id demo\n"
      "  blindai run demo --input audio=speech.npy\n"
      "  blindai transcribe session.wav --format srt\n\n"
      "exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 undecided");
  cli::ExitCode code = cli::ExitCode::kDone;
  cli::AddAttest(app, code);
  cli::AddGateway(app, code);
  cli::AddJob(app, code);
  cli::AddLive(app, code);
  cli::AddLogin(app, code);
  cli::AddModels(app, code);
  cli::AddRun(app, code);
  cli::AddTranscribe(app, code);
  cli::AddVerify(app, code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are answers; anything else is wrong usage.
    const int status = app.exit(error);
    return status == 0 ? 0 : static_cast<int>(cli::ExitCode::kUsage);
  }
  return static_cast<int>(code);
}
