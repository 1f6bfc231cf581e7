// The directory over HTTP (docs/directory.md), a translation to service/accounts/directory:
//
//   POST /v1/session                                   an API key becomes a token and a list of servers
//   GET  /v1/jwks, /.well-known/jwks.json              the keys of tokens
//   POST /v1/keys, GET /v1/keys, DELETE /v1/keys/{id}  API keys (scope admin)
//   POST /v1/servers, GET /v1/servers, DELETE /v1/servers/{address}   servers (scope server or admin)
//
// Everything that asks the database runs where `run` puts it, never on a thread that moves bytes.
#pragma once

#include <chrono>
#include <functional>

#include "base/clock.h"
#include "base/rate_limiter.h"
#include "protocols/endpoints/router.h"
#include "service/accounts/directory.h"

namespace blindai::endpoints {

struct DirectoryEndpointOptions {
  // Calls its argument once, on a thread that may block.
  std::function<void(std::function<void()>)> run;
  std::function<base::Time()> now = base::Now;
  std::function<base::RateLimiter::Moment()> steady_now = std::chrono::steady_clock::now;
  // Said in every session: simulated servers are accepted here.
  bool simulation = false;
};

// The directory must outlive the router.
void RegisterDirectory(Router& router, accounts::Directory& directory, DirectoryEndpointOptions options);

}  // namespace blindai::endpoints
