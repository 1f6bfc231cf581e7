#include "attestation/attester/simulated.h"

#include <algorithm>

#include "attestation/evidence/simulated_evidence.h"
#include "attestation/evidence/simulation_root.h"
#include "base/check.h"
#include "base/secret.h"
#include "encoding/pem.h"

namespace blindai::attester {
namespace {

// PrivateKeyInfo of an Ed25519 key (RFC 8410 section 7): this and the 32 bytes of the seed.
constexpr std::array<std::uint8_t, 16> kEd25519PrivateKeyInfo = {
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

crypto::SigningKey SimulationRootKey() {
  base::Bytes der(kEd25519PrivateKeyInfo.begin(), kEd25519PrivateKeyInfo.end());
  der.insert(der.end(), evidence::kSimulationRootPublishedPrivateKey.begin(),
             evidence::kSimulationRootPublishedPrivateKey.end());
  const std::string pem = encoding::PemEncode("PRIVATE KEY", der);
  auto key = crypto::SigningKey::FromPem(base::SecretBytes::CopyOf(base::AsBytes(pem)));
  BLINDAI_CHECK(key.ok());
  return std::move(key).value();
}

}  // namespace

SimulatedAttester::SimulatedAttester() : key_(SimulationRootKey()) {}

base::Result<evidence::EvidenceBundle> SimulatedAttester::Attest(const evidence::ReportData& report_data,
                                                                 Deadline) {
  evidence::SimulatedEvidence simulated;
  simulated.measurement = evidence::MeasurementOfSimulatedServer();
  simulated.report_data = report_data;
  const base::Bytes signature = key_.SignEd25519(simulated.SignedBytes());
  BLINDAI_CHECK(signature.size() == simulated.signature.bytes.size());
  std::copy(signature.begin(), signature.end(), simulated.signature.bytes.begin());
  return evidence::EvidenceBundle{kind(), simulated.Encode(), {}};
}

}  // namespace blindai::attester
