#include "protocols/endpoints/attestation.h"

#include <string>
#include <utility>

#include "protocols/endpoints/answer.h"

namespace blindai::endpoints {
namespace {

class AttestationEndpoint {
 public:
  explicit AttestationEndpoint(AttestConnection attest) : attest_(std::move(attest)) {}

  net::Task<void> Get(net::HttpExchange& exchange) const {
    const base::Result<wire::AttestationNonce> nonce =
        wire::ParseAttestationNonce(exchange.head().Query("nonce").value_or(""));
    if (!nonce.ok()) {
      co_await AnswerError(exchange, nonce.error());
      co_return;
    }
    std::function<void(net::Callback<wire::AttestationAnswer>)> start =
        [&](net::Callback<wire::AttestationAnswer> done) {
          attest_(*nonce, exchange.connection(), std::move(done));
        };
    const base::Result<wire::AttestationAnswer> answer =
        co_await net::AwaitCallback<wire::AttestationAnswer>(start);
    if (!answer.ok()) {
      co_await AnswerError(exchange, answer.error());
      co_return;
    }
    const std::string json = wire::EncodeAttestation(*answer);
    net::HttpResponse response = net::JsonResponse(200, json);
    // Evidence is for one connection and one moment: nobody in between may keep it.
    response.headers.Add("Cache-Control", "no-store");
    co_await exchange.Respond(response);
  }

 private:
  const AttestConnection attest_;
};

}  // namespace

void RegisterAttestation(Router& router, AttestConnection attest) {
  const auto endpoint = std::make_shared<const AttestationEndpoint>(std::move(attest));
  for (const char* path : {"/v1/attestation", "/.well-known/blindai/attestation"}) {
    router.Add("GET", path, [endpoint](net::HttpExchange& exchange, const PathArguments&) {
      return endpoint->Get(exchange);
    });
  }
}

}  // namespace blindai::endpoints
