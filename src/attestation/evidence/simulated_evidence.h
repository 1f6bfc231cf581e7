// Simulated evidence: the same road as hardware evidence, from attester to verdict, without hardware. It is
// signed by a key that is compiled into every blindai (simulation_root.h), so it proves nothing, and it is
// made so that it cannot pass for anything else: its own magic, a label that says so in words, and a root
// that no vendor has. Every policy refuses it (code simulation); with the client's explicit permission the
// verdict is `simulation`, never `trusted`.
//
// 272 bytes:
//     0   8  magic "BLNDSIM" and a zero byte
//     8   4  version, little-endian, 1
//    12  32  label "SIMULATION - PROVES NOTHING", zero padded
//    44   4  reserved, zero
//    48  48  measurement
//    96  64  report data
//   160  48  reserved, zero
//   208  64  Ed25519 signature of bytes 0 to 207 by the simulation root
#pragma once

#include "attestation/evidence/measurement.h"
#include "attestation/evidence/report_data.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

inline constexpr std::size_t kSimulatedEvidenceSize = 272;
inline constexpr std::size_t kSimulatedSignedSize = 208;

struct SimulatedEvidence {
  using Signature = base::FixedBytes<64, struct SimulatedSignatureTag>;

  SimulatedMeasurement measurement;
  ReportData report_data;
  Signature signature;

  // The bytes under the signature, rebuilt: parsing is strict, so they are the bytes that were read.
  base::Bytes SignedBytes() const;
  base::Bytes Encode() const;
};

// Exactly 272 bytes of the layout above. Codes: malformed, evidence-version.
base::Result<SimulatedEvidence> ParseSimulatedEvidence(base::ByteView bytes);

// What a simulated server reports as its measurement: a fixed value that reads as text, the same on every
// machine.
SimulatedMeasurement MeasurementOfSimulatedServer();

}  // namespace blindai::evidence
