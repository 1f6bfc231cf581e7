#include "protocols/endpoints/blindai_v05_grpc/server.h"

#include <optional>
#include <utility>

#include "protocols/endpoints/blindai_v05_grpc/attestation_calls.h"
#include "protocols/endpoints/blindai_v05_grpc/exchange_calls.h"
#include "protocols/endpoints/blindai_v05_grpc/listen.h"

namespace blindai::endpoints {
namespace {

using base::Result;

// A message carries a piece of 32 KiB and its description; requests of the untrusted port are empty.
constexpr int kMaxMessageBytes = 1 << 20;
constexpr int kMaxUntrustedMessageBytes = 4096;

}  // namespace

struct BlindaiV05Server::State {
  AttestationCalls attestation;
  ExchangeCalls exchange;
  std::optional<Listener> untrusted;
  std::optional<Listener> attested;

  State(service::ModelCatalogue& catalogue, service::LegacyEvidence& evidence,
        const BlindaiV05Options& options)
      : attestation(options.certificate_der, evidence), exchange(catalogue, options) {}
};

Result<std::unique_ptr<BlindaiV05Server>> BlindaiV05Server::Start(service::ModelCatalogue& catalogue,
                                                                  service::LegacyEvidence& evidence,
                                                                  BlindaiV05Options options) {
  auto state = std::make_unique<State>(catalogue, evidence, options);
  BLINDAI_TRY(state->untrusted, ListenV05(options.untrusted, state->attestation, kMaxUntrustedMessageBytes));
  BLINDAI_TRY(state->attested, ListenV05(options.attested, state->exchange, kMaxMessageBytes));
  return std::unique_ptr<BlindaiV05Server>(new BlindaiV05Server(std::move(state)));
}

BlindaiV05Server::BlindaiV05Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
BlindaiV05Server::~BlindaiV05Server() { Stop(std::chrono::milliseconds(0)); }

std::uint16_t BlindaiV05Server::untrusted_port() const { return state_->untrusted->port(); }
std::uint16_t BlindaiV05Server::attested_port() const { return state_->attested->port(); }

void BlindaiV05Server::Stop(std::chrono::milliseconds grace) {
  const auto deadline = std::chrono::system_clock::now() + grace;
  state_->untrusted->Stop(deadline);
  state_->attested->Stop(deadline);
}

}  // namespace blindai::endpoints
