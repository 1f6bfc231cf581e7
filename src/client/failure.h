// What went wrong for a caller of the client, in the four sorts that it can act on. Errors are base::Error
// with the stable codes of docs/formats/errors.md; this says which sort one is, so that Python raises the
// right exception and the command line gives the right exit code.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace blindai::client {

enum class FailureKind {
  kArgument,     // the caller's own words are wrong: an address, a model id, a tensor that contradicts itself
  kAttestation,  // the server is not what it must be, or could not prove it; nothing was sent.
                 // Client::verdict() says why
  kConnection,   // no connection, a lost one, a time limit, or a part of the server that is not there now
  kQuota,        // a queue or a quota is full; later may work
  kAccess,       // the API key is missing, unknown or not allowed to do this
  kModel,        // the server refused or failed the request: unknown model, wrong shape, …
};

FailureKind FailureOf(const base::Error& error);
std::string_view FailureName(FailureKind kind);  // "attestation"

// Codes that the client itself gives.
inline constexpr std::string_view kAttestationRefused = "attestation-refused";  // the verdict is refused
inline constexpr std::string_view kAttestationUndecided =
    "attestation-undecided";  // something could not be checked
inline constexpr std::string_view kAttestationAnswer = "attestation-answer";  // no answer that could be read
inline constexpr std::string_view kArgumentCode = "argument";                 // ArgumentError
inline constexpr std::string_view kNoServer = "no-server";                    // nobody said which server

// The caller's own words are wrong; `param` names which.
base::Error ArgumentError(std::string message, std::string param = {});

}  // namespace blindai::client
