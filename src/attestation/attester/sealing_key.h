// The key for what outlives the process: stored models. The platform derives it for this program and gives it to
// nobody else, so a disk that is copied, or a machine that runs other software, opens nothing. It is made anew at each
// start and never written down.
//
//   SGX     EGETKEY by Gramine, 128 bits: bound to this enclave's measurement, or to its signer (then a new version
//           of the program opens it too, and so does everything else of that signer)
//   SEV-SNP a key of the chip (MSG_KEY_REQ, SEV-SNP ABI section 7.2): bound to measurement and guest policy
//   TDX, Nitro, Azure   have no such key: nothing can be stored there
//   simulation          a file that anybody can copy: it protects nothing
//
// A key may change with the platform's firmware, because SGX mixes in the processor's security version and the chip key
// of SEV-SNP may depend on the firmware's: what was stored then cannot be opened, and its owner uploads it again.
#pragma once

#include <string>
#include <string_view>

#include "attestation/attester/device_files.h"
#include "attestation/attester/gramine.h"
#include "base/result.h"
#include "base/secret.h"

namespace blindai::attester {

inline constexpr std::size_t kSealingKeyBytes = 32;

struct SealingKey {
  base::SecretBytes key;    // kSealingKeyBytes
  std::string_view source;  // "sgx-mrenclave", "sgx-mrsigner", "snp-measurement", "software-file"
};

// Who gets the same key.
enum class SealTo { kMeasurement, kSigner };

// Codes: sealing-key-unavailable (the device failed, or gave something that is no key).
base::Result<SealingKey> GramineSealingKey(DeviceFiles& files, SealTo to,
                                           const std::string& root = kGramineRoot);
// Codes: sealing-key-unavailable.
base::Result<SealingKey> SevSealingKey(DeviceControl& device);

// Only for simulation: 32 random bytes in a file that only its owner can read, made when it is not there. Codes:
// sealing-key-file (it cannot be made or read, or is not such a file).
base::Result<SealingKey> SoftwareSealingKey(const std::string& path);

// A key from a platform's secret (HKDF-SHA256); `source` keeps the platforms apart. For the functions above and for
// tests that stand in for a platform.
SealingKey SealingKeyFrom(base::ByteView secret, std::string_view source);

// The structures of MSG_KEY_REQ as the kernel lays them out; public for the tests' model of the device.
namespace sev_guest {

inline constexpr unsigned long kGetDerivedKey = 0xC0205301;
inline constexpr std::uint64_t kMixGuestPolicy = 1 << 0;
inline constexpr std::uint64_t kMixMeasurement = 1 << 3;

struct DerivedKeyRequest {
  std::uint32_t root_key_select = 0;  // the chip's key (VCEK)
  std::uint32_t reserved = 0;
  std::uint64_t guest_field_select = 0;
  std::uint32_t vmpl = 0;
  std::uint32_t guest_svn = 0;
  std::uint64_t tcb_version = 0;
};
static_assert(sizeof(DerivedKeyRequest) == 32);

// Status, 28 reserved bytes, key.
inline constexpr std::size_t kDerivedKeyResponseBytes = 64;

}  // namespace sev_guest
}  // namespace blindai::attester
