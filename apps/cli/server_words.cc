#include <fstream>
#include <utility>

#include "client/failure.h"
#include "client/settings.h"
#include "commands.h"

namespace blindai::cli {

void ServerWords::AddTo(CLI::App& command, bool with_addr) {
  if (with_addr)
    command.add_option("--addr", arguments.addr, "the server: host or host:port (else BLINDAI_ADDR)");
  command.add_option("--policy", arguments.policy_file,
                     "what is accepted: a policy file (else BLINDAI_POLICY)");
  command.add_option("--root", arguments.root_files,
                     "another trust anchor, a certificate (a TPM's CA); the verdict says so in capitals");
  command.add_flag("--simulation", simulation,
                   "permit a server without confidential hardware; proves nothing");
  command.add_option("--api-key-file", api_key_file_, "a file that holds the API key (else BLINDAI_API_KEY)");
  command.add_flag("--json", json, "the result as one JSON value");
}

base::Result<client::ConnectOptions> ServerWords::Options() const {
  client::ConnectArguments words = arguments;
  if (simulation) words.simulation = true;
  if (api_key_file_) {
    std::ifstream file(*api_key_file_);
    std::string key;
    if (!std::getline(file, key) || key.empty()) {
      return client::ArgumentError("the API key file cannot be read, or its first line is empty",
                                   "api-key-file");
    }
    words.api_key = std::move(key);
  }
  BLINDAI_TRY(client::ConnectOptions options,
              client::ResolveOptions(words, client::Surroundings::OfProcess()));
  if (options.allow_simulation == verifier::AllowSimulation::kYes) {
    Note("blindai: simulation permitted: such a server can read everything it is sent; never send real data");
  }
  return options;
}

base::Result<client::Client> ServerWords::MakeClient() const {
  BLINDAI_TRY(client::ConnectOptions options, Options());
  return client::Client(std::move(options));
}

}  // namespace blindai::cli
