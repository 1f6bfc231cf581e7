#include "attestation/evidence/evidence.h"

#include <string>

namespace blindai::evidence {
namespace {

TeeKind KindOfParsed(const SimulatedEvidence&) { return TeeKind::kSimulated; }
TeeKind KindOfParsed(const SnpReport&) { return TeeKind::kSnp; }
TeeKind KindOfParsed(const NitroDocument&) { return TeeKind::kNitro; }
TeeKind KindOfParsed(const TpmEvidence&) { return TeeKind::kTpm; }
TeeKind KindOfParsed(const DcapQuote& quote) { return quote.tee; }

// A quote of the kind that was named: SGX and TDX share the format.
base::Result<DcapQuote> ParseQuoteOf(TeeKind kind, base::ByteView bytes) {
  BLINDAI_TRY(DcapQuote quote, ParseDcapQuote(bytes));
  if (quote.tee != kind) {
    return base::Malformed("the quote is of kind " + std::string(TeeName(quote.tee)) + ", wanted " +
                           std::string(TeeName(kind)));
  }
  return quote;
}

// The same result as one of the variant, an error with the kind in front.
template <typename T>
base::Result<Evidence> AsEvidence(base::Result<T> parsed, TeeKind kind) {
  if (!parsed.ok()) return std::move(parsed).error().Within(std::string(TeeName(kind)) + " evidence");
  return Evidence(std::move(parsed).value());
}

}  // namespace

base::Result<Evidence> ParseEvidence(TeeKind kind, base::ByteView bytes) {
  if (bytes.size() > kMaxEvidenceBytes) {
    return base::MakeError(base::ErrorKind::kTooLarge, "too-large",
                           "evidence: seen " + std::to_string(bytes.size()) + " bytes, wanted at most " +
                               std::to_string(kMaxEvidenceBytes));
  }
  switch (kind) {
    case TeeKind::kSimulated:
      return AsEvidence(ParseSimulatedEvidence(bytes), kind);
    case TeeKind::kSnp:
      return AsEvidence(ParseSnpReport(bytes), kind);
    case TeeKind::kNitro:
      return AsEvidence(ParseNitroDocument(bytes), kind);
    case TeeKind::kTpm:
      return AsEvidence(ParseTpmEvidence(bytes), kind);
    case TeeKind::kSgx:
    case TeeKind::kTdx:
      return AsEvidence(ParseQuoteOf(kind, bytes), kind);
  }
  return base::MakeError(base::ErrorKind::kUnsupported, "tee-unsupported",
                         "this build cannot read evidence of kind " + std::string(TeeName(kind)));
}

TeeKind KindOf(const Evidence& evidence) {
  return std::visit([](const auto& parsed) { return KindOfParsed(parsed); }, evidence);
}

}  // namespace blindai::evidence
