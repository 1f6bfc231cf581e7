#include "attestation/endorsements/dcap_collateral.h"

#include <gtest/gtest.h>

#include "attestation/endorsements/pck_certificate.h"
#include "crypto/certificate_builder.h"
#include "encoding/hex.h"
#include "support/fake_intel.h"
#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::endorsements {
namespace {

using base::AsBytes;
using base::Bytes;
using evidence::TcbStatus;
using evidence::TeeKind;
using tests::FakeIntel;

const std::string kSignature(128, '1');

base::Result<SignedStatement> Read(const std::string& text) {
  return ReadSignedStatement(StatementKind::kTcbInfo, AsBytes(text));
}

// `text` with the first `from` replaced.
std::string Bent(std::string text, std::string_view from, std::string_view to) {
  const std::size_t position = text.find(from);
  EXPECT_NE(position, std::string::npos) << from;
  return text.replace(position, from.size(), to);
}

TEST(SignedStatement, KeepsTheTextAsItWasSigned) {
  const auto statement = Read(R"({"tcbInfo": { "id" :"TDX" } ,"signature":")" + kSignature + "\"}");
  ASSERT_TRUE(statement.ok()) << statement.error().message;
  EXPECT_EQ(statement->text, R"({ "id" :"TDX" })");
  EXPECT_EQ(statement->signature.bytes[63], 0x11);
}

TEST(SignedStatement, ReadsFortanixFilesAndTheirDerSignature) {
  const auto statement = Read(R"({"raw_tcb_info":"{\"a\":1}","signature":[48,6,2,1,5,2,1,7],"ca_chain":[]})");
  ASSERT_TRUE(statement.ok()) << statement.error().message;
  EXPECT_EQ(statement->text, R"({"a":1})");
  EXPECT_EQ(statement->signature.bytes[31], 5);
  EXPECT_EQ(statement->signature.bytes[63], 7);
}

TEST(SignedStatement, JoinsWhatCameApart) {
  const base::Bytes joined = JoinStatement(StatementKind::kQeIdentity, R"({"id":"QE"})", kSignature);
  const auto statement = ReadSignedStatement(StatementKind::kQeIdentity, joined);
  ASSERT_TRUE(statement.ok());
  EXPECT_EQ(statement->text, R"({"id":"QE"})");
}

TEST(SignedStatement, WithoutASignatureIsUnsigned) {
  for (const char* text :
       {R"({"tcbInfo":{}})", R"({"tcbInfo":{},"signature":""})", R"({"tcbInfo":{},"signature":null})",
        R"({"raw_tcb_info":"{}","signature":[]})", R"({"id":"SGX","issueDate":"2026-01-01"})"}) {
    EXPECT_EQ(Read(text).error().code, "unsigned") << text;
  }
}

TEST(SignedStatement, RefusesWhatTwoReadersCouldReadDifferently) {
  EXPECT_EQ(Read(R"({"tcbInfo":{},"tcbInfo":{},"signature":"00"})").error().code, "duplicate-key");
  EXPECT_EQ(Read(R"({"tcbInfo":{"a":1,"a":2},"signature":"00"})").error().code, "duplicate-key");
  EXPECT_EQ(Read(R"({"tcbInfo":{},"signature":"00"})").error().code, "bad-hex");
  EXPECT_FALSE(Read(R"({"tcbInfo":{},"signature":[48,6,2,1,5,2,1,7,0]})").ok());
  EXPECT_FALSE(Read(R"({"tcbInfo":{},"signature":[300]})").ok());
  EXPECT_FALSE(Read(R"({"enclaveIdentity":{},"signature":")" + kSignature + "\"}").ok());
}

TEST(TcbInfo, ReadsLevelsHighestFirstWhateverTheirOrder) {
  FakeIntel intel;
  tests::FakeTcbLevel low = intel.levels[0];
  low.sgx[3] = 1;
  low.status = "OutOfDate";
  low.advisories = {"INTEL-SA-00001"};
  intel.levels.insert(intel.levels.begin(), low);
  const auto info = ParseTcbInfo(intel.TcbInfoText(TeeKind::kTdx));
  ASSERT_TRUE(info.ok()) << info.error().message;
  EXPECT_EQ(info->tee, TeeKind::kTdx);
  EXPECT_EQ(info->levels[0].status, TcbStatus::kUpToDate);
  EXPECT_EQ(info->levels[1].status, TcbStatus::kOutOfDate);
  EXPECT_EQ(info->levels[1].advisories, (std::vector<std::string>{"INTEL-SA-00001"}));
  EXPECT_EQ(info->tdx_identities.at(1).levels[0].isv_svn, 5);
  EXPECT_EQ(encoding::HexEncode(info->fmspc.view()), "00a06d080000");
}

TEST(TcbInfo, RefusesWhatWouldBeComparedWrongly) {
  const FakeIntel intel;
  const std::string good = intel.TcbInfoText(TeeKind::kTdx);
  ASSERT_TRUE(ParseTcbInfo(good).ok());
  const std::pair<const char*, const char*> kBends[] = {
      {"\"version\":3", "\"version\":4"},
      {"\"id\":\"TDX\"", "\"id\":\"XYZ\""},
      {"\"tcbType\":0", "\"tcbType\":1"},
      {"\"UpToDate\"", "\"UptoDate\""},
      {"{\"svn\":7},", ""},  // 15 components
      {"{\"svn\":7}", "{\"svn\":70000}"},
      {"{\"svn\":7}", "{\"svn\":-1}"},
      {"{\"svn\":7}", "{\"svn\":7.0}"},
      {"\"TDX_01\"", "\"TDX_1\""},
      {"\"TDX_01\"", "\"SGX_01\""},
      {"\"tdxModule\":", "\"tdxModul\":"},
      {"\"issueDate\":\"2026", "\"issueDate\":\"26"},
      {"\"fmspc\":\"00", "\"fmspc\":\""},
      {"\"tcbLevels\":[{\"tcb\":{\"isvsvn\":5}", "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":99999}"},
      {"\"advisoryIDs\":[]", "\"advisoryIDs\":[1]"},
  };
  for (const auto& [from, to] : kBends)
    EXPECT_FALSE(ParseTcbInfo(Bent(good, from, to)).ok()) << from << " " << to;
}

TEST(TcbInfo, ErrorsNameTheField) {
  const FakeIntel intel;
  const std::string text =
      Bent(intel.TcbInfoText(TeeKind::kSgx), "\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"Good\"");
  EXPECT_EQ(ParseTcbInfo(text).error().message, "tcbLevels: tcbStatus: is not a status that is known");
}

TEST(QeIdentity, ReadsMasksInMemoryOrder) {
  const FakeIntel intel;
  const auto identity = ParseQeIdentity(intel.QeIdentityText(TeeKind::kTdx));
  ASSERT_TRUE(identity.ok()) << identity.error().message;
  EXPECT_EQ(identity->role, EnclaveRole::kTdQe);
  EXPECT_EQ(identity->flags, 0x11u);
  EXPECT_EQ(identity->flags_mask, 0xfffffffffffffffbu);
  EXPECT_EQ(identity->xfrm_mask, 0u);
  EXPECT_EQ(identity->misc_select_mask, 0xffffffffu);
  EXPECT_FALSE(ParseQeIdentity(Bent(intel.QeIdentityText(TeeKind::kSgx), "\"QE\"", "\"TQE\"")).ok());
  EXPECT_FALSE(
      ParseQeIdentity(Bent(intel.QeIdentityText(TeeKind::kSgx), "\"version\":2", "\"version\":1")).ok());
}

TEST(PckCertificate, ReadsThePlatformOfBothKindsOfLeaf) {
  const FakeIntel platform(FakeIntel::Ca::kPlatform);
  const auto extension = ReadPckExtension(platform.pck.certificate);
  ASSERT_TRUE(extension.ok()) << extension.error().message;
  EXPECT_EQ(extension->component_svns[15], 7);
  EXPECT_EQ(extension->pce_svn, 13);
  EXPECT_EQ(extension->ppid.bytes[0], 0xaa);
  EXPECT_EQ(extension->platform_instance_id->bytes[0], 0xbb);
  EXPECT_EQ(extension->smt_enabled, false);
  const auto processor = ReadPckExtension(FakeIntel(FakeIntel::Ca::kProcessor).pck.certificate);
  ASSERT_TRUE(processor.ok());
  EXPECT_FALSE(processor->platform_instance_id.has_value());
  EXPECT_EQ(ReadPckExtension(platform.root.certificate).error().code, "bad-pck-extension");
}

TEST(PckCertificate, EveryBentOrCutExtensionIsReadOrRefusedWithItsCode) {
  const base::Bytes good = FakeIntel::PckExtension(300, 13, "00a06d080000", true);
  const auto key = crypto::SigningKey::GenerateP256();
  crypto::CertificateSpec spec;
  spec.common_name = "PCK";
  spec.not_before = FakeIntel::Start();
  spec.not_after = FakeIntel::End();
  for (std::size_t size = 0; size < good.size(); size += 7) {
    spec.extensions = {
        {std::string(kSgxExtensionOid), base::CopyBytes(base::ByteView(good).first(size)), false}};
    const auto certificate = crypto::MakeSelfSigned(spec, key);
    ASSERT_TRUE(certificate.ok());
    EXPECT_EQ(ReadPckExtension(*certificate).error().code, "bad-pck-extension") << size;
  }
}

TEST(Certificates, ComeAsPemUrlEncodedPemOrDer) {
  const FakeIntel intel;
  const std::string pem = intel.tcb_signer.certificate.ToPem() + intel.root.certificate.ToPem();
  EXPECT_EQ(ReadIssuerChain(AsBytes(pem))->size(), 2u);
  std::string encoded;
  for (const char c : pem) {
    const bool escape = c == ' ' || c == '\n' || c == '+' || c == '/' || c == '=';
    encoded += escape ? "%" + encoding::HexEncode(AsBytes(std::string_view(&c, 1))) : std::string(1, c);
  }
  const auto decoded = ReadIssuerChain(AsBytes(encoded));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ((*decoded)[1], intel.root.certificate);
  Bytes der = intel.root.certificate.der();
  EXPECT_EQ(ReadIssuerChain(der)->size(), 1u);
  der.insert(der.end(), intel.pck.certificate.der().begin(), intel.pck.certificate.der().end());
  EXPECT_EQ(ReadIssuerChain(der)->size(), 2u);
  der.push_back(0x30);
  EXPECT_FALSE(ReadIssuerChain(der).ok());
  EXPECT_FALSE(ReadIssuerChain(AsBytes("-----BEGIN%20CERT%2")).ok());
  EXPECT_FALSE(ReadIssuerChain(AsBytes("-----BEGIN%20CERT%GG")).ok());
  EXPECT_FALSE(ReadIssuerChain({}).ok());
}

TEST(Collateral, TheRealFilesSayWhatTheTableSays) {
  const auto rows = tests::ReadVectorTable("verdicts_collateral.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  int read = 0;
  for (const tests::VectorRow& row : rows) {
    const base::Bytes file = tests::ReadVector(row["file"]);
    if (row["kind"] == "CRL") {
      const auto crl = ReadCrl(file);
      ASSERT_TRUE(crl.ok()) << row["file"] << crl.error().message;
      EXPECT_EQ(crl->issuer_common_name(), row["id"]);
      EXPECT_EQ(std::to_string(crl->entry_count()), row["crl_entries"]);
      EXPECT_EQ(base::FormatTime(crl->this_update()), row["issued_or_this_update"]);
      EXPECT_EQ(base::FormatTime(crl->next_update()), row["next_update"]);
      ++read;
    }
  }
  EXPECT_GT(read, 20);
}

}  // namespace
}  // namespace blindai::endorsements
