// The one question that a client asks before anything else, and the one place where a verdict becomes "go on". Of this
// room only: connect.h asks it on the thread of a call, verified_connection.h as a coroutine.
#pragma once

#include <chrono>

#include "attestation/verifier/verdict.h"
#include "base/result.h"
#include "channel/binding.h"
#include "client/connection_record.h"
#include "client/settings.h"
#include "net/http_client.h"

namespace blindai::client {

// TLS to the server of the options, before anybody knows who that is.
base::Result<net::ConnectOptions> TlsToServer(const ConnectOptions& options);
net::HttpRequest EvidenceRequest(const channel::Nonce& nonce, std::chrono::milliseconds timeout);
// What the server says, with what only this end of the connection knows. Codes: attestation-answer, and what a server
// says that is full or starting.
base::Result<ConnectionRecord> TakeEvidence(const net::HttpResponse& response, const channel::Nonce& nonce,
                                            const net::ConnectionFacts& connection);
// Code: attestation-answer.
base::Result<verifier::Verdict> JudgeNow(const ConnectionRecord& record, const ConnectOptions& options);
// Codes: attestation-refused, attestation-undecided.
base::Status Accept(const verifier::Verdict& verdict, const ConnectOptions& options);

}  // namespace blindai::client
