// rooms: base attestation/evidence
// The law: what was read writes back to the bytes that were read.
#include "attestation/evidence/tpm_quote.h"
#include "base/check.h"

using blindai::base::ByteView;
using namespace blindai::evidence;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  (void)ParseTpmAttest(input);
  (void)ParseTpmSignature(input);
  (void)ParseTpmPublic(input);
  const auto evidence = ParseTpmEvidence(input);
  if (evidence.ok()) {
    const auto again =
        ParseTpmEvidence(SerializeTpmEvidence(evidence->attest.raw, evidence->signature.raw, evidence->pcrs));
    BLINDAI_CHECK(again.ok() && again->attest.raw == evidence->attest.raw &&
                  again->pcrs.size() == evidence->pcrs.size());
  }
  return 0;
}
