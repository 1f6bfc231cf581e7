// The server's half of the attested channel: makes the answer for one connection. The exporter value is asked
// from that connection itself; there is no way to pass one that came from a message.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>

#include "attestation/evidence/evidence_bundle.h"
#include "attestation/evidence/report_data.h"
#include "base/result.h"
#include "channel/attestation_answer.h"
#include "channel/binding.h"
#include "channel/server_identity.h"

namespace blindai::channel {

// The exporter of a TLS connection, 32 bytes: net::ConnectionFacts::exporter as it is.
using Exporter =
    std::function<base::Result<std::array<std::uint8_t, 32>>(std::string_view label, base::ByteView context)>;
// The attester, with the deadline of this request bound into it.
using Attest = std::function<base::Result<evidence::EvidenceBundle>(const evidence::ReportData& report_data)>;

// Codes: those of the exporter and of the attester.
base::Result<AttestationAnswer> AnswerAttestation(const ServerIdentity& identity, const Nonce& nonce,
                                                  const Exporter& exporter, const Attest& attest);

// The exporter value for this nonce, for both ends. Codes: those of the exporter.
base::Result<ExporterValue> ExportFor(const Exporter& exporter, const Nonce& nonce);

}  // namespace blindai::channel
