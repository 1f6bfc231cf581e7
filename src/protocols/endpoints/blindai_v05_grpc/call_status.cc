#include "protocols/endpoints/blindai_v05_grpc/call_status.h"

#include <fmt/format.h>

namespace blindai::endpoints {
namespace {

grpc::StatusCode CodeOf(const base::Error& error) {
  using base::ErrorKind;
  // The clients tell by this code that a server has no hardware evidence.
  if (error.code == "no-genuine-quote") return grpc::FAILED_PRECONDITION;
  switch (error.kind) {
    case ErrorKind::kInvalid:
    case ErrorKind::kTooLarge:
    // UNIMPLEMENTED would tell the client's user that client and server have incompatible versions.
    case ErrorKind::kUnsupported:
      return grpc::INVALID_ARGUMENT;
    case ErrorKind::kUnauthorized:
      return grpc::UNAUTHENTICATED;
    case ErrorKind::kDenied:
      return grpc::PERMISSION_DENIED;
    case ErrorKind::kNotFound:
      return grpc::NOT_FOUND;
    case ErrorKind::kConflict:
      return grpc::ALREADY_EXISTS;
    case ErrorKind::kExhausted:
      return grpc::RESOURCE_EXHAUSTED;
    case ErrorKind::kUnavailable:
      return grpc::UNAVAILABLE;
    case ErrorKind::kDeadline:
      return grpc::DEADLINE_EXCEEDED;
    case ErrorKind::kCancelled:
      return grpc::CANCELLED;
    case ErrorKind::kInternal:
      return grpc::INTERNAL;
  }
  return grpc::INTERNAL;
}

}  // namespace

grpc::Status StatusOf(const base::Error& error) {
  return {CodeOf(error), fmt::format("{} ({})", error.message, error.code)};
}

}  // namespace blindai::endpoints
