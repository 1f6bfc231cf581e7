// How the server reaches a service of its host: one request over a new connection, bounded in size and time. The host
// is not trusted, so the connection needs no protection: what it answers is signed by AMD or Intel.
#pragma once

#include "attestation/attester/azure.h"

namespace blindai::server {

// An attester::AskHost. Codes: url, and those of net/http_client.h.
base::Result<attester::HostAnswer> AskHost(const attester::HostRequest& request,
                                           attester::Attester::Deadline deadline);

}  // namespace blindai::server
