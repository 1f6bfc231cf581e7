#include "support/fake_attested_server.h"

#include <utility>

#include "attestation/attester/simulated.h"
#include "channel/attested_server.h"
#include "net/tls.h"
#include "protocols/wire/attestation.h"

namespace blindai::tests {
namespace {

channel::ServerIdentity MakeIdentity(const std::string& mode, const std::string& version) {
  channel::IdentityOptions options;
  options.now = base::Now();
  channel::ManifestFacts facts;
  facts.version = version;
  facts.mode = mode;
  facts.platform = "simulated";
  facts.isolation = "worker-process";
  options.manifest = channel::MakeManifest(facts);
  return *channel::ServerIdentity::Make(options);
}

template <typename To, typename From>
To SameBytes(const From& from) {
  To to;
  to.bytes = from.bytes;
  return to;
}

}  // namespace

std::string EncodeAnswer(const channel::AttestationAnswer& answer) {
  wire::AttestationAnswer out;
  out.tee = evidence::TeeName(answer.bundle.tee);
  out.evidence = answer.bundle.evidence;
  for (const evidence::NamedBytes& one : answer.bundle.endorsements)
    out.endorsements.emplace_back(one.name, one.bytes);
  out.statement.nonce = SameBytes<wire::AttestationNonce>(answer.statement.nonce);
  out.statement.exporter_sha256 = SameBytes<wire::AttestationDigest>(answer.statement.exporter_sha256);
  out.statement.server_key_sha256 = SameBytes<wire::AttestationDigest>(answer.statement.server_key);
  out.statement.keyset_sha256 = SameBytes<wire::AttestationDigest>(answer.statement.keyset);
  out.statement.manifest_sha256 = SameBytes<wire::AttestationDigest>(answer.statement.manifest);
  out.keyset = answer.keyset;
  out.manifest = answer.manifest;
  return wire::EncodeAttestation(out);
}

FakeAttestedServer::FakeAttestedServer(Options options)
    : options_(std::move(options)),
      identity_(MakeIdentity(options_.mode, options_.manifest_version)),
      pool_(std::make_shared<net::IoPool>(1)) {
  net::HttpServerOptions listen;
  listen.port = options_.port;
  listen.pool = pool_;
  listen.tls = *net::TlsServerContext::Make(identity_.key(), identity_.certificate());
  auto server =
      net::HttpServer::Listen(listen, [this](net::HttpExchange& exchange) { return Handle(exchange); });
  server_ = *std::move(server);
}

FakeAttestedServer::~FakeAttestedServer() { Stop(); }

void FakeAttestedServer::Stop() { server_->Stop(std::chrono::milliseconds(0)); }

std::vector<SeenRequest> FakeAttestedServer::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

std::vector<SeenRequest> FakeAttestedServer::data_requests() const {
  std::vector<SeenRequest> requests = seen();
  std::erase_if(requests,
                [](const SeenRequest& r) { return r.target.starts_with("/v1/attestation?nonce="); });
  return requests;
}

net::Task<void> FakeAttestedServer::Handle(net::HttpExchange& exchange) {
  SeenRequest request;
  request.method = exchange.head().method;
  request.target = exchange.head().raw_target;
  request.headers = exchange.head().headers;
  request.connection = exchange.connection().id;
  const bool hand_over = options_.serve && !request.target.starts_with("/v1/attestation?nonce=");
  if (!hand_over) {
    auto body = co_await exchange.ReadWholeBody(64u << 20);
    if (body.ok()) request.body = *std::move(body);
  }
  {
    const std::lock_guard lock(mutex_);
    seen_.push_back(request);
  }
  if (hand_over) {
    co_await options_.serve(exchange);
    co_return;
  }
  if (options_.cut_answers && !request.target.starts_with("/v1/attestation?nonce=")) {
    net::HeaderList headers;
    const base::Status begun = co_await exchange.StartResponse(200, headers);
    (void)begun.ok();
    co_return;
  }
  net::HttpResponse response = Respond(request, exchange);
  const base::Status sent = co_await exchange.Respond(response);
  (void)sent.ok();
}

net::HttpResponse FakeAttestedServer::Respond(const SeenRequest& request, const net::HttpExchange& exchange) {
  if (request.target.starts_with("/v1/attestation?nonce=")) return Attest(request, exchange);
  if (options_.answer) return options_.answer(request);
  return net::TextResponse(404, "nothing here");
}

net::HttpResponse FakeAttestedServer::Attest(const SeenRequest& request, const net::HttpExchange& exchange) {
  if (options_.attestation) return options_.attestation(request);
  const auto nonce = wire::ParseAttestationNonce(exchange.head().Query("nonce").value_or(""));
  if (!nonce.ok()) return net::ErrorResponse(nonce.error());
  attester::SimulatedAttester attester;
  const auto attest = [&](const evidence::ReportData& report_data) {
    return attester.Attest(report_data, attester::Attester::Deadline::max());
  };
  auto answer = channel::AnswerAttestation(identity_, SameBytes<channel::Nonce>(*nonce),
                                           exchange.connection().exporter, attest);
  if (!answer.ok()) return net::ErrorResponse(answer.error());
  if (options_.bend) options_.bend(*answer);
  return net::JsonResponse(200, EncodeAnswer(*answer));
}

}  // namespace blindai::tests
