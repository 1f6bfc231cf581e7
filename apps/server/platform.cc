#include "server/platform.h"

#include "attestation/attester/simulated.h"

namespace blindai::server {

base::Result<Platform> ChoosePlatform(const ServerConfig& config) {
  if (config.platform == "simulation") {
    return Platform{std::make_unique<attester::SimulatedAttester>(), "simulation", "simulation"};
  }
  return base::MakeError(
      base::ErrorKind::kUnavailable, "no-platform",
      "this version has no attester for platform \"" + config.platform +
          "\" yet; to try the server without hardware, start it with --simulation (clients must then "
          "ask for simulation too)");
}

}  // namespace blindai::server
