// `blindai attest`: what a server proves about itself, and whether that is acceptable. Sends nothing else.
#include "commands.h"

namespace blindai::cli {
namespace {

ExitCode Attest(const ServerWords& words) {
  auto client = words.MakeClient();
  if (!client.ok()) return Fail(client.error());
  const base::Status connected = client->Connect();
  const std::optional<verifier::Verdict> verdict = client->verdict();
  if (!verdict) return Fail(connected.error());
  if (words.json) {
    Result(verifier::RenderJson(*verdict) + "\n");
  } else {
    ShowVerdict(*verdict, To::kStdout);
  }
  return CodeOf(verdict->outcome);
}

}  // namespace

void AddAttest(CLI::App& app, ExitCode& code) {
  CLI::App* command = app.add_subcommand("attest", "verify a server and show the verdict with every finding");
  auto words = std::make_shared<ServerWords>();
  command->add_option("ADDR", words->arguments.addr, "the server: host or host:port (else BLINDAI_ADDR)");
  words->AddTo(*command, false);
  command->footer(
      "examples:\n"
      "  blindai attest server.example --policy policy.toml\n"
      "  blindai attest localhost --simulation --json\n\n"
      "exit codes: 0 trusted, or simulation where permitted; 3 refused; 4 undecided; 1 no connection");
  command->callback([words, &code] { code = Attest(*words); });
}

}  // namespace blindai::cli
