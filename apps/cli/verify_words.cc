#include "verify_words.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "attestation/policy/policy_file.h"
#include "client/failure.h"
#include "encoding/hex.h"

namespace blindai::cli {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{16} << 20;

base::Error Wrong(const std::string& word, const std::string& message) {
  return client::ArgumentError("--" + word + ": " + message, word);
}

base::Result<base::Bytes> ReadStream(const std::string& word, std::istream& stream) {
  base::Bytes bytes;
  std::vector<char> part(64 * 1024);
  while (stream.read(part.data(), static_cast<std::streamsize>(part.size())) || stream.gcount() > 0) {
    bytes.insert(bytes.end(), part.begin(), part.begin() + stream.gcount());
    if (bytes.size() > kMaxFileBytes) {
      return base::MakeError(base::ErrorKind::kTooLarge, "too-large",
                             "--" + word + ": the file is larger than 16 MiB");
    }
  }
  return bytes;
}

base::Result<base::Bytes> ReadWholeFile(const std::string& word, const std::string& path) {
  if (path == "-") return ReadStream(word, std::cin);
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  if (!file || std::filesystem::is_directory(path, error)) return Wrong(word, "the file cannot be read");
  return ReadStream(word, file);
}

// Text of hex digits with at most `max_bytes` bytes.
base::Result<base::Bytes> HexWord(const std::string& word, const std::string& text, std::size_t max_bytes) {
  auto bytes = encoding::HexDecode(text);
  if (!bytes.ok() || bytes->empty() || bytes->size() > max_bytes) {
    return Wrong(word, "wanted hex digits, 1 to " + std::to_string(max_bytes) + " bytes");
  }
  return bytes;
}

base::Status ReadEndorsements(const VerifyWords& words, verifier::OfflineQuestion& question) {
  for (const auto& [role, files] : words.endorsements) {
    evidence::NamedBytes entry{role, {}};
    for (const std::string& file : files) {
      BLINDAI_TRY(const base::Bytes bytes, ReadArgument(role, file));
      entry.bytes.insert(entry.bytes.end(), bytes.begin(), bytes.end());
    }
    if (!files.empty()) question.endorsements.push_back(std::move(entry));
  }
  for (const std::string& file : words.roots) {
    BLINDAI_TRY(base::Bytes root, ReadArgument("root", file));
    question.roots.push_back(std::move(root));
  }
  return base::Ok();
}

}  // namespace

const std::vector<EndorsementRole> kEndorsementRoles = {
    {"tcb-info", "SGX, TDX: what Intel says about the patch levels"},
    {"tcb-chain", "SGX, TDX: certificates of who signed it"},
    {"qe-identity", "SGX, TDX: what Intel says about the quoting enclave"},
    {"qe-chain", "SGX, TDX: certificates of who signed it"},
    {"pck-chain", "SGX, TDX: certificates of the platform's key, when the quote has none"},
    {"pck-crl", "SGX, TDX: revocation list of the platform CA"},
    {"root-crl", "SGX, TDX: revocation list of Intel's root"},
    {"crl-chain", "SGX, TDX: certificates of who signed the lists"},
    {"leaf", "SNP: the VCEK or VLEK"},
    {"chain", "SNP: ASK or ASVK, then ARK"},
    {"crl", "SNP: revocation list of AMD's root"},
    {"ak", "TPM: the attestation key or its certificate"},
    {"ak-chain", "TPM: certificates above it"},
    {"event-log", "TPM, TDX: the boot log"},
    {"hardware-report", "TPM: the report that names the key (Azure's HCL report)"},
    {"td-quote", "TPM: the TDX quote over that report"},
};

base::Result<base::Bytes> ReadArgument(const std::string& word, const std::string& argument) {
  const std::size_t mark = argument.rfind('#');
  std::error_code error;
  if (mark == std::string::npos || std::filesystem::exists(argument, error)) {
    return ReadWholeFile(word, argument);
  }
  BLINDAI_TRY(const base::Bytes file, ReadWholeFile(word, argument.substr(0, mark)));
  return verifier::MemberOfJsonFile(file, argument.substr(mark + 1)).Within("--" + word);
}

base::Result<verifier::OfflineQuestion> ToQuestion(const VerifyWords& words, base::Time now,
                                                   std::optional<policy::Policy>& policy) {
  verifier::OfflineQuestion question;
  BLINDAI_TRY(question.file, ReadArgument("evidence", words.evidence));
  question.offset = words.offset;
  BLINDAI_RETURN_IF_ERROR(ReadEndorsements(words, question));
  question.at = now;
  if (words.at) {
    const auto at = base::ParseTime(*words.at);
    if (!at.ok()) return Wrong("at", "wanted a time such as 2026-01-31T12:00:00Z");
    question.at = *at;
  }
  if (words.nonce) {
    BLINDAI_TRY(question.nonce, HexWord("nonce", *words.nonce, 512));
  }
  if (words.report_data) {
    BLINDAI_TRY(const base::Bytes bytes,
                HexWord("report-data", *words.report_data, evidence::ReportData::kSize));
    question.report_data.emplace();
    std::copy(bytes.begin(), bytes.end(), question.report_data->bytes.begin());
  }
  if (words.policy) {
    BLINDAI_TRY(const base::Bytes text, ReadArgument("policy", *words.policy));
    BLINDAI_TRY(policy, policy::ParsePolicy(base::AsText(text)));
    question.policy = &*policy;
  }
  question.allow_simulation =
      words.simulation ? verifier::AllowSimulation::kYes : verifier::AllowSimulation::kNo;
  return question;
}

}  // namespace blindai::cli
