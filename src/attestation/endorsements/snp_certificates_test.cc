#include "attestation/endorsements/snp_certificates.h"

#include <gtest/gtest.h>

#include "attestation/endorsements/certificate_list.h"
#include "base/byte_writer.h"
#include "encoding/der.h"
#include "support/paths.h"
#include "support/test_pki.h"
#include "support/vectors.h"

namespace blindai::endorsements {
namespace {

using base::Bytes;
using crypto::CertificateExtension;
using crypto::CertificateSpec;

const std::string kArc = "1.3.6.1.4.1.3704.1.";

Bytes Text(std::string_view text) {
  return encoding::DerEncode(encoding::kDerIa5String, base::AsBytes(text));
}

struct LeafParts {
  std::string subject = "SEV-VCEK";
  std::string issuer = "SEV-Milan";
  std::vector<CertificateExtension> extensions = {{kArc + "2", Text("Milan-B0")},
                                                  {kArc + "3.1", encoding::DerEncodeUnsigned(3)},
                                                  {kArc + "3.2", encoding::DerEncodeUnsigned(0)},
                                                  {kArc + "3.3", encoding::DerEncodeUnsigned(8)},
                                                  {kArc + "3.8", encoding::DerEncodeUnsigned(0xD9)},
                                                  {kArc + "4", Bytes(64, 7)}};

  LeafParts& Set(const std::string& oid, Bytes content) {
    for (auto& extension : extensions) {
      if (extension.oid == kArc + oid) {
        extension.content = std::move(content);
        return *this;
      }
    }
    extensions.push_back({kArc + oid, std::move(content)});
    return *this;
  }
  base::Result<SnpLeaf> Read() const {
    const auto ca = tests::MakeRoot(tests::PkiCaSpec(issuer), crypto::SigningKey::GenerateP384());
    CertificateSpec spec = tests::PkiSpec(subject);
    spec.extensions = extensions;
    return ReadSnpLeaf(tests::Issue(spec, crypto::SigningKey::GenerateP384().public_key(), ca));
  }
};

TEST(SnpLeaf, ReadsAVcek) {
  const auto leaf = LeafParts().Read();
  ASSERT_TRUE(leaf.ok()) << leaf.error().message;
  EXPECT_EQ(leaf->kind, SnpLeafKind::kVcek);
  EXPECT_EQ(leaf->product_name, "Milan-B0");
  EXPECT_EQ(leaf->issuer_product, "Milan");
  EXPECT_EQ(leaf->boot_loader_spl, 3);
  EXPECT_EQ(leaf->snp_spl, 8);
  EXPECT_EQ(leaf->microcode_spl, 0xD9);
  EXPECT_EQ(leaf->hw_id, Bytes(64, 7));
}

TEST(SnpLeaf, ReadsAVlek) {
  LeafParts parts;
  parts.subject = "SEV-VLEK";
  parts.issuer = "SEV-VLEK-Genoa";
  parts.Set("5", Text("CN=cloud"));
  const auto leaf = parts.Read();
  ASSERT_TRUE(leaf.ok()) << leaf.error().message;
  EXPECT_EQ(leaf->kind, SnpLeafKind::kVlek);
  EXPECT_EQ(leaf->issuer_product, "Genoa");
  EXPECT_EQ(leaf->csp_id, "CN=cloud");
  EXPECT_TRUE(leaf->hw_id.empty());
}

TEST(SnpLeaf, TurinHasAnFmcAndAShortChipId) {
  LeafParts parts;
  parts.Set("3.9", encoding::DerEncodeUnsigned(1)).Set("4", Bytes(8, 9));
  const auto leaf = parts.Read();
  ASSERT_TRUE(leaf.ok()) << leaf.error().message;
  EXPECT_EQ(leaf->fmc_spl, 1);
  EXPECT_EQ(leaf->hw_id.size(), 8u);
}

TEST(SnpLeaf, RefusesOtherNames) {
  LeafParts parts;
  parts.subject = "SEV-ASK";
  EXPECT_FALSE(parts.Read().ok());
  parts = {};
  parts.issuer = "Milan";
  EXPECT_FALSE(parts.Read().ok());
  parts = {};
  parts.subject = "SEV-VLEK";
  parts.Set("5", Text("CN=cloud"));
  EXPECT_FALSE(parts.Read().ok()) << "a VLEK below the ASK of chips";
}

TEST(SnpLeaf, RefusesExtensionsThatAreMissingOrWrong) {
  for (std::size_t i = 0; i < LeafParts().extensions.size(); ++i) {
    LeafParts parts;
    parts.extensions.erase(parts.extensions.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(parts.Read().ok()) << i;
  }
  EXPECT_FALSE(LeafParts().Set("3.1", encoding::DerEncodeUnsigned(256)).Read().ok());
  EXPECT_FALSE(LeafParts().Set("3.1", Bytes{0x02, 0x01, 0x03, 0x00}).Read().ok());
  EXPECT_FALSE(LeafParts().Set("3.1", Bytes{0x04, 0x01, 0x03}).Read().ok());
  EXPECT_FALSE(LeafParts().Set("2", encoding::DerEncodeUnsigned(1)).Read().ok());
  EXPECT_FALSE(LeafParts().Set("4", encoding::DerEncode(0x04, Bytes(64, 7))).Read().ok());
  EXPECT_FALSE(LeafParts().Set("4", Bytes(63)).Read().ok());
}

TEST(SnpLeaf, RealLeavesAreRead) {
  const auto rows = tests::ReadVectorTable("verdicts_snp.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  for (const auto& row : rows) {
    if (row["leaf"].empty()) continue;
    const auto certificates = ReadCertificates(tests::ReadVector(row["leaf"]));
    ASSERT_TRUE(certificates.ok()) << row["leaf"] << ": " << certificates.error().message;
    const auto leaf = ReadSnpLeaf(certificates->front());
    EXPECT_EQ(leaf.ok(), row["leaf"].find("invalid-new") == std::string::npos) << row["leaf"];
  }
}

class TableBuilder {
 public:
  TableBuilder& Entry(base::ByteView guid, std::uint32_t offset, std::uint32_t size) {
    writer_.Append(guid).U32(offset).U32(size);
    return *this;
  }
  Bytes End(std::size_t tail) {
    writer_.Zeros(24 + tail);
    return std::move(writer_).Take();
  }

 private:
  base::ByteWriter writer_;
};

const Bytes kVcekGuid = tests::FromHex("8d75da6364e66445adc5f4b93be8accd");
const Bytes kAskGuid = tests::FromHex("79b3b74aacbbe44fa02f05aef327c782");

TEST(SnpCertificateTable, ReadsEntries) {
  Bytes bytes = TableBuilder().Entry(kVcekGuid, 72, 3).Entry(kAskGuid, 75, 1).End(4);
  bytes[72] = 0xAA;
  bytes[75] = 0xBB;
  const auto table = ParseSnpCertificateTable(bytes);
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->vcek, (Bytes{0xAA, 0, 0}));
  EXPECT_EQ(table->ask, (Bytes{0xBB}));
  EXPECT_TRUE(table->vlek.empty());
  EXPECT_TRUE(ParseSnpCertificateTable({})->vcek.empty());
}

TEST(SnpCertificateTable, RefusesEntriesOutOfBounds) {
  EXPECT_FALSE(ParseSnpCertificateTable(TableBuilder().Entry(kVcekGuid, 48, 5).End(4)).ok());
  EXPECT_FALSE(ParseSnpCertificateTable(TableBuilder().Entry(kVcekGuid, 0xFFFFFFFF, 2).End(4)).ok());
  EXPECT_FALSE(ParseSnpCertificateTable(TableBuilder().Entry(kVcekGuid, 4, 0xFFFFFFFF).End(4)).ok());
  EXPECT_FALSE(
      ParseSnpCertificateTable(TableBuilder().Entry(kVcekGuid, 0, 1).Entry(kVcekGuid, 0, 1).End(4)).ok());
  EXPECT_FALSE(ParseSnpCertificateTable(Bytes(23)).ok());
  EXPECT_FALSE(ParseSnpCertificateTable(Bytes(24 * 40, 0x11)).ok());
}

}  // namespace
}  // namespace blindai::endorsements
