#include "protocols/endpoints/blindai_v05_grpc/attestation_calls.h"

#include <memory>

#include "protocols/endpoints/grpc/call_status.h"

namespace blindai::endpoints {
namespace {

// Clients compare the first two parts with 0.5 and stumble over a fourth.
constexpr const char* kVersion = "0.5.12";

grpc::ServerUnaryReactor* Done(grpc::CallbackServerContext* context) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

void FillCollateral(untrusted::SgxCollateral& out, const vocabulary::SgxCollateral& collateral) {
  out.set_version(collateral.version);
  out.set_pck_crl_issuer_chain(collateral.pck_crl_issuer_chain);
  out.set_root_ca_crl(collateral.root_ca_crl);
  out.set_pck_crl(collateral.pck_crl);
  out.set_tcb_info_issuer_chain(collateral.tcb_info_issuer_chain);
  out.set_tcb_info(collateral.tcb_info);
  out.set_qe_identity_issuer_chain(collateral.qe_identity_issuer_chain);
  out.set_qe_identity(collateral.qe_identity);
  out.set_pck_certificate(collateral.pck_certificate);
  out.set_pck_signing_chain(collateral.pck_signing_chain);
}

}  // namespace

grpc::ServerUnaryReactor* AttestationCalls::GetServerInfo(grpc::CallbackServerContext* context,
                                                          const untrusted::GetServerInfoRequest*,
                                                          untrusted::GetServerInfoReply* reply) {
  reply->set_version(kVersion);
  return Done(context);
}

grpc::ServerUnaryReactor* AttestationCalls::GetCertificate(grpc::CallbackServerContext* context,
                                                           const untrusted::GetCertificateRequest*,
                                                           untrusted::GetCertificateReply* reply) {
  reply->set_enclave_tls_certificate(certificate_);
  return Done(context);
}

grpc::ServerUnaryReactor* AttestationCalls::GetToken(grpc::CallbackServerContext* context,
                                                     const untrusted::GetTokenRequest*,
                                                     untrusted::GetTokenReply*) {
  return Done(context);
}

grpc::ServerUnaryReactor* AttestationCalls::GetSgxQuoteWithCollateral(
    grpc::CallbackServerContext* context, const untrusted::GetSgxQuoteWithCollateralRequest*,
    untrusted::GetSgxQuoteWithCollateralReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // The reply lives until the reactor has finished, and it finishes here only.
  evidence_.Get([this, reactor, reply](base::Result<std::shared_ptr<const service::LegacyQuote>> quote) {
    if (!quote.ok()) return reactor->Finish(StatusForBlindaiV05(quote.error()));
    reply->set_quote(std::string(base::AsText((*quote)->quote)));
    FillCollateral(*reply->mutable_collateral(), (*quote)->collateral);
    reply->set_enclave_held_data(certificate_);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

}  // namespace blindai::endpoints
