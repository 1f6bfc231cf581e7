#include "client/failure.h"

#include <algorithm>
#include <array>
#include <utility>

namespace blindai::client {
namespace {

using base::ErrorKind;

constexpr std::array kAttestationCodes = {kAttestationRefused, kAttestationUndecided, kAttestationAnswer};
constexpr std::array<std::string_view, 6> kArgumentCodes = {"query-value", kArgumentCode,   kNoServer,
                                                            "model-id",    "settings-file", "policy-file"};
// What net/http_client.h says, and answers that are not what the protocol says.
constexpr std::array<std::string_view, 20> kConnectionCodes = {"name-not-found",     "connection-refused",
                                                               "connect-timeout",    "connect-failed",
                                                               "tls-version",        "tls-not-spoken",
                                                               "tls-certificate",    "tls-failed",
                                                               "connection-lost",    "not-tls",
                                                               "http-response",      "directory-message",
                                                               "response-too-large", "cancelled",
                                                               "request-timeout",    "too-many-connections",
                                                               "header-timeout",     "body-timeout",
                                                               "websocket-upgrade",  "live-idle"};

template <typename Codes>
bool Holds(const Codes& codes, std::string_view code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

FailureKind FailureOf(const base::Error& error) {
  if (Holds(kAttestationCodes, error.code)) return FailureKind::kAttestation;
  if (Holds(kArgumentCodes, error.code)) return FailureKind::kArgument;
  if (Holds(kConnectionCodes, error.code)) return FailureKind::kConnection;
  if (error.kind == ErrorKind::kExhausted) return FailureKind::kQuota;
  if (error.kind == ErrorKind::kUnauthorized || error.kind == ErrorKind::kDenied) return FailureKind::kAccess;
  if (error.kind == ErrorKind::kUnavailable) return FailureKind::kConnection;
  return FailureKind::kModel;
}

std::string_view FailureName(FailureKind kind) {
  switch (kind) {
    case FailureKind::kArgument:
      return "argument";
    case FailureKind::kAttestation:
      return "attestation";
    case FailureKind::kConnection:
      return "connection";
    case FailureKind::kQuota:
      return "quota";
    case FailureKind::kAccess:
      return "access";
    case FailureKind::kModel:
      return "model";
  }
  BLINDAI_CHECK(false);
}

base::Error ArgumentError(std::string message, std::string param) {
  return base::MakeError(base::ErrorKind::kInvalid, std::string(kArgumentCode), std::move(message),
                         std::move(param));
}

}  // namespace blindai::client
