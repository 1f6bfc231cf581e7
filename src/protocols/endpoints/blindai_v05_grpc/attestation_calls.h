// The untrusted port: version, certificate, and a quote with its collateral. Asked before a client trusts anything, by
// anybody; nothing here is secret, and nothing a client sends is kept.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>

#include "base/bytes.h"
#include "service/legacy_evidence.h"
#include "untrusted.grpc.pb.h"

namespace blindai::endpoints {

class AttestationCalls final : public untrusted::Attestation::CallbackService {
 public:
  // The evidence must outlive it.
  AttestationCalls(base::Bytes certificate_der, service::LegacyEvidence& evidence)
      : certificate_(base::AsText(certificate_der)), evidence_(evidence) {}

  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const untrusted::GetServerInfoRequest*,
                                          untrusted::GetServerInfoReply* reply) override;
  grpc::ServerUnaryReactor* GetCertificate(grpc::CallbackServerContext* context,
                                           const untrusted::GetCertificateRequest*,
                                           untrusted::GetCertificateReply* reply) override;
  // No client reads it; the original answers an empty one.
  grpc::ServerUnaryReactor* GetToken(grpc::CallbackServerContext* context, const untrusted::GetTokenRequest*,
                                     untrusted::GetTokenReply* reply) override;
  // FAILED_PRECONDITION where there is no genuine quote.
  grpc::ServerUnaryReactor* GetSgxQuoteWithCollateral(
      grpc::CallbackServerContext* context, const untrusted::GetSgxQuoteWithCollateralRequest*,
      untrusted::GetSgxQuoteWithCollateralReply* reply) override;

 private:
  const std::string certificate_;
  service::LegacyEvidence& evidence_;
};

}  // namespace blindai::endpoints
