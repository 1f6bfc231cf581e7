#include "server/platform.h"

#include <fmt/format.h>

#include <utility>

#include "attestation/attester/azure.h"
#include "attestation/attester/configfs_tsm.h"
#include "attestation/attester/files.h"
#include "attestation/attester/gramine.h"
#include "attestation/attester/nsm.h"
#include "attestation/attester/sev_guest.h"
#include "attestation/attester/simulated.h"
#include "attestation/attester/tdx_guest.h"
#include "attestation/attester/tpm.h"
#include "attestation/fetch/https_get.h"
#include "server/ask_host.h"

namespace blindai::server {
namespace {

using attester::Attester;
using base::Result;
using evidence::TeeKind;

using Opened = Result<std::unique_ptr<Attester>>;

base::Error NoDevice(const std::string& what) {
  return base::MakeError(base::ErrorKind::kUnavailable, "no-device", what + " is not there");
}

template <typename Specific>
Opened AsAttester(Result<std::unique_ptr<Specific>> opened) {
  if (!opened.ok()) return std::move(opened).error();
  return std::unique_ptr<Attester>(std::move(opened).value());
}

Opened OpenGramine(const ServerConfig&, const Devices& devices) {
  return AsAttester(attester::GramineAttester::Open(devices.files()));
}

Opened OpenConfigfs(const Devices& devices, TeeKind wanted) {
  Opened opened = AsAttester(attester::ConfigfsTsmAttester::Open(devices.files()));
  if (opened.ok() && (*opened)->kind() != wanted)
    return NoDevice(fmt::format("a {} guest", evidence::TeeName(wanted)));
  return opened;
}

Opened OpenTdxGuest(const ServerConfig& config, const Devices& devices) {
  auto device = devices.control(attester::kTdxGuestDevice);
  if (!device) return NoDevice(attester::kTdxGuestDevice);
  auto quote_service = attester::DialVsock(config.tdx_quote_service_cid, config.tdx_quote_service_port);
  return std::unique_ptr<Attester>(
      std::make_unique<attester::TdxGuestAttester>(std::move(device), std::move(quote_service)));
}

Opened OpenSevGuest(const ServerConfig&, const Devices& devices) {
  auto device = devices.control(attester::kSevGuestDevice);
  if (!device) return NoDevice(attester::kSevGuestDevice);
  return std::unique_ptr<Attester>(std::make_unique<attester::SevGuestAttester>(std::move(device)));
}

Opened OpenNsm(const ServerConfig&, const Devices& devices) {
  auto device = devices.control(attester::kNsmDevice);
  if (!device) return NoDevice(attester::kNsmDevice);
  return std::unique_ptr<Attester>(std::make_unique<attester::NsmAttester>(std::move(device)));
}

Result<base::Bytes> ReadOperatorFile(const std::string& path) {
  base::Bytes bytes;
  attester::PosixDeviceFiles files;
  if (files.Read(path, std::size_t{1} << 20, bytes) == 0) return bytes;
  return base::MakeError(base::ErrorKind::kInvalid, "config-file",
                         "cannot be read (or is larger than 1 MiB): " + path);
}

// Taken only by name, so it is not among the ways below.
Opened OpenTpm(const ServerConfig& config) {
  attester::TpmAttesterOptions options;
  if (!config.tpm_tcti.empty()) options.tcti = config.tpm_tcti;
  if (!config.tpm_event_log.empty()) options.event_log = config.tpm_event_log;
  if (!config.tpm_certificates.empty()) {
    BLINDAI_TRY(options.certificates, ReadOperatorFile(config.tpm_certificates).Within("tpm.certificates"));
  }
  return AsAttester(attester::TpmAttester::Open(std::move(options)));
}

// By name only, too: the host is asked over the network.
Opened OpenAzure(const ServerConfig& config) {
  attester::AzureAttesterOptions options;
  options.host = config.azure_host_service;
  while (options.host.ends_with('/')) options.host.pop_back();
  if (!options.host.empty()) {
    BLINDAI_RETURN_IF_ERROR(fetch::ParseUrl(options.host).Within("azure.host_service"));
  }
  if (!config.tpm_event_log.empty()) options.event_log = config.tpm_event_log;
  BLINDAI_TRY(attester::TpmDevice tpm,
              attester::TpmDevice::Open(config.tpm_tcti.empty() ? attester::kTpmDevice : config.tpm_tcti));
  return AsAttester(attester::AzureAttester::Open(std::make_unique<attester::TpmDevice>(std::move(tpm)),
                                                  AskHost, std::move(options)));
}

// One way to evidence, in the order in which "auto" tries them.
struct Way {
  std::string_view platform;
  std::string_view description;
  std::function<Opened(const ServerConfig&, const Devices&)> open;
};

const std::vector<Way>& Ways() {
  static const std::vector<Way> ways = {
      {"sgx", "SGX inside Gramine", OpenGramine},
      {"tdx", "TDX by configfs-tsm",
       [](const ServerConfig&, const Devices& devices) { return OpenConfigfs(devices, TeeKind::kTdx); }},
      {"tdx", "TDX by /dev/tdx_guest", OpenTdxGuest},
      {"snp", "SEV-SNP by configfs-tsm",
       [](const ServerConfig&, const Devices& devices) { return OpenConfigfs(devices, TeeKind::kSnp); }},
      {"snp", "SEV-SNP by /dev/sev-guest", OpenSevGuest},
      {"nitro", "AWS Nitro by /dev/nsm", OpenNsm},
  };
  return ways;
}

}  // namespace

Devices Devices::OfThisMachine() {
  return {[] { return std::make_unique<attester::PosixDeviceFiles>(); },
          [](const std::string& path) -> std::unique_ptr<attester::DeviceControl> {
            auto device = std::make_unique<attester::PosixDeviceControl>();
            if (device->Open(path) != 0) return nullptr;
            return device;
          }};
}

Result<Platform> ChoosePlatform(const ServerConfig& config, const Devices& devices) {
  if (config.platform == "simulation") {
    return Platform{std::make_unique<attester::SimulatedAttester>(), "simulation", "simulation"};
  }
  if (config.platform == "tpm") {
    BLINDAI_TRY(auto tpm, OpenTpm(config).Within("platform \"tpm\""));
    return Platform{std::move(tpm), "tpm", "hardware"};
  }
  if (config.platform == "files") {
    // It can only ever vouch for the old protocols' certificate, so without them it would vouch for nothing.
    if (config.compat.empty()) {
      return base::MakeError(
          base::ErrorKind::kInvalid, "config-value",
          "platform \"files\" is for the old protocols only: name them, as in compat = [\"0.6\"]");
    }
    BLINDAI_TRY(auto files, AsAttester(attester::FilesAttester::Open(devices.files(), config.files_directory))
                                .Within("platform \"files\""));
    return Platform{std::move(files), "files", "hardware"};
  }
  if (config.platform == "azure") {
    BLINDAI_TRY(auto azure, OpenAzure(config).Within("platform \"azure\""));
    return Platform{std::move(azure), "azure", "hardware"};
  }
  std::string looked;
  for (const Way& way : Ways()) {
    if (config.platform != "auto" && config.platform != way.platform) continue;
    Opened opened = way.open(config, devices);
    if (opened.ok()) return Platform{std::move(opened).value(), way.platform, "hardware"};
    looked += fmt::format("\n  {}: {}", way.description, opened.error().message);
  }
  if (looked.empty()) looked = fmt::format("\n  this version has no attester for \"{}\"", config.platform);
  return base::MakeError(base::ErrorKind::kUnavailable, "no-platform",
                         fmt::format("no hardware can vouch for this server (platform = \"{}\"). Looked "
                                     "for:{}\nTo try the server without hardware "
                                     "start it with --simulation; clients must then ask for simulation too.",
                                     config.platform, looked));
}

}  // namespace blindai::server
