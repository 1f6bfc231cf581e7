#include "attestation/attester/simulated.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "attestation/evidence/simulated_evidence.h"
#include "attestation/evidence/simulation_root.h"

namespace blindai::attester {
namespace {

evidence::SimulatedEvidence Attested(std::uint8_t fill) {
  evidence::ReportData report_data;
  report_data.bytes.fill(fill);
  const auto bundle = SimulatedAttester().Attest(report_data, std::chrono::steady_clock::now());
  EXPECT_EQ(bundle->tee, evidence::TeeKind::kSimulated);
  return *evidence::ParseSimulatedEvidence(bundle->evidence);
}

TEST(SimulatedAttester, PutsTheReportDataIntoTheEvidence) {
  evidence::ReportData wanted;
  wanted.bytes.fill(0x5a);
  EXPECT_EQ(Attested(0x5a).report_data, wanted);
  EXPECT_EQ(Attested(0x5a).measurement, evidence::MeasurementOfSimulatedServer());
}

TEST(SimulatedAttester, IsDeterministic) { EXPECT_EQ(Attested(7).Encode(), Attested(7).Encode()); }

TEST(SimulatedAttester, TheCompiledInPairBelongsTogether) {
  const evidence::SimulatedEvidence evidence = Attested(1);
  base::Bytes spki = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  spki.insert(spki.end(), evidence::kSimulationRootPublicKey.begin(),
              evidence::kSimulationRootPublicKey.end());
  EXPECT_TRUE(
      crypto::PublicKey::FromSpkiDer(spki)->VerifyEd25519(evidence.SignedBytes(), evidence.signature.view()));
}

}  // namespace
}  // namespace blindai::attester
