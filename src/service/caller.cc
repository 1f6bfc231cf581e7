#include "service/caller.h"

namespace blindai::service {
namespace {

base::Status Require(const Caller& caller, bool allowed, const char* what) {
  if (allowed) return base::Ok();
  if (caller.is_anonymous()) {
    return base::MakeError(
        base::ErrorKind::kUnauthorized, "login-required",
        std::string("an API key is needed to ") + what + "; send it as 'Authorization: Bearer KEY'");
  }
  return base::MakeError(
      base::ErrorKind::kDenied, "not-allowed",
      std::string("this API key may not ") + what + "; ask its owner for one with that scope");
}

}  // namespace

base::Status RequireUpload(const Caller& caller) {
  return Require(caller, caller.may_upload, "upload or delete models");
}
base::Status RequireRun(const Caller& caller) { return Require(caller, caller.may_run, "run models"); }

}  // namespace blindai::service
