// What a cloud certifies about the keys of its virtual TPMs. Google's certificates name the machine in an
// extension of their own (1.3.6.1.4.1.11129.2.1.21, "GceInstanceInfo"). Nothing is trusted here;
// verifier/tpm.h checks the chain.
//
// Errors: "tpm-certificate".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "crypto/certificate.h"

namespace blindai::endorsements {

struct GceInstance {
  std::string zone;
  std::uint64_t project_number = 0;
  std::string project_id;
  std::uint64_t instance_id = 0;
  std::string instance_name;
};

// Nothing when the certificate has no such extension.
base::Result<std::optional<GceInstance>> ReadGceInstance(const crypto::Certificate& certificate);

}  // namespace blindai::endorsements
