// The two ports of BlindAI 0.5, open for as long as this lives.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "protocols/endpoints/authentication.h"
#include "protocols/endpoints/blindai_v05_grpc/server.h"
#include "server/legacy.h"
#include "server/server_config.h"

namespace blindai::server {

class LegacyV05 {
 public:
  // Catalogue and legacy must outlive it. Codes: those of the ports, and of the operator's certificate.
  static base::Result<std::unique_ptr<LegacyV05>> Listen(const ServerConfig& config, Legacy& legacy,
                                                         bool simulation, service::ModelCatalogue& catalogue,
                                                         const service::UploadOptions& upload,
                                                         const endpoints::IdentifyCaller& identify);

  // "127.0.0.1:50052,127.0.0.1:50051": untrusted, attested.
  std::string Addresses() const;
  std::uint16_t attested_port() const { return server_->attested_port(); }
  std::uint16_t untrusted_port() const { return server_->untrusted_port(); }
  // What runs may finish until then.
  void Stop(std::chrono::steady_clock::time_point deadline);

 private:
  LegacyV05(std::string untrusted_host, std::string attested_host,
            std::unique_ptr<endpoints::BlindaiV05Server> server)
      : untrusted_host_(std::move(untrusted_host)),
        attested_host_(std::move(attested_host)),
        server_(std::move(server)) {}

  const std::string untrusted_host_;
  const std::string attested_host_;
  const std::unique_ptr<endpoints::BlindaiV05Server> server_;
};

}  // namespace blindai::server
