// Who asks. An endpoint finds it out (an API key, a token, nobody) and every service takes it as an argument,
// so that no service can be called without saying for whom.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace blindai::service {

struct Caller {
  // The account. Callers without one are all the same tenant, "anonymous".
  std::string tenant = "anonymous";
  // The account's number for the model host: two numbers never share a worker's memory.
  std::uint64_t number = 0;
  bool may_upload = false;
  bool may_run = false;
  // The model that the operator chose for its transcriptions that name none; empty: none.
  std::string default_model = {};

  bool is_anonymous() const { return number == 0; }
  // In simulation, and where the operator allows it: no account, and everything that an account may do.
  static Caller AnonymousWithAllRights() { return Caller{"anonymous", 0, true, true}; }
};

// Errors with code not-allowed (kDenied), or login-required (kUnauthorized) for a caller without an account.
base::Status RequireUpload(const Caller& caller);
base::Status RequireRun(const Caller& caller);

}  // namespace blindai::service
