// A trust domain in miniature: the TDREPORT that the module gives about it, and the quote that the host's quoting
// enclave makes of one, signed by the test's own Intel.
#pragma once

#include <algorithm>
#include <optional>

#include "attestation/evidence/azure_hcl_report.h"
#include "base/byte_writer.h"
#include "crypto/digest.h"
#include "support/fake_intel.h"

namespace blindai::tests {

// `tail` follows what a quote repeats: the rest of td_info's 512 bytes.
inline base::Bytes MakeTdReportLocal(const evidence::TdReport& td,
                                     const base::Bytes& tail = base::Bytes(112)) {
  // Attributes and XFAM stand at 120 of the encoded report, what follows is in td_info's order up to the report data.
  const base::Bytes encoded = EncodeTdReport(td);
  base::Bytes td_info(encoded.begin() + 120, encoded.begin() + 520);
  td_info.insert(td_info.end(), tail.begin(), tail.end());
  base::ByteWriter writer;
  writer.U8(0x81).Zeros(31);
  writer.Append(crypto::Sha384(base::Bytes(239)).view()).Append(crypto::Sha384(td_info).view());
  writer.Append(td.report_data.view()).Zeros(64).Zeros(239 + 17).Append(td_info);
  return std::move(writer).Take();
}

// Nothing for a TDREPORT that this machine did not make: the quoting enclave would refuse its MAC.
inline std::optional<base::Bytes> QuoteOverTdReport(const FakeIntel& intel, FakeQuoteParts parts,
                                                    base::ByteView local) {
  const auto report = evidence::ParseTdReportLocal(local);
  if (!report.ok()) return std::nullopt;
  auto& td = std::get<evidence::TdReport>(parts.body);
  td.report_data = report->report_data;
  if (MakeTdReportLocal(td) != base::CopyBytes(local)) return std::nullopt;
  return intel.Quote(parts);
}

}  // namespace blindai::tests
