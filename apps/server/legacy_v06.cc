#include "server/legacy_v06.h"

#include <algorithm>
#include <utility>

namespace blindai::server {

using base::Result;
using base::Status;

Result<std::unique_ptr<LegacyV06>> LegacyV06::Listen(const ServerConfig& config, Legacy& legacy,
                                                     service::ModelCatalogue& catalogue,
                                                     const service::UploadOptions& upload,
                                                     const endpoints::IdentifyCaller& identify,
                                                     const net::HttpServerOptions& listen_options) {
  endpoints::BlindaiV06Options options;
  options.certificate_der = legacy.identity.certificate().der();
  options.upload = upload;
  options.max_tensor_bytes = config.tensor_bytes;
  options.deadline = std::chrono::milliseconds(config.request_deadline_ms);
  options.management_on_attested = config.v06_management_on_attested;
  std::unique_ptr<LegacyV06> made(new LegacyV06(
      std::make_unique<endpoints::BlindaiV06>(catalogue, legacy.evidence, std::move(options), identify)));

  net::HttpServerOptions unattested = listen_options;
  unattested.tls = nullptr;
  if (!config.v06_certificate_file.empty() || !config.v06_key_file.empty()) {
    BLINDAI_TRY(const OperatorCertificate given,
                ReadOperatorCertificate(config.v06_certificate_file, config.v06_key_file)
                    .Within("legacy.v06_certificate_file"));
    BLINDAI_TRY(unattested.tls, net::TlsServerContext::Make(given.key, given.certificate));
  }
  net::HttpServerOptions attested = listen_options;
  BLINDAI_TRY(attested.tls,
              net::TlsServerContext::Make(legacy.identity.key(), legacy.identity.certificate()));
  using Endpoint = endpoints::BlindaiV06;
  BLINDAI_RETURN_IF_ERROR(made->Open(config.v06_unattested, unattested, &Endpoint::Unattested));
  BLINDAI_RETURN_IF_ERROR(made->Open(config.v06_attested, attested, &Endpoint::Attested));
  BLINDAI_RETURN_IF_ERROR(made->Open(config.v06_management, attested, &Endpoint::Management));
  return made;
}

Status LegacyV06::Open(const ListenAddress& address, net::HttpServerOptions options, Handler handler) {
  options.address = address.host;
  options.port = address.port;
  BLINDAI_TRY(auto server, net::HttpServer::Listen(std::move(options), [endpoint = endpoint_.get(), handler](
                                                                           net::HttpExchange& exchange) {
                return (endpoint->*handler)(exchange);
              }));
  ports_.push_back({address.host, std::move(server)});
  return base::Ok();
}

std::string LegacyV06::Addresses() const {
  std::string text;
  for (const Port& port : ports_)
    text += (text.empty() ? "" : ",") + AddressText({port.host, port.server->port()});
  return text;
}

net::HttpServerStats LegacyV06::stats() const {
  net::HttpServerStats sum;
  for (const Port& port : ports_) sum += port.server->stats();
  return sum;
}

void LegacyV06::Stop(std::chrono::steady_clock::time_point deadline) {
  using std::chrono::milliseconds;
  for (const Port& port : ports_) {
    const auto left = deadline - std::chrono::steady_clock::now();
    port.server->Stop(std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(left)));
  }
}

}  // namespace blindai::server
