// BlindAI 0.5's licensing call, answered by the directory.
#pragma once

#include <memory>

#include "base/result.h"
#include "directory/directory_config.h"
#include "directory/secrets.h"
#include "protocols/endpoints/blindai_v05_grpc/licensing_server.h"
#include "service/accounts/directory.h"

namespace blindai::directory {

// The directory must outlive it. Code: listen.
base::Result<std::unique_ptr<endpoints::LicensingServer>> ListenForV05(const DirectoryConfig& config,
                                                                       const Identity& identity,
                                                                       accounts::Directory& directory);

// The placed server as these clients read it. Code: no-servers (its address is IPv6, which they cannot).
base::Result<endpoints::Enclave> EnclaveOf(const accounts::Session& session);

}  // namespace blindai::directory
