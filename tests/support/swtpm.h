// A real TPM 2.0 in software (Debian's swtpm) in a folder of its own: manufactured with an endorsement key
// certificate from its own CA, reached by a socket in that folder, ended by its process id.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace blindai::tests {

constexpr const char* kNoSwtpm = "SKIPPED: swtpm is not installed (packages swtpm, swtpm-tools)";

class Swtpm {
 public:
  // Nothing when swtpm is not installed: skip with kNoSwtpm. `manufacture` makes the certificates, which
  // takes seconds.
  static std::optional<Swtpm> Start(bool manufacture = false);

  Swtpm(Swtpm&& other) noexcept;
  Swtpm& operator=(Swtpm&&) = delete;
  ~Swtpm();

  // For TpmDevice::Open.
  std::string tcti() const;
  // Defines an NV index with this content, readable by everybody or, as clouds have it, with the owner's authorization.
  // False when the TPM refused.
  bool DefineNv(std::uint32_t index, base::ByteView content, bool by_owner) const;
  // Makes a restricted RSA 2048 signing key (RSASSA, SHA-256) and keeps it at this persistent handle, as clouds do. Its
  // modulus, or nothing when the TPM refused.
  std::optional<base::Bytes> PersistSigningKey(std::uint32_t handle) const;
  // The CA that signed the endorsement key's certificate, and its root; PEM.
  base::Bytes CaCertificates() const;

 private:
  explicit Swtpm(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path folder_;
  int pid_ = 0;
};

}  // namespace blindai::tests
