// The three ports of BlindAI 0.6, open for as long as this lives.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/http_server.h"
#include "net/io_pool.h"
#include "protocols/endpoints/blindai_v06.h"
#include "server/legacy.h"
#include "server/server_config.h"

namespace blindai::server {

class LegacyV06 {
 public:
  // Catalogue and legacy must outlive it. Codes: those of the ports, and of the operator's certificate.
  static base::Result<std::unique_ptr<LegacyV06>> Listen(const ServerConfig& config, Legacy& legacy,
                                                         service::ModelCatalogue& catalogue,
                                                         const service::UploadOptions& upload,
                                                         const endpoints::IdentifyCaller& identify,
                                                         const net::HttpServerOptions& listen_options);

  // "127.0.0.1:9923,127.0.0.1:9924,127.0.0.1:9925": unattested, attested, management.
  std::string Addresses() const;
  // Of the three ports together.
  net::HttpServerStats stats() const;
  // What runs may finish until then.
  void Stop(std::chrono::steady_clock::time_point deadline);

 private:
  explicit LegacyV06(std::unique_ptr<endpoints::BlindaiV06> endpoint) : endpoint_(std::move(endpoint)) {}

  struct Port {
    std::string host;
    std::unique_ptr<net::HttpServer> server;
  };
  using Handler = net::Task<void> (endpoints::BlindaiV06::*)(net::HttpExchange&) const;
  base::Status Open(const ListenAddress& address, net::HttpServerOptions options, Handler handler);

  std::unique_ptr<endpoints::BlindaiV06> endpoint_;
  std::vector<Port> ports_;  // after what their handlers call
};

}  // namespace blindai::server
