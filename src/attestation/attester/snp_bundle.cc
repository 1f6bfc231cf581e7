#include "attestation/attester/snp_bundle.h"

#include <string>
#include <utility>

#include "attestation/endorsements/endorsements.h"
#include "attestation/endorsements/snp_certificates.h"
#include "attestation/evidence/snp_report.h"

namespace blindai::attester {

base::Result<evidence::EvidenceBundle> MakeSnpBundle(base::ByteView report,
                                                     base::ByteView certificate_table) {
  if (!evidence::ParseSnpReport(report).ok()) {
    return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable",
                           "the platform gave something that is no SEV-SNP report");
  }
  evidence::EvidenceBundle bundle{evidence::TeeKind::kSnp, base::CopyBytes(report), {}};
  const auto table = endorsements::ParseSnpCertificateTable(certificate_table);
  if (certificate_table.empty() || !table.ok()) return bundle;
  const auto add = [&bundle](std::string_view name, base::Bytes bytes) {
    if (!bytes.empty()) bundle.endorsements.push_back({std::string(name), std::move(bytes)});
  };
  add(endorsements::name::kLeaf, table->vcek.empty() ? table->vlek : table->vcek);
  base::Bytes chain = table->ask;
  chain.insert(chain.end(), table->ark.begin(), table->ark.end());
  add(endorsements::name::kChain, std::move(chain));
  return bundle;
}

}  // namespace blindai::attester
