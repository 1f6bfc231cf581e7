// Evidence that somebody made elsewhere, from a directory: a DCAP quote over one certificate (channel/legacy_identity)
// and its collateral. It lets the hardware mode of BlindAI's published clients run without hardware, under a root that
// the client was told to trust. It can vouch for that one certificate and never for a connection, so our own client
// always refuses such a server. Taken by name only (platform = "files"), and the manifest says "files".
//
//   quote.bin              the quote, report data = SHA-256 of the certificate, zero padded
//   tcb_info  tcb_info_issuer_chain  qe_identity  qe_identity_issuer_chain
//   pck_crl  root_ca_crl  pck_crl_issuer_chain  pck_certificate  pck_signing_chain
//
// The names are those of the collateral's fields in BlindAI 0.5 and 0.6. The files are read for each answer, so fresh
// ones may replace them while the server runs.
#pragma once

#include <memory>
#include <string>

#include "attestation/attester/attester.h"
#include "attestation/attester/device_files.h"

namespace blindai::attester {

class FilesAttester final : public Attester {
 public:
  // Codes: no-device (the directory has no quote.bin), malformed (it is no quote of an SGX enclave).
  static base::Result<std::unique_ptr<FilesAttester>> Open(std::unique_ptr<DeviceFiles> files,
                                                           std::string directory);

  evidence::TeeKind kind() const override { return evidence::TeeKind::kSgx; }
  // Codes: attester-unavailable (a file is missing, or the quote is over other report data).
  base::Result<evidence::EvidenceBundle> Attest(const evidence::ReportData& report_data,
                                                Deadline deadline) override;

 private:
  FilesAttester(std::unique_ptr<DeviceFiles> files, std::string directory)
      : files_(std::move(files)), directory_(std::move(directory)) {}
  base::Result<base::Bytes> ReadPart(std::string_view name) const;

  const std::unique_ptr<DeviceFiles> files_;
  const std::string directory_;
};

}  // namespace blindai::attester
