// A machine with a real TPM 2.0 (swtpm), a CA of its own that vouches for the TPM's attestation key, and a folder with
// what a server and a client on it need: ak.pem, ca.pem, other-ca.pem (a CA that vouched for nothing), policies.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "server_program.h"
#include "support/swtpm.h"

namespace blindai::tests {

class TpmMachine {
 public:
  // Null: no swtpm here; skip with kNoSwtpm.
  static base::Result<std::unique_ptr<TpmMachine>> Start();
  ~TpmMachine();
  TpmMachine(const TpmMachine&) = delete;
  TpmMachine& operator=(const TpmMachine&) = delete;

  const Swtpm& tpm() const { return tpm_; }
  const std::string& folder() const { return folder_; }
  std::string File(const std::string& name) const { return folder_ + "/" + name; }
  // Writes a policy that wants this value of PCR 12, 64 hex digits; its file.
  std::string Policy(const std::string& pcr_hex) const;
  // The TPM's socket serves one program at a time: nothing else may talk to it from here on.
  base::Result<std::unique_ptr<ServerProgram>> StartServer() const;

 private:
  explicit TpmMachine(Swtpm tpm);
  base::Status Certify() const;

  Swtpm tpm_;
  std::string folder_;
};

}  // namespace blindai::tests
