// A verdict in plain sentences: what was established, by whom, and what is missing (`blindai verify
// --explain`).
#pragma once

#include <string>

#include "attestation/verifier/verdict.h"

namespace blindai::verifier {

std::string Explain(const Verdict& verdict);

}  // namespace blindai::verifier
