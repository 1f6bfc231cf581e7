// What every attester with a TPM does: a quote over PCRs whose values come along, and the boot's event log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "attestation/attester/attester.h"
#include "attestation/attester/tpm_device.h"

namespace blindai::attester {

// blindai's container (evidence/tpm_quote.h) of a quote by the TPM's attestation key whose nonce is the SHA-256 of the
// report data. The PCR values are read before the quote; when one has changed in between, both are done again, a few
// times. Codes: attester-unavailable, attester-deadline.
base::Result<base::Bytes> QuotePcrs(Tpm& tpm, const evidence::ReportData& report_data,
                                    evidence::TpmAlgorithm bank, std::uint32_t pcrs,
                                    Attester::Deadline deadline);

// Nothing when it is not there, empty, or larger than a verifier reads. securityfs gives no size, so the file is read
// to its end.
std::optional<base::Bytes> ReadEventLog(const std::string& path);

}  // namespace blindai::attester
