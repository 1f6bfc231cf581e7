// BlindAI 0.5 for its published clients: gRPC on two ports, a translation onto the same services as the native API.
//
//   untrusted   GetServerInfo, GetCertificate, GetSgxQuoteWithCollateral; under the operator's certificate
//   attested    SendModel, RunModel, DeleteModel; under the certificate that the other port hands out and that the
//               quote is about
//
// Callers are known by the metadata `accesstoken`. What these clients do not get (freshness, a binding to the
// connection) is in docs/formats/legacy-protocols.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "protocols/endpoints/blindai_v05_grpc/port.h"
#include "service/caller.h"
#include "service/legacy_evidence.h"
#include "service/model_catalogue.h"
#include "service/upload_model.h"

namespace blindai::endpoints {

struct BlindaiV05Options {
  BlindaiV05Port untrusted;
  BlindaiV05Port attested;
  base::Bytes certificate_der;  // of the attested port
  // Who a call comes from, by its token; nothing = no token was sent. Codes: login-required, bad-credentials.
  std::function<base::Result<service::Caller>(std::optional<std::string_view>)> identify;
  // Ed25519 by the key in the certificate.
  std::function<base::Bytes(base::ByteView)> sign;
  // Evidence is simulated: said in every payload.
  bool simulation = false;
  service::UploadOptions upload;
  // Elements of all tensors of one request (code tensors-too-large).
  std::uint64_t max_tensor_bytes = std::uint64_t{256} << 20;
  // From the complete request to its answer.
  std::chrono::milliseconds deadline{600'000};
  // Between two messages of a client that is sending; it is cancelled then.
  std::chrono::milliseconds receive_idle{60'000};
  // Models and tensors that are being received or run at once (code server-busy).
  std::size_t max_calls = 256;
};

class BlindaiV05Server {
 public:
  // Catalogue and evidence must outlive it. Code: listen (a port is in use, or a certificate and its key are unusable).
  static base::Result<std::unique_ptr<BlindaiV05Server>> Start(service::ModelCatalogue& catalogue,
                                                               service::LegacyEvidence& evidence,
                                                               BlindaiV05Options options);
  ~BlindaiV05Server();
  BlindaiV05Server(const BlindaiV05Server&) = delete;
  BlindaiV05Server& operator=(const BlindaiV05Server&) = delete;

  std::uint16_t untrusted_port() const;
  std::uint16_t attested_port() const;
  // Takes no more calls; what runs may finish within the grace and is cancelled then.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct State;
  explicit BlindaiV05Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace blindai::endpoints
