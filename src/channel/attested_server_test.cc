#include "channel/attested_server.h"

#include <gtest/gtest.h>

namespace blindai::channel {
namespace {

constexpr base::Time kNow{std::chrono::seconds{1'800'000'000}};

ServerIdentity MakeIdentity() {
  IdentityOptions options;
  options.now = kNow;
  options.manifest = "{}";
  return *ServerIdentity::Make(options);
}

// An exporter that gives back what it was asked for.
base::Result<std::array<std::uint8_t, 32>> ExportDigest(std::string_view label, base::ByteView context) {
  base::Bytes input(label.begin(), label.end());
  input.insert(input.end(), context.begin(), context.end());
  return crypto::Sha256(input).bytes;
}

// An attester whose evidence is the report data itself.
base::Result<evidence::EvidenceBundle> Echo(const evidence::ReportData& report_data) {
  return evidence::EvidenceBundle{evidence::TeeKind::kSimulated, base::CopyBytes(report_data.view()), {}};
}

TEST(AttestedServer, AsksTheConnectionForTheExporterOfThisNonce) {
  Nonce nonce;
  nonce.bytes.fill(7);
  const auto value = ExportFor(ExportDigest, nonce);
  EXPECT_EQ(value->bytes, *ExportDigest("EXPORTER-blindai-attestation", nonce.view()).operator->());
}

TEST(AttestedServer, AttestsTheStatementThatItHandsOut) {
  const ServerIdentity identity = MakeIdentity();
  Nonce nonce;
  nonce.bytes.fill(7);
  const auto answer = AnswerAttestation(identity, nonce, ExportDigest, Echo);
  const ExporterValue exporter = *ExportFor(ExportDigest, nonce);
  const Binding binding{nonce, exporter, identity.key_sha256(),
                        crypto::Sha256(base::AsBytes(identity.keyset())),
                        crypto::Sha256(base::AsBytes("{}"))};
  EXPECT_EQ(answer->bundle.evidence, base::CopyBytes(binding.ToReportData().view()));
  EXPECT_EQ(answer->statement.exporter_sha256, crypto::Sha256(exporter.view()));
  EXPECT_EQ(answer->keyset, identity.keyset());
  EXPECT_EQ(answer->manifest, "{}");
}

TEST(AttestedServer, ALostConnectionGivesNoAnswer) {
  const Exporter lost = [](std::string_view, base::ByteView) -> base::Result<std::array<std::uint8_t, 32>> {
    return base::MakeError(base::ErrorKind::kCancelled, "connection-lost", "the connection ended");
  };
  EXPECT_EQ(AnswerAttestation(MakeIdentity(), Nonce{}, lost, Echo).error().code, "connection-lost");
}

TEST(AttestedServer, AFailingAttesterGivesNoAnswer) {
  const Attest busy = [](const evidence::ReportData&) -> base::Result<evidence::EvidenceBundle> {
    return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable", "the device is busy");
  };
  EXPECT_EQ(AnswerAttestation(MakeIdentity(), Nonce{}, ExportDigest, busy).error().code,
            "attester-unavailable");
}

}  // namespace
}  // namespace blindai::channel
