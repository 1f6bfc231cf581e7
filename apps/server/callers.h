// How this server knows who asks: API keys, session tokens of a directory, or nobody in particular.
#pragma once

#include "base/result.h"
#include "protocols/endpoints/authentication.h"
#include "server/server_config.h"
#include "server/session_keys.h"

namespace blindai::server {

// `sessions` is null where no session tokens are accepted. Outside simulation a server that neither has keys nor
// accepts tokens nor allows anonymous use is refused at start (code no-callers): nobody could use it. The function
// keeps what it needs alive. Codes also: accounts-open.
base::Result<endpoints::IdentifyCaller> ChooseCallers(const ServerConfig& config,
                                                      std::shared_ptr<const SessionKeys> sessions,
                                                      bool simulation);

}  // namespace blindai::server
