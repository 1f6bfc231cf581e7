// Errors as gRPC's status: its code, and "message (code)" for people. The published clients show both and read neither.
// https://grpc.github.io/grpc/core/md_doc_statuscodes.html
#pragma once

#include <grpcpp/support/status.h>

#include "base/result.h"

namespace blindai::endpoints {

grpc::Status StatusOf(const base::Error& error);

}  // namespace blindai::endpoints
