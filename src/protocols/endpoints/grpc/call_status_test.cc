#include "protocols/endpoints/grpc/call_status.h"

#include <gtest/gtest.h>

namespace blindai::endpoints {
namespace {

using base::ErrorKind;

TEST(CallStatus, EveryKindHasItsCode) {
  const struct {
    ErrorKind kind;
    grpc::StatusCode code;
  } rows[] = {
      {ErrorKind::kInvalid, grpc::INVALID_ARGUMENT},  {ErrorKind::kUnauthorized, grpc::UNAUTHENTICATED},
      {ErrorKind::kDenied, grpc::PERMISSION_DENIED},  {ErrorKind::kNotFound, grpc::NOT_FOUND},
      {ErrorKind::kConflict, grpc::ALREADY_EXISTS},   {ErrorKind::kTooLarge, grpc::INVALID_ARGUMENT},
      {ErrorKind::kUnsupported, grpc::UNIMPLEMENTED}, {ErrorKind::kExhausted, grpc::RESOURCE_EXHAUSTED},
      {ErrorKind::kUnavailable, grpc::UNAVAILABLE},   {ErrorKind::kDeadline, grpc::DEADLINE_EXCEEDED},
      {ErrorKind::kCancelled, grpc::CANCELLED},       {ErrorKind::kInternal, grpc::INTERNAL},
  };
  for (const auto& row : rows)
    EXPECT_EQ(StatusOf(base::MakeError(row.kind, "c", "m")).error_code(), row.code);
}

TEST(CallStatus, ClientsOfBlindaiV05AreToldTwoThingsOtherwise) {
  const auto code = [](ErrorKind kind, const char* error) {
    return StatusForBlindaiV05(base::MakeError(kind, error, "m")).error_code();
  };
  EXPECT_EQ(code(ErrorKind::kNotFound, "no-genuine-quote"), grpc::FAILED_PRECONDITION);
  EXPECT_EQ(code(ErrorKind::kUnsupported, "c"), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(code(ErrorKind::kNotFound, "c"), grpc::NOT_FOUND);
}

TEST(CallStatus, TheMessageCarriesTheCode) {
  EXPECT_EQ(StatusOf(base::MakeError(ErrorKind::kInvalid, "tensor-size", "too short")).error_message(),
            "too short (tensor-size)");
}

}  // namespace
}  // namespace blindai::endpoints
