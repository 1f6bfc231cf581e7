#include "client/failure.h"

#include <gtest/gtest.h>

namespace blindai::client {
namespace {

using base::ErrorKind;

FailureKind KindOf(ErrorKind kind, std::string_view code) {
  return FailureOf(base::MakeError(kind, std::string(code), "message"));
}

TEST(Failure, EachSortHasItsCause) {
  EXPECT_EQ(KindOf(ErrorKind::kDenied, kAttestationRefused), FailureKind::kAttestation);
  EXPECT_EQ(KindOf(ErrorKind::kInvalid, kAttestationAnswer), FailureKind::kAttestation);
  EXPECT_EQ(KindOf(ErrorKind::kInvalid, "model-id"), FailureKind::kArgument);
  EXPECT_EQ(KindOf(ErrorKind::kUnavailable, "connection-refused"), FailureKind::kConnection);
  EXPECT_EQ(KindOf(ErrorKind::kDeadline, "request-timeout"), FailureKind::kConnection);
  EXPECT_EQ(KindOf(ErrorKind::kUnavailable, "draining"), FailureKind::kConnection);
  EXPECT_EQ(KindOf(ErrorKind::kExhausted, "queue-full"), FailureKind::kQuota);
  EXPECT_EQ(KindOf(ErrorKind::kUnauthorized, "api-key"), FailureKind::kAccess);
  EXPECT_EQ(KindOf(ErrorKind::kDenied, "not-yours"), FailureKind::kAccess);
  EXPECT_EQ(KindOf(ErrorKind::kInvalid, "tensor-shape"), FailureKind::kModel);
  EXPECT_EQ(KindOf(ErrorKind::kDeadline, "deadline"), FailureKind::kModel);
}

TEST(Failure, EachSortHasAName) {
  EXPECT_EQ(FailureName(FailureKind::kAttestation), "attestation");
  EXPECT_EQ(FailureName(FailureKind::kModel), "model");
}

}  // namespace
}  // namespace blindai::client
