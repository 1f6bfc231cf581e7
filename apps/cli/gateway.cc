// `blindai gateway`: a verified server, offered to the programs and the browser of this computer (docs/gateway.md).
#include "gateway/gateway.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "client/failure.h"
#include "commands.h"
#include "crypto/random.h"
#include "encoding/hex.h"
#include "program/process.h"

namespace blindai::cli {
namespace {

constexpr std::uint16_t kDefaultPort = 8800;
constexpr std::uint16_t kWyomingPort = 10300;
constexpr std::size_t kRandomTokenBytes = 32;
constexpr std::chrono::seconds kGrace{5};
const char* const kTokenVariable = "BLINDAI_GATEWAY_TOKEN";

struct GatewayWords {
  ServerWords server;
  std::string listen = "127.0.0.1:8800";
  std::optional<std::uint16_t> grpc;
  std::string wyoming = "127.0.0.1:10300";
  bool with_wyoming = false;
  gateway::WyomingOptions wyoming_options;
  std::optional<std::string> token_file;
};

// What everybody must have, where there is such a thing.
base::Result<std::optional<std::string>> TokenForEverybody(const GatewayWords& words) {
  if (words.token_file) {
    std::ifstream file(*words.token_file);
    std::string token;
    if (!std::getline(file, token))
      return client::ArgumentError("the token file cannot be read, or is empty", "token-file");
    return std::optional<std::string>(std::move(token));
  }
  const char* variable = std::getenv(kTokenVariable);
  if (variable == nullptr || *variable == '\0') return std::optional<std::string>();
  return std::optional<std::string>(variable);
}

struct Listen {
  std::string address;
  std::uint16_t port = 0;
};

// "127.0.0.1", "127.0.0.1:0", "[::1]:8800". `example` is what the option takes otherwise.
base::Result<Listen> ParseListen(const std::string& text, std::uint16_t default_port, const char* option,
                                 const char* example) {
  const std::string without_zero = text.ends_with(":0") ? text.substr(0, text.size() - 2) : text;
  const auto address = client::ParseServerAddress(without_zero);
  if (!address.ok())
    return client::ArgumentError(fmt::format("wanted an address and a port, such as {}", example), option);
  const bool has_port = client::ServerAddress{address->host, address->port}.ToText() == without_zero;
  Listen listen;
  listen.address = address->host;
  listen.port = has_port ? address->port : default_port;
  if (text.ends_with(":0")) listen.port = 0;
  return listen;
}

base::Result<gateway::WyomingOptions> WyomingOf(const GatewayWords& words) {
  gateway::WyomingOptions options = words.wyoming_options;
  BLINDAI_TRY(const Listen listen, ParseListen(words.wyoming, kWyomingPort, "wyoming", "127.0.0.1:10300"));
  options.address = listen.address;
  options.port = listen.port;
  return options;
}

base::Result<gateway::GatewayOptions> OptionsOf(const GatewayWords& words) {
  gateway::GatewayOptions options;
  BLINDAI_TRY(const Listen listen, ParseListen(words.listen, kDefaultPort, "listen", "127.0.0.1:8800"));
  options.address = listen.address;
  options.port = listen.port;
  options.grpc_port = words.grpc;
  if (words.with_wyoming) {
    BLINDAI_TRY(options.wyoming, WyomingOf(words));
  }
  BLINDAI_TRY(const std::optional<std::string> token, TokenForEverybody(words));
  options.token_for_programs = token.has_value();
  options.token = base::SecretBytes::CopyOf(
      base::AsBytes(token ? *token : encoding::HexEncode(crypto::RandomBytes(kRandomTokenBytes))));
  BLINDAI_TRY(options.server, words.server.Options());
  options.on_change = [](const gateway::Standing& standing) {
    std::string line =
        fmt::format("blindai: gateway: {} ({})", gateway::StateName(standing.state), standing.change);
    if (standing.error) line += fmt::format(": {} [{}]", standing.error->message, standing.error->code);
    Note(line);
  };
  return options;
}

ExitCode RunGateway(const GatewayWords& words) {
  program::HardenProcess();
  const sigset_t signals = program::BlockStopSignals();
  auto options = OptionsOf(words);
  if (!options.ok()) return Fail(options.error());
  const std::string host = options->address;
  const std::string wyoming_host = options->wyoming ? options->wyoming->address : "";
  // A token of the user's own is not shown again.
  const std::string token =
      options->token_for_programs ? "<your token>" : std::string(base::AsText(options->token.ExposeSecret()));
  auto gateway = gateway::Gateway::Start(*std::move(options));
  if (!gateway.ok()) return Fail(gateway.error());
  const std::string place = client::ServerAddress{host, (*gateway)->port()}.ToText();
  const std::string grpc =
      words.grpc ? " grpc=" + client::ServerAddress{host, (*gateway)->grpc_port()}.ToText() : "";
  const std::string wyoming =
      words.with_wyoming
          ? " wyoming=" + client::ServerAddress{wyoming_host, (*gateway)->wyoming_port()}.ToText()
          : "";
  Result(fmt::format("blindai gateway ready http={} page=http://{}/#token={}{}{}\n", place, place, token,
                     grpc, wyoming));
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  // A second signal ends at once, whatever is running.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  (*gateway)->Stop(kGrace);
  return ExitCode::kDone;
}

}  // namespace

void AddGateway(CLI::App& app, ExitCode& code) {
  CLI::App* command = app.add_subcommand(
      "gateway", "offer a verified server to the programs and the browser of this computer");
  auto words = std::make_shared<GatewayWords>();
  words->server.AddTo(*command);
  command->add_option(
      "--directory", words->server.arguments.directory,
      "instead of a server: a managed cloud that names some, https://… (else BLINDAI_DIRECTORY)");
  command->add_option("--directory-ca", words->server.arguments.directory_ca,
                      "the file with the only CA that may sign the directory's certificate");
  command->add_option("--listen", words->listen, "where to listen; anything but loopback needs a token")
      ->capture_default_str();
  command->add_option("--grpc", words->grpc,
                      "a port, on the same address, for programs that speak gRPC (Open Inference Protocol)");
  CLI::Option* wyoming =
      command
          ->add_option("--wyoming", words->wyoming,
                       "where to listen for Home Assistant (Wyoming), on loopback only (default: "
                       "127.0.0.1:10300)")
          ->expected(0, 1)
          ->type_name("[ADDR:PORT]");
  command
      ->add_option("--wyoming-model", words->wyoming_options.model,
                   "the model for it (default: your default model, or the only one that transcribes)")
      ->needs(wyoming);
  command
      ->add_option("--wyoming-language", words->wyoming_options.languages,
                   "what the model understands, as Home Assistant is told (default: en)")
      ->needs(wyoming);
  command->add_option("--token-file", words->token_file,
                      "a file whose first line everybody must send as a bearer token (else "
                      "BLINDAI_GATEWAY_TOKEN); without it only browsers need one, a random one");
  command->footer(
      "examples:\n"
      "  blindai gateway --addr server.example --policy policy.toml\n"
      "  blindai gateway --addr localhost --simulation\n"
      "  blindai gateway --addr localhost --simulation --grpc 8801\n"
      "  blindai gateway --addr localhost --simulation --wyoming\n"
      "  blindai gateway --directory https://cloud.example --policy policy.toml --api-key-file key\n"
      "  curl http://127.0.0.1:8800/v1/models\n\n"
      "while the server is not verified, every request is answered 503 with the findings");
  command->callback([words, wyoming, &code] {
    words->with_wyoming = wyoming->count() > 0;
    code = RunGateway(*words);
  });
}

}  // namespace blindai::cli
