#include "attestation/verifier/simulated.h"

#include <algorithm>
#include <string>

#include "attestation/evidence/simulation_root.h"
#include "crypto/signing_key.h"
#include "encoding/hex.h"

namespace blindai::verifier {
namespace {

// SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 section 4): this and 32 bytes.
constexpr std::array<std::uint8_t, 12> kEd25519Spki = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                       0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

crypto::PublicKey SimulationRoot() {
  base::Bytes spki(kEd25519Spki.begin(), kEd25519Spki.end());
  spki.insert(spki.end(), evidence::kSimulationRootPublicKey.begin(),
              evidence::kSimulationRootPublicKey.end());
  auto key = crypto::PublicKey::FromSpkiDer(spki);
  BLINDAI_CHECK(key.ok());
  return std::move(key).value();
}

}  // namespace

std::optional<SimulatedFacts> AuthenticateSimulated(const evidence::SimulatedEvidence& evidence,
                                                    const endorsements::Endorsements&, const TrustAnchors&,
                                                    base::Time, FindingList& findings) {
  findings.Require({"simulated signature", "simulated measurement"});
  const bool signature = findings.Check(
      "bad-signature", "simulated signature",
      SimulationRoot().VerifyEd25519(evidence.SignedBytes(), evidence.signature.view()),
      "Ed25519 by the simulation root, a key that everybody has", "a signature of the simulation root",
      "the evidence was altered, or made by something that is not blindai");
  const bool measurement = findings.Check("measurement", "simulated measurement",
                                          evidence.measurement == evidence::MeasurementOfSimulatedServer(),
                                          encoding::HexEncode(evidence.measurement.view()),
                                          "the fixed value of a simulated server",
                                          "the evidence was made by something that is not blindai");
  if (!signature || !measurement) return std::nullopt;
  return SimulatedFacts{evidence};
}

Claims DescribeFacts(const SimulatedFacts& facts) {
  return {{"hardware", "none: this is a simulation and proves nothing about the machine"},
          {"measurement", encoding::HexEncode(facts.evidence.measurement.view())},
          {"report_data", encoding::HexEncode(facts.evidence.report_data.view())}};
}

base::ByteView BoundData(const SimulatedFacts& facts) { return facts.evidence.report_data.view(); }

}  // namespace blindai::verifier
