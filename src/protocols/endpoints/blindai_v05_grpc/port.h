// Where a gRPC port of BlindAI 0.5 listens, and as whom.
#pragma once

#include <string>

#include "base/secret.h"

namespace blindai::endpoints {

struct BlindaiV05Port {
  std::string address;  // "127.0.0.1:50052", "[::1]:0"
  std::string certificate_pem;
  base::SecretBytes key_pem;
};

}  // namespace blindai::endpoints
