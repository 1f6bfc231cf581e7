#include "server/legacy_v05.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace blindai::server {
namespace {

using base::Result;

endpoints::BlindaiV05Port PortWith(const ListenAddress& address, const crypto::SigningKey& key,
                                   const crypto::Certificate& certificate) {
  return {.address = AddressText(address), .certificate_pem = certificate.ToPem(), .key_pem = key.ToPem()};
}

// The operator's, or one that is made now: clients either take the first that they see or are given one as a file.
Result<endpoints::BlindaiV05Port> UntrustedPort(const ServerConfig& config) {
  if (config.v05_certificate_file.empty()) {
    const channel::LegacyIdentity made = channel::LegacyIdentity::Make(base::Now());
    return PortWith(config.v05_untrusted, made.key(), made.certificate());
  }
  BLINDAI_TRY(const OperatorCertificate given,
              ReadOperatorCertificate(config.v05_certificate_file, config.v05_key_file)
                  .Within("legacy.v05_certificate_file"));
  return PortWith(config.v05_untrusted, given.key, given.certificate);
}

// The metadata `accesstoken` is judged as the same key in an Authorization header would be.
net::RequestHead HeadWith(std::optional<std::string_view> token) {
  net::RequestHead head;
  if (token) head.headers.Add("Authorization", "Bearer " + std::string(*token));
  return head;
}

}  // namespace

Result<std::unique_ptr<LegacyV05>> LegacyV05::Listen(const ServerConfig& config, Legacy& legacy,
                                                     bool simulation, service::ModelCatalogue& catalogue,
                                                     const service::UploadOptions& upload,
                                                     const endpoints::IdentifyCaller& identify) {
  endpoints::BlindaiV05Options options;
  BLINDAI_TRY(options.untrusted, UntrustedPort(config));
  options.attested = PortWith(config.v05_attested, legacy.identity.key(), legacy.identity.certificate());
  options.certificate_der = legacy.identity.certificate().der();
  options.identify = [identify](std::optional<std::string_view> token) { return identify(HeadWith(token)); };
  options.sign = [&identity = legacy.identity](base::ByteView payload) {
    return identity.result_key().SignEd25519(payload);
  };
  options.simulation = simulation;
  options.upload = upload;
  options.max_tensor_bytes = config.tensor_bytes;
  options.deadline = std::chrono::milliseconds(config.request_deadline_ms);
  options.max_calls = config.connections;
  BLINDAI_TRY(auto server,
              endpoints::BlindaiV05Server::Start(catalogue, legacy.evidence, std::move(options)));
  return std::unique_ptr<LegacyV05>(
      new LegacyV05(config.v05_untrusted.host, config.v05_attested.host, std::move(server)));
}

std::string LegacyV05::Addresses() const {
  return AddressText({untrusted_host_, server_->untrusted_port()}) + "," +
         AddressText({attested_host_, server_->attested_port()});
}

void LegacyV05::Stop(std::chrono::steady_clock::time_point deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  server_->Stop(
      std::max(std::chrono::milliseconds(0), std::chrono::duration_cast<std::chrono::milliseconds>(left)));
}

}  // namespace blindai::server
