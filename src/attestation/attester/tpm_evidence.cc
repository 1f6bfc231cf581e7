#include "attestation/attester/tpm_evidence.h"

#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "crypto/digest.h"

namespace blindai::attester {
namespace {

using base::Bytes;
using evidence::TpmPcrValue;

// PCRs may change between reading and quoting (an update, a driver): then both are done again.
constexpr int kAttempts = 5;
// A log over the verifier's bound would only be refused.
constexpr std::size_t kMaxEventLog = 1 << 20;

base::Error Unavailable(std::string message) {
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable", "TPM: " + std::move(message));
}

bool DigestFits(const evidence::TpmAttest& attest, const std::vector<TpmPcrValue>& pcrs,
                crypto::HashAlgorithm hash) {
  Bytes concatenated;
  for (const TpmPcrValue& pcr : pcrs)
    concatenated.insert(concatenated.end(), pcr.digest.begin(), pcr.digest.end());
  return crypto::Hash(hash, concatenated) == attest.pcr_digest;
}

base::Result<crypto::HashAlgorithm> HashOf(const evidence::TpmSignature& signature) {
  switch (signature.hash) {
    case evidence::TpmAlgorithm::kSha256:
      return crypto::HashAlgorithm::kSha256;
    case evidence::TpmAlgorithm::kSha384:
      return crypto::HashAlgorithm::kSha384;
    case evidence::TpmAlgorithm::kSha512:
      return crypto::HashAlgorithm::kSha512;
    default:
      return Unavailable("the key signs with a hash that no verifier accepts");
  }
}

}  // namespace

base::Result<Bytes> QuotePcrs(Tpm& tpm, const evidence::ReportData& report_data, evidence::TpmAlgorithm bank,
                              std::uint32_t pcrs, Attester::Deadline deadline) {
  const auto nonce = crypto::Sha256(report_data.view());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (std::chrono::steady_clock::now() > deadline) {
      return base::MakeError(base::ErrorKind::kUnavailable, "attester-deadline",
                             "TPM: the quote took too long; try again");
    }
    BLINDAI_TRY(const std::vector<TpmPcrValue> values, tpm.ReadPcrs(bank, pcrs));
    BLINDAI_TRY(const Tpm::Quote quote, tpm.MakeQuote(nonce.view(), bank, pcrs));
    const auto attest = evidence::ParseTpmAttest(quote.attest);
    const auto signature = evidence::ParseTpmSignature(quote.signature);
    // What the TPM gives is never the client's mistake.
    if (!attest.ok()) return Unavailable("gave a quote that cannot be read: " + attest.error().message);
    if (!signature.ok())
      return Unavailable("gave a signature that cannot be read: " + signature.error().message);
    BLINDAI_TRY(const crypto::HashAlgorithm hash, HashOf(*signature));
    if (DigestFits(*attest, values, hash))
      return evidence::SerializeTpmEvidence(quote.attest, quote.signature, values);
  }
  return Unavailable("the PCRs change all the time");
}

std::optional<Bytes> ReadEventLog(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  Bytes log{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (log.empty() || log.size() > kMaxEventLog) return std::nullopt;
  return log;
}

}  // namespace blindai::attester
