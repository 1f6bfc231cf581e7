#include "attestation/endorsements/snp_certificates.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/byte_reader.h"
#include "encoding/der.h"

namespace blindai::endorsements {
namespace {

using base::Bytes;
using base::ByteView;

constexpr std::string_view kProductName = "1.3.6.1.4.1.3704.1.2";
constexpr std::string_view kBootLoaderSpl = "1.3.6.1.4.1.3704.1.3.1";
constexpr std::string_view kTeeSpl = "1.3.6.1.4.1.3704.1.3.2";
constexpr std::string_view kSnpSpl = "1.3.6.1.4.1.3704.1.3.3";
constexpr std::string_view kMicrocodeSpl = "1.3.6.1.4.1.3704.1.3.8";
constexpr std::string_view kFmcSpl = "1.3.6.1.4.1.3704.1.3.9";
constexpr std::string_view kHwId = "1.3.6.1.4.1.3704.1.4";
constexpr std::string_view kCspId = "1.3.6.1.4.1.3704.1.5";

constexpr std::size_t kHwIdSize = 64;
constexpr std::size_t kTurinHwIdSize = 8;
constexpr std::size_t kMaxTableEntries = 32;

base::Error Wrong(std::string message) {
  return base::Malformed("SNP certificate: " + std::move(message), "snp-certificate");
}

base::Result<Bytes> Extension(const crypto::Certificate& certificate, std::string_view oid) {
  auto content = certificate.extension(oid);
  if (!content) return Wrong("extension " + std::string(oid) + " is missing");
  return std::move(*content);
}

// A DER INTEGER 0 to 255: levels above 0x7F take two bytes.
base::Result<std::uint8_t> ReadSpl(const crypto::Certificate& certificate, std::string_view oid) {
  BLINDAI_TRY(const Bytes content, Extension(certificate, oid));
  encoding::DerReader reader(content);
  const auto value = reader.Unsigned(oid);
  if (!value.ok() || !reader.empty() || *value > 0xFF) {
    return Wrong("extension " + std::string(oid) + ": a number 0 to 255 is wanted");
  }
  return static_cast<std::uint8_t>(*value);
}

base::Result<std::string> ReadText(const crypto::Certificate& certificate, std::string_view oid) {
  BLINDAI_TRY(const Bytes content, Extension(certificate, oid));
  encoding::DerReader reader(content);
  const auto text = reader.Expect(oid, encoding::kDerIa5String);
  if (!text.ok() || !reader.empty())
    return Wrong("extension " + std::string(oid) + ": an IA5String is wanted");
  return std::string(base::AsText(*text));
}

base::Status ReadNames(const crypto::Certificate& certificate, SnpLeaf& leaf) {
  const std::string subject = certificate.subject_common_name();
  if (subject != "SEV-VCEK" && subject != "SEV-VLEK") return Wrong("subject: SEV-VCEK or SEV-VLEK is wanted");
  leaf.kind = subject == "SEV-VCEK" ? SnpLeafKind::kVcek : SnpLeafKind::kVlek;
  const std::string_view prefix = leaf.kind == SnpLeafKind::kVcek ? "SEV-" : "SEV-VLEK-";
  const std::string issuer = certificate.issuer_common_name();
  // "SEV-VLEK-Milan" starts with "SEV-" too, so what is left is compared with the product by the verifier.
  if (!issuer.starts_with(prefix))
    return Wrong("issuer: a name that starts with " + std::string(prefix) + " is wanted");
  leaf.issuer_product = issuer.substr(prefix.size());
  return base::Ok();
}

base::Status ReadLevels(const crypto::Certificate& certificate, SnpLeaf& leaf) {
  BLINDAI_TRY(leaf.boot_loader_spl, ReadSpl(certificate, kBootLoaderSpl));
  BLINDAI_TRY(leaf.tee_spl, ReadSpl(certificate, kTeeSpl));
  BLINDAI_TRY(leaf.snp_spl, ReadSpl(certificate, kSnpSpl));
  BLINDAI_TRY(leaf.microcode_spl, ReadSpl(certificate, kMicrocodeSpl));
  if (certificate.extension(kFmcSpl)) {
    BLINDAI_TRY(leaf.fmc_spl, ReadSpl(certificate, kFmcSpl));
  }
  return base::Ok();
}

base::Status ReadOwner(const crypto::Certificate& certificate, SnpLeaf& leaf) {
  if (leaf.kind == SnpLeafKind::kVlek) {
    BLINDAI_TRY(leaf.csp_id, ReadText(certificate, kCspId));
    return base::Ok();
  }
  // The octets themselves, not wrapped in an OCTET STRING of their own.
  BLINDAI_TRY(leaf.hw_id, Extension(certificate, kHwId));
  if (leaf.hw_id.size() != kHwIdSize && leaf.hw_id.size() != kTurinHwIdSize) {
    return Wrong("hwID: " + std::to_string(leaf.hw_id.size()) + " bytes seen, 64 or 8 wanted");
  }
  return base::Ok();
}

// A GUID as its first bytes stand in memory (little-endian fields).
struct KnownEntry {
  std::array<std::uint8_t, 16> guid;
  Bytes SnpCertificateTable::*member;
};
constexpr KnownEntry kKnownEntries[] = {
    {{0x8d, 0x75, 0xda, 0x63, 0x64, 0xe6, 0x64, 0x45, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd},
     &SnpCertificateTable::vcek},
    {{0xc2, 0x4b, 0x07, 0xa8, 0x5a, 0xa2, 0x3e, 0x48, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1},
     &SnpCertificateTable::vlek},
    {{0x79, 0xb3, 0xb7, 0x4a, 0xac, 0xbb, 0xe4, 0x4f, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82},
     &SnpCertificateTable::ask},
    {{0xa4, 0x06, 0xb4, 0xc0, 0x03, 0xa8, 0x52, 0x49, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae},
     &SnpCertificateTable::ark},
};

base::Status TakeEntry(ByteView table, ByteView guid, std::uint32_t offset, std::uint32_t size,
                       SnpCertificateTable& out) {
  if (offset > table.size() || size > table.size() - offset) {
    return Wrong("host table: an entry of " + std::to_string(size) + " bytes at offset " +
                 std::to_string(offset) + " does not fit into " + std::to_string(table.size()) + " bytes");
  }
  for (const KnownEntry& known : kKnownEntries) {
    if (!std::equal(guid.begin(), guid.end(), known.guid.begin(), known.guid.end())) continue;
    if (!(out.*known.member).empty()) return Wrong("host table: an entry stands there twice");
    out.*known.member = base::CopyBytes(table.subspan(offset, size));
  }
  return base::Ok();
}

}  // namespace

base::Result<SnpLeaf> ReadSnpLeaf(const crypto::Certificate& certificate) {
  SnpLeaf leaf;
  BLINDAI_RETURN_IF_ERROR(ReadNames(certificate, leaf));
  BLINDAI_TRY(leaf.product_name, ReadText(certificate, kProductName));
  BLINDAI_RETURN_IF_ERROR(ReadLevels(certificate, leaf));
  BLINDAI_RETURN_IF_ERROR(ReadOwner(certificate, leaf));
  return leaf;
}

base::Result<SnpCertificateTable> ParseSnpCertificateTable(ByteView bytes) {
  SnpCertificateTable table;
  if (bytes.empty()) return table;
  base::ByteReader reader(bytes);
  for (std::size_t i = 0; i < kMaxTableEntries; ++i) {
    BLINDAI_TRY(const ByteView guid, reader.Take("host table: GUID", 16));
    BLINDAI_TRY(const std::uint32_t offset, reader.U32("host table: offset"));
    BLINDAI_TRY(const std::uint32_t size, reader.U32("host table: length"));
    if (std::all_of(guid.begin(), guid.end(), [](std::uint8_t byte) { return byte == 0; })) return table;
    BLINDAI_RETURN_IF_ERROR(TakeEntry(bytes, guid, offset, size, table));
  }
  return Wrong("host table: no entry of zeros ends it");
}

}  // namespace blindai::endorsements
