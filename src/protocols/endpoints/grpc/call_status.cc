#include "protocols/endpoints/grpc/call_status.h"

#include <fmt/format.h>

namespace blindai::endpoints {
namespace {

grpc::StatusCode CodeOf(base::ErrorKind kind) {
  using base::ErrorKind;
  switch (kind) {
    case ErrorKind::kInvalid:
    case ErrorKind::kTooLarge:
      return grpc::INVALID_ARGUMENT;
    case ErrorKind::kUnsupported:
      return grpc::UNIMPLEMENTED;
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

std::string StatusText(const base::Error& error) { return fmt::format("{} ({})", error.message, error.code); }

grpc::Status StatusOf(const base::Error& error) { return {CodeOf(error.kind), StatusText(error)}; }

grpc::Status StatusForBlindaiV05(const base::Error& error) {
  if (error.code == "no-genuine-quote") return {grpc::FAILED_PRECONDITION, StatusText(error)};
  if (error.kind == base::ErrorKind::kUnsupported) return {grpc::INVALID_ARGUMENT, StatusText(error)};
  return StatusOf(error);
}

}  // namespace blindai::endpoints
