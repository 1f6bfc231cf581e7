// Which hardware vouches for this server. One place decides, at start, and says what it found; nothing falls
// back to simulation by itself. The order of "auto" is from the narrowest to the widest trust: an enclave, a
// confidential virtual machine (TDX, then SEV-SNP; each by the kernel's common interface, then by its own device), a
// Nitro enclave.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "attestation/attester/attester.h"
#include "attestation/attester/device_files.h"
#include "base/result.h"
#include "server/server_config.h"

namespace blindai::server {

struct Platform {
  std::unique_ptr<attester::Attester> attester;
  std::string_view name;  // "simulation", "snp"
  std::string_view mode;  // "simulation" or "hardware": what the manifest says
};

// The machine's devices; a test gives models of them.
struct Devices {
  std::function<std::unique_ptr<attester::DeviceFiles>()> files;
  // Null when the device is not there; other errors of open(2) are the device's own.
  std::function<std::unique_ptr<attester::DeviceControl>(const std::string& path)> control;

  static Devices OfThisMachine();
};

// Code: no-platform, with everything that was looked for, why it was not taken, and what to do.
base::Result<Platform> ChoosePlatform(const ServerConfig& config, const Devices& devices);

}  // namespace blindai::server
