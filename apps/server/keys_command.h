// `blindai-server keys create|list|revoke`: the operator's hand on the API keys, with the server running or
// not.
#pragma once

namespace blindai::server {

// Returns the exit code. Results go to stdout (the new key alone on its line), everything else to stderr.
int RunKeysCommand(int argc, const char* const* argv);

}  // namespace blindai::server
