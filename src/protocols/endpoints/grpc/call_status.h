// Errors as gRPC's status: its code, and "message (code)" for people.
// https://grpc.github.io/grpc/core/md_doc_statuscodes.html
#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "base/result.h"

namespace blindai::endpoints {

// "message (code)".
std::string StatusText(const base::Error& error);
// What is not supported is UNIMPLEMENTED.
grpc::Status StatusOf(const base::Error& error);
// The same for the clients of BlindAI 0.5, which tell two things by the code: a server without hardware evidence is
// FAILED_PRECONDITION, and UNIMPLEMENTED would tell their users that client and server have incompatible versions, so
// what is not supported is INVALID_ARGUMENT.
grpc::Status StatusForBlindaiV05(const base::Error& error);

}  // namespace blindai::endpoints
