#include "server/storage.h"

#include <fmt/format.h>

#include <utility>

#include "attestation/attester/sealing_key.h"
#include "attestation/attester/sev_guest.h"
#include "base/log_event.h"

namespace blindai::server {
namespace {

using attester::SealingKey;
using base::ErrorKind;
using base::MakeError;
using base::Result;

base::Error NoKey(std::string why) {
  return MakeError(ErrorKind::kUnavailable, "no-sealing-key",
                   std::move(why) + "; without storage.directory models live in memory only");
}

Result<SealingKey> KeyOf(const ServerConfig& config, const Platform& platform, const Devices& devices) {
  const bool by_signer = config.storage_seal_to == "signer";
  if (platform.name == "sgx") {
    const auto files = devices.files();
    return attester::GramineSealingKey(
        *files, by_signer ? attester::SealTo::kSigner : attester::SealTo::kMeasurement);
  }
  if (by_signer) return NoKey("storage.seal_to = \"signer\" is for SGX only");
  if (platform.name == "snp") {
    const auto device = devices.control(attester::kSevGuestDevice);
    if (!device)
      return NoKey(fmt::format("{} is not there, which gives the chip's key", attester::kSevGuestDevice));
    return attester::SevSealingKey(*device);
  }
  if (platform.name == "simulation")
    return attester::SoftwareSealingKey(config.storage_directory + "/simulation.key");
  return NoKey(fmt::format("the platform \"{}\" gives no key that only this program gets", platform.name));
}

}  // namespace

Result<Store> OpenStore(const ServerConfig& config, const Platform& platform, const Devices& devices) {
  if (config.storage_directory.empty()) return Store{};
  auto files = model::PosixStoreFiles::Open(config.storage_directory);
  if (!files.ok()) return std::move(files).error().Within("storage.directory");
  Result<SealingKey> key = KeyOf(config, platform, devices);
  if (!key.ok()) return std::move(key).error().Within("storage.directory");
  Store store;
  store.sealed_by = key->source;
  store.models = model::ModelStore::Open(
      std::move(*files), std::move(key->key),
      {.max_bytes = config.storage_bytes, .max_model_bytes = config.model_bytes, .counter = nullptr});
  if (const auto refusal = store.models->refusal()) {
    base::LogEvent("store-refuses")
        .OperatorText("code", refusal->code)
        .OperatorText("why", refusal->message)
        .Emit();
  }
  return store;
}

}  // namespace blindai::server
