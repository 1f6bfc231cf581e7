// Who a request comes from. The server decides at start how callers are known and hands every endpoint this
// one function; an endpoint never looks at credentials itself.
#pragma once

#include <functional>

#include "base/result.h"
#include "net/http_message.h"
#include "service/caller.h"

namespace blindai::endpoints {

// Codes: login-required, bad-credentials (both kUnauthorized).
using IdentifyCaller = std::function<base::Result<service::Caller>(const net::RequestHead&)>;

}  // namespace blindai::endpoints
