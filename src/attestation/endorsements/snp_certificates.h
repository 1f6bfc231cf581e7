// What AMD certifies about a key that signs SEV-SNP reports: for which product, patch levels and chip it was
// derived
// ("VCEK Certificate and KDS Interface Specification", AMD 57230; VLEK: the cloud's key instead of the
// chip's). Nothing is trusted here; verifier/snp.h checks the certificate's chain and compares these values
// with the report.
//
// Errors: "snp-certificate", naming the extension.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/certificate.h"

namespace blindai::endorsements {

enum class SnpLeafKind { kVcek, kVlek };

struct SnpLeaf {
  SnpLeafKind kind = SnpLeafKind::kVcek;  // by the subject, SEV-VCEK or SEV-VLEK
  std::string product_name;               // "Milan-B0", "Turin"
  std::string issuer_product;             // from the issuer's name: SEV-Milan, SEV-VLEK-Milan
  // Security patch levels; fmc is zero where the product has none.
  std::uint8_t fmc_spl = 0;
  std::uint8_t boot_loader_spl = 0;
  std::uint8_t tee_spl = 0;
  std::uint8_t snp_spl = 0;
  std::uint8_t microcode_spl = 0;
  base::Bytes hw_id;   // VCEK: 64 bytes, Turin 8; VLEK: empty
  std::string csp_id;  // VLEK: the cloud ("CN=cc-us-east-2.amazonaws.com")
};
base::Result<SnpLeaf> ReadSnpLeaf(const crypto::Certificate& certificate);

// The host's certificate table, as the extended report hands it out (GHCB specification, SNP Extended Guest
// Request). The host writes it, so every offset is checked. Empty entries stay empty; entries of other kinds
// are left out.
struct SnpCertificateTable {
  base::Bytes vcek;
  base::Bytes vlek;
  base::Bytes ask;
  base::Bytes ark;
};
base::Result<SnpCertificateTable> ParseSnpCertificateTable(base::ByteView bytes);

}  // namespace blindai::endorsements
