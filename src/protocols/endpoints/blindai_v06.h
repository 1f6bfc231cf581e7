// BlindAI 0.6 for its published clients: three ports, CBOR over HTTP. A translation onto the same services as the
// native API; nothing is decided here.
//
//   unattested   GET /            the certificate that the other two ports present
//                GET /quote       404 when there is no genuine quote
//                GET /collateral
//   attested     POST /run        by id, or by the hash of the file; inputs by position or by name
//   management   POST /upload, POST /delete; on the attested port too where that is configured (0.6.1)
//
// Every answer has a Server header, with "mock" in it exactly when there is no genuine quote: clients outside
// simulation mode go no further then. Failures are the usual status with one CBOR text, "code: message".
// docs/formats/legacy-protocols.md says what these clients do not get: freshness and a binding to the connection.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/bytes.h"
#include "net/http_exchange.h"
#include "net/task.h"
#include "protocols/endpoints/authentication.h"
#include "service/legacy_evidence.h"
#include "service/model_catalogue.h"
#include "service/upload_model.h"

namespace blindai::endpoints {

struct BlindaiV06Options {
  base::Bytes certificate_der;
  service::UploadOptions upload;
  // Elements of all tensors of one request (code body-too-large).
  std::uint64_t max_tensor_bytes = std::uint64_t{256} << 20;
  std::chrono::milliseconds deadline{600'000};
  bool management_on_attested = false;
};

class BlindaiV06 {
 public:
  // Catalogue and evidence must outlive it, and it the servers that call it.
  BlindaiV06(service::ModelCatalogue& catalogue, service::LegacyEvidence& evidence, BlindaiV06Options options,
             IdentifyCaller identify)
      : catalogue_(catalogue),
        evidence_(evidence),
        options_(std::move(options)),
        identify_(std::move(identify)) {}

  // The handlers of the three ports.
  net::Task<void> Unattested(net::HttpExchange& exchange) const;
  net::Task<void> Attested(net::HttpExchange& exchange) const;
  net::Task<void> Management(net::HttpExchange& exchange) const;

 private:
  net::Task<void> Certificate(net::HttpExchange& exchange) const;
  net::Task<void> Quote(net::HttpExchange& exchange) const;
  net::Task<void> Collateral(net::HttpExchange& exchange) const;
  net::Task<void> Run(net::HttpExchange& exchange) const;
  net::Task<void> Upload(net::HttpExchange& exchange) const;
  net::Task<void> Delete(net::HttpExchange& exchange) const;

  net::Task<base::Result<std::shared_ptr<const service::LegacyQuote>>> Evidence() const;
  net::Task<base::Result<service::ModelRecord>> ReceiveModel(net::HttpExchange& exchange) const;
  net::Task<void> Answer(net::HttpExchange& exchange, base::Bytes& body) const;
  net::Task<void> AnswerFailure(net::HttpExchange& exchange, const base::Error& error) const;
  net::Task<void> AnswerUnknownPath(net::HttpExchange& exchange) const;
  net::HttpResponse ResponseWith(int status) const;

  service::ModelCatalogue& catalogue_;
  service::LegacyEvidence& evidence_;
  const BlindaiV06Options options_;
  const IdentifyCaller identify_;
};

}  // namespace blindai::endpoints
