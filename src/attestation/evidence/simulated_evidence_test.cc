#include "attestation/evidence/simulated_evidence.h"

#include <gtest/gtest.h>

namespace blindai::evidence {
namespace {

SimulatedEvidence Sample() {
  SimulatedEvidence evidence;
  evidence.measurement = MeasurementOfSimulatedServer();
  evidence.report_data.bytes.fill(0xab);
  evidence.signature.bytes.fill(0xcd);
  return evidence;
}

TEST(SimulatedEvidence, DecodeThenEncodeGivesTheSameBytes) {
  const base::Bytes bytes = Sample().Encode();
  ASSERT_EQ(bytes.size(), kSimulatedEvidenceSize);
  EXPECT_EQ(Sample().SignedBytes().size(), kSimulatedSignedSize);
  const auto parsed = ParseSimulatedEvidence(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->Encode(), bytes);
  EXPECT_EQ(parsed->report_data, Sample().report_data);
  EXPECT_EQ(parsed->measurement, MeasurementOfSimulatedServer());
}

TEST(SimulatedEvidence, EveryTruncationIsAnErrorThatNamesTheField) {
  const base::Bytes bytes = Sample().Encode();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto parsed = ParseSimulatedEvidence(base::ByteView(bytes).first(size));
    ASSERT_FALSE(parsed.ok()) << size;
    EXPECT_NE(parsed.error().message.find(':'), std::string::npos) << size;
  }
}

TEST(SimulatedEvidence, ATailIsRefused) {
  base::Bytes bytes = Sample().Encode();
  bytes.push_back(0);
  EXPECT_FALSE(ParseSimulatedEvidence(bytes).ok());
}

TEST(SimulatedEvidence, AnotherVersionIsSaidPlainly) {
  base::Bytes bytes = Sample().Encode();
  bytes[8] = 2;
  const auto parsed = ParseSimulatedEvidence(bytes);
  EXPECT_EQ(parsed.error().code, "evidence-version");
  EXPECT_EQ(parsed.error().message, "version: seen 2, wanted 1");
}

TEST(SimulatedEvidence, TheLabelAndTheReservedFieldsAreFixed) {
  for (std::size_t offset : {std::size_t{0}, std::size_t{12}, std::size_t{43}, std::size_t{44},
                             std::size_t{160}, std::size_t{207}}) {
    base::Bytes bytes = Sample().Encode();
    bytes[offset] ^= 1;
    EXPECT_FALSE(ParseSimulatedEvidence(bytes).ok()) << offset;
  }
}

TEST(SimulatedEvidence, TheMeasurementReadsAsText) {
  const SimulatedMeasurement measurement = MeasurementOfSimulatedServer();
  EXPECT_EQ(base::AsText(measurement.view()).substr(0, 38), "blindai simulated server: not measured");
}

}  // namespace
}  // namespace blindai::evidence
