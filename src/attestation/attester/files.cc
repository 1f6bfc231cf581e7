#include "attestation/attester/files.h"

#include <fmt/format.h>

#include <utility>

#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/dcap_quote.h"

namespace blindai::attester {
namespace {

namespace name = endorsements::name;
using base::Result;

constexpr std::string_view kQuoteFile = "quote.bin";

// An endorsement and the files that it consists of, in order.
struct Part {
  std::string_view role;
  std::string_view first;
  std::string_view second = {};
};
constexpr Part kParts[] = {
    {name::kTcbInfo, "tcb_info"},
    {name::kTcbChain, "tcb_info_issuer_chain"},
    {name::kQeIdentity, "qe_identity"},
    {name::kQeChain, "qe_identity_issuer_chain"},
    {name::kPckCrl, "pck_crl"},
    {name::kRootCrl, "root_ca_crl"},
    {name::kCrlChain, "pck_crl_issuer_chain"},
    {name::kPckChain, "pck_certificate", "pck_signing_chain"},
};

base::Error Unavailable(std::string message) {
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable", std::move(message));
}

Result<evidence::DcapQuote> ParseSgxQuote(base::ByteView bytes) {
  BLINDAI_TRY(evidence::DcapQuote quote, evidence::ParseDcapQuote(bytes).Within(kQuoteFile));
  if (quote.sgx() == nullptr) return base::Malformed("quote.bin: is not of an SGX enclave");
  return quote;
}

}  // namespace

Result<std::unique_ptr<FilesAttester>> FilesAttester::Open(std::unique_ptr<DeviceFiles> files,
                                                           std::string directory) {
  std::unique_ptr<FilesAttester> attester(new FilesAttester(std::move(files), std::move(directory)));
  const Result<base::Bytes> quote = attester->ReadPart(kQuoteFile);
  if (!quote.ok()) {
    return base::MakeError(base::ErrorKind::kUnavailable, "no-device",
                           "the directory of files.directory has no readable quote.bin");
  }
  BLINDAI_RETURN_IF_ERROR(ParseSgxQuote(*quote));
  return attester;
}

Result<base::Bytes> FilesAttester::ReadPart(std::string_view file) const {
  base::Bytes bytes;
  const int error =
      files_->Read(fmt::format("{}/{}", directory_, file), endorsements::kMaxEndorsementBytes, bytes);
  if (error == 0) return bytes;
  return Unavailable(fmt::format("evidence from files: {} cannot be read (errno {})", file, error));
}

Result<evidence::EvidenceBundle> FilesAttester::Attest(const evidence::ReportData& report_data, Deadline) {
  evidence::EvidenceBundle bundle{kind(), {}, {}};
  BLINDAI_TRY(bundle.evidence, ReadPart(kQuoteFile));
  BLINDAI_TRY(const evidence::DcapQuote quote, ParseSgxQuote(bundle.evidence));
  if (!(quote.report_data() == report_data)) {
    return Unavailable(
        "this server has evidence from files, for the certificate of its BlindAI 0.5 and 0.6 ports only; it "
        "cannot "
        "vouch for anything else");
  }
  for (const Part& part : kParts) {
    BLINDAI_TRY(base::Bytes bytes, ReadPart(part.first));
    if (!part.second.empty()) {
      BLINDAI_TRY(const base::Bytes more, ReadPart(part.second));
      bytes.insert(bytes.end(), more.begin(), more.end());
    }
    bundle.endorsements.push_back({std::string(part.role), std::move(bytes)});
  }
  return bundle;
}

}  // namespace blindai::attester
