// Who a request comes from. The server decides at start how callers are known and hands every endpoint this
// one function; an endpoint never looks at credentials itself.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "net/http_message.h"
#include "service/caller.h"

namespace blindai::endpoints {

// Codes: login-required, bad-credentials (both kUnauthorized).
using IdentifyCaller = std::function<base::Result<service::Caller>(const net::RequestHead&)>;

// What stands behind "Authorization: Bearer" (RFC 6750 section 2.1; the scheme's name has no case).
std::optional<std::string_view> BearerCredential(const net::RequestHead& head);

}  // namespace blindai::endpoints
