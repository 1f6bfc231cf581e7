// `blindai verify`: judges evidence from files, offline. No connection, no clock but the one that is given.
#include "attestation/verifier/explain.h"
#include "commands.h"
#include "verify_words.h"

namespace blindai::cli {
namespace {

// Whatever keeps a verdict from being reached is in the words or in the files that they name.
ExitCode WrongUsage(const base::Error& error) {
  Fail(error);
  return ExitCode::kUsage;
}

ExitCode Verify(const VerifyWords& words) {
  std::optional<policy::Policy> policy;
  const auto question = ToQuestion(words, base::Now(), policy);
  if (!question.ok()) return WrongUsage(question.error());
  const auto verdict = verifier::JudgeOffline(*question);
  if (!verdict.ok()) return WrongUsage(verdict.error());
  if (words.json) {
    Result(verifier::RenderJson(*verdict) + "\n");
  } else {
    ShowVerdict(*verdict, To::kStdout);
  }
  // With --json the explanation is for people beside it.
  if (words.explain && words.json) Note(verifier::Explain(*verdict));
  if (words.explain && !words.json) Result("\n" + verifier::Explain(*verdict));
  return CodeOf(verdict->outcome);
}

}  // namespace

void AddVerify(CLI::App& app, ExitCode& code) {
  CLI::App* command = app.add_subcommand("verify", "judge evidence from files, offline");
  auto words = std::make_shared<VerifyWords>();
  command
      ->add_option("--evidence,FILE", words->evidence,
                   "the evidence, in any form that is known; - is standard input")
      ->required();
  command->add_option("--offset", words->offset, "where it starts in the file, in bytes");
  for (const EndorsementRole& role : kEndorsementRoles) {
    command->add_option(std::string("--") + role.name, words->endorsements[role.name], role.help)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  command
      ->add_option("--root", words->roots,
                   "another trust anchor, a certificate; the verdict says so in capitals")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--at", words->at, "judge at this time (RFC 3339) instead of now");
  command->add_option("--nonce", words->nonce,
                      "the nonce that a TPM quote or Nitro document must carry, in hex");
  command->add_option(
      "--report-data", words->report_data,
      "the report data that the evidence must carry, in hex; shorter than 64 bytes means zeros after it");
  command->add_option("--policy", words->policy,
                      "what is acceptable; without it only authenticity is judged");
  command->add_flag("--simulation", words->simulation, "permit simulated evidence; proves nothing");
  command->add_flag("--json", words->json, "the verdict as one JSON value");
  command->add_flag("--explain", words->explain, "say in plain words what was established and by whom");
  command->footer(
      "every FILE may be FILE.json#member: the text of that member\n\n"
      "examples:\n"
      "  blindai verify --evidence report.bin --leaf vcek.der --chain ask_ark.pem --policy policy.toml\n"
      "  blindai verify quote.hex --tcb-info c.json#tcb_info --qe-identity c.json#qe_identity --at "
      "2026-03-01T00:00:00Z\n"
      "  curl -sk https://HOST:8443/v1/attestation?nonce=$NONCE | blindai verify - --explain\n\n"
      "exit codes: 0 trusted, or simulation where permitted; 3 refused; 4 undecided; 2 wrong usage; 1 "
      "failed");
  command->callback([words, &code] { code = Verify(*words); });
}

}  // namespace blindai::cli
