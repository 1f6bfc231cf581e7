// One verified connection for a program of coroutines that passes requests of others on (the gateway). It is made as
// connect.h makes one: TLS, one question, the verdict; what comes out was accepted, or it is not there. Whoever holds
// it adds the API key.
#pragma once

#include <memory>
#include <optional>

#include "attestation/verifier/verdict.h"
#include "base/result.h"
#include "client/connection_record.h"
#include "client/settings.h"
#include "net/http_client.h"
#include "net/task.h"

namespace blindai::client {

struct VerifiedOutcome {
  // Codes: attestation-refused, attestation-undecided, attestation-answer and those of net/http_client.h.
  base::Result<std::unique_ptr<net::HttpConnection>> connection;
  // What was said and what it was worth, as soon as there was something, accepted or not.
  std::shared_ptr<const ConnectionRecord> record;
  std::optional<verifier::Verdict> verdict;
};

net::Task<VerifiedOutcome> OpenVerified(const ConnectOptions& options);

}  // namespace blindai::client
