// `Idempotency-Key`: a request that changes or computes something may be sent again when its answer was lost, and is
// done once. https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
//
// It stands before the router and knows nothing of what the requests mean: a request is its method, target, content
// type and body, byte for byte. Only complete answers of success are kept (service/kept_answers.h: sealed, so that only
// who asks again can have them read); a refusal, a stream of events and a request whose client left before its end are
// computed again. Without the header nothing is different.
#pragma once

#include "net/http_exchange.h"
#include "net/task.h"
#include "protocols/endpoints/authentication.h"
#include "service/kept_answers.h"

namespace blindai::endpoints {

inline constexpr char kIdempotencyKeyHeader[] = "Idempotency-Key";
// In the answer, when it was kept.
inline constexpr char kIdempotencyReplayedHeader[] = "Idempotency-Replayed";

// For POST, PUT and DELETE of models, inferences and recordings. Answers 400 idempotency-key, 409 request-running with
// Retry-After, 422 idempotency-key-reused. `kept` must outlive the returned handler.
net::HttpHandler WithIdempotency(service::KeptAnswers& kept, IdentifyCaller identify,
                                 net::HttpHandler handler);

}  // namespace blindai::endpoints
