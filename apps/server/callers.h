// How this server knows who asks: API keys, or nobody in particular.
#pragma once

#include "base/result.h"
#include "protocols/endpoints/authentication.h"
#include "server/server_config.h"

namespace blindai::server {

// Outside simulation a server that neither has keys nor allows anonymous use is refused at start (code
// no-callers): nobody could use it. The function keeps what it needs alive. Codes also: accounts-open.
base::Result<endpoints::IdentifyCaller> ChooseCallers(const ServerConfig& config, bool simulation);

}  // namespace blindai::server
