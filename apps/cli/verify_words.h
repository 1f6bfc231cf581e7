// The words of `blindai verify`, and the question that they ask. Reading files is here, judging is
// verifier/offline.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attestation/policy/policy.h"
#include "attestation/verifier/offline.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::cli {

// The endorsements that can be named on the command line: `--tcb-info FILE` and so on.
struct EndorsementRole {
  const char* name;
  const char* help;
};
extern const std::vector<EndorsementRole> kEndorsementRoles;

struct VerifyWords {
  std::string evidence;
  std::uint64_t offset = 0;
  std::map<std::string, std::vector<std::string>> endorsements;  // by role; several files are joined
  std::vector<std::string> roots;
  std::optional<std::string> at;
  std::optional<std::string> nonce;
  std::optional<std::string> report_data;
  std::optional<std::string> policy;
  bool simulation = false;
  bool json = false;
  bool explain = false;
};

// The bytes of FILE, of `-` (standard input), or of the member `field` of FILE.json#field. `word` names the option in
// errors. Codes: argument, too-large, and those of verifier::MemberOfJsonFile.
base::Result<base::Bytes> ReadArgument(const std::string& word, const std::string& argument);

// The question with everything read. `policy` holds the policy that it points to.
base::Result<verifier::OfflineQuestion> ToQuestion(const VerifyWords& words, base::Time now,
                                                   std::optional<policy::Policy>& policy);

}  // namespace blindai::cli
