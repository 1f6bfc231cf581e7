// The kinds of evidence that blindai knows. A name is what stands in policy files, in the attestation answer
// and in verdicts. The kind is fixed by the policy of whoever judges: what a message says about its own kind
// is only a request to be parsed that way, and a policy that does not accept the kind refuses (code
// tee-not-accepted).
#pragma once

#include <optional>
#include <string_view>

namespace blindai::evidence {

enum class TeeKind {
  kSimulated,  // "simulated": a key that everybody has; proves nothing
  kSgx,        // "sgx": an enclave, by a DCAP quote
  kTdx,        // "tdx": a virtual machine, by a DCAP quote
  kSnp,        // "snp": a virtual machine, by an attestation report
  kTpm,    // "tpm": a machine's boot, by a TPM quote; over SNP or TDX when a hardware report names the key
  kNitro,  // "nitro": an AWS enclave, by a signed document
};

std::string_view TeeName(TeeKind kind);
std::optional<TeeKind> TeeFromName(std::string_view name);

}  // namespace blindai::evidence
