#include "commands.h"

namespace blindai::cli {

std::unique_ptr<CLI::App> MakeApp(ExitCode& code) {
  auto app = std::make_unique<CLI::App>(
      "blindai: confidential inference; the machine proves what it is before it gets a byte", "blindai");
  app->set_version_flag("--version", "blindai " BLINDAI_VERSION);
  app->require_subcommand(1);
  app->footer(
      "examples:\n"
      "  blindai attest server.example --policy policy.toml\n"
      "  blindai models upload wav2vec2.onnx --id demo\n"
      "  blindai run demo --input audio=speech.npy\n"
      "  blindai transcribe session.wav --format srt\n\n"
      "exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 undecided");
  AddAttest(*app, code);
  AddCompletion(*app, code);
  AddGateway(*app, code);
  AddJob(*app, code);
  AddLive(*app, code);
  AddLogin(*app, code);
  AddManual(*app, code);
  AddModels(*app, code);
  AddRun(*app, code);
  AddTranscribe(*app, code);
  AddVerify(*app, code);
  return app;
}

}  // namespace blindai::cli
