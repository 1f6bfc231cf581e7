#include "attestation/evidence/envelope.h"

#include <gtest/gtest.h>

#include "attestation/evidence/simulated_evidence.h"
#include "attestation/evidence/snp_report.h"
#include "attestation/evidence/tpm_quote.h"
#include "base/byte_writer.h"
#include "encoding/base64.h"
#include "encoding/der.h"
#include "encoding/hex.h"
#include "encoding/pem.h"
#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::evidence {
namespace {

using base::Bytes;
using base::ByteView;

// The beginning of a quote is enough: the wrapping looks no further.
Bytes Quote(std::uint8_t version = 3, std::uint8_t tee = 0) {
  Bytes quote(64, 0x11);
  const Bytes head = {version, 0, 2, 0, tee, 0, 0, 0};
  std::copy(head.begin(), head.end(), quote.begin());
  return quote;
}

Bytes Text(std::string_view text) { return base::CopyBytes(base::AsBytes(text)); }

Envelope Opened(const Bytes& file) {
  auto envelope = OpenEnvelope(file);
  EXPECT_TRUE(envelope.ok()) << envelope.error().message;
  return envelope.ok() ? *envelope : Envelope{};
}

std::string CodeOf(const Bytes& file) {
  const auto envelope = OpenEnvelope(file);
  return envelope.ok() ? "opened as " + envelope->form : envelope.error().code;
}

// A field of a message of Protocol Buffers, up to 127 bytes long.
Bytes Field(std::uint8_t number, const Bytes& content) {
  Bytes field = {static_cast<std::uint8_t>(number << 3 | 2), static_cast<std::uint8_t>(content.size())};
  EXPECT_LT(content.size(), 128U);
  field.insert(field.end(), content.begin(), content.end());
  return field;
}
Bytes Joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// A certificate as far as the search for an extension looks: serial, then the extensions.
Bytes Certificate(std::string_view oid, const Bytes& content) {
  const Bytes extension = encoding::DerEncode(
      encoding::kDerSequence,
      Joined({encoding::DerEncodeOid(oid), encoding::DerEncode(encoding::kDerOctetString, content)}));
  const Bytes list = encoding::DerEncode(encoding::kDerSequence, extension);
  const Bytes tbs = encoding::DerEncode(
      encoding::kDerSequence, Joined({encoding::DerEncodeUnsigned(7), encoding::DerEncode(0xa3, list)}));
  // Real ones have 256 bytes and more, so their length has two bytes.
  return encoding::DerEncode(encoding::kDerSequence,
                             Joined({tbs, encoding::DerEncode(encoding::kDerOctetString, Bytes(300))}));
}

TEST(Envelope, BinaryEvidenceIsKnownByItsFirstBytes) {
  EXPECT_EQ(Opened(SimulatedEvidence{}.Encode()).bundle.tee, TeeKind::kSimulated);
  EXPECT_EQ(Opened(Quote()).bundle.tee, TeeKind::kSgx);
  EXPECT_EQ(Opened(Quote(4, 0x81)).bundle.tee, TeeKind::kTdx);
  EXPECT_EQ(Opened(Quote(5, 0)).bundle.tee, TeeKind::kSgx);
  Bytes snp(kSnpReportSize);
  snp[0] = 3;
  EXPECT_EQ(Opened(snp).bundle.tee, TeeKind::kSnp);
  EXPECT_EQ(Opened({0x84, 0x44, 0xa1, 0x01, 0x38, 0x22}).bundle.tee, TeeKind::kNitro);
  EXPECT_EQ(Opened({0xd2, 0x84, 0x44, 0xa1, 0x01, 0x38, 0x22}).bundle.tee, TeeKind::kNitro);
  EXPECT_EQ(Opened(Text("BTPM")).bundle.tee, TeeKind::kTpm);
  EXPECT_EQ(Opened(Quote()).bundle.evidence, Quote());
}

TEST(Envelope, HexAndBase64AreTakenOffEvenTogether) {
  EXPECT_EQ(Opened(Text(encoding::HexEncode(Quote()) + "\n")).bundle.evidence, Quote());
  EXPECT_EQ(Opened(Text(encoding::Base64Encode(Quote()))).bundle.evidence, Quote());
  const Envelope both = Opened(Text(encoding::HexEncode(Text(encoding::Base64Encode(Quote())))));
  EXPECT_EQ(both.form, "hex text, base64 text, SGX quote");
}

TEST(Envelope, WrappingHasABottom) {
  std::string text = encoding::HexEncode(Quote());
  for (int i = 0; i < 5; ++i) text = encoding::HexEncode(Text(text));
  EXPECT_EQ(CodeOf(Text(text)), "malformed");
}

TEST(Envelope, AnOpenEnclaveReportHoldsAQuoteOfTheLengthItSays) {
  base::ByteWriter writer;
  writer.U32(1).U32(2).U64(Quote().size()).Append(Quote()).Append("claims");
  EXPECT_EQ(Opened(base::CopyBytes(writer.view())).bundle.evidence, Quote());
  base::ByteWriter lying;
  lying.U32(1).U32(2).U64(1000).Append(Quote());
  EXPECT_EQ(CodeOf(base::CopyBytes(lying.view())), "malformed");
}

TEST(Envelope, ACertificateGivesWhatItsExtensionCarries) {
  base::ByteWriter report;
  report.U32(1).U32(2).U64(Quote().size()).Append(Quote());
  const Bytes der = Certificate("1.2.840.113556.10.1.1", base::CopyBytes(report.view()));
  EXPECT_EQ(Opened(der).form, "certificate, Open Enclave report, SGX quote");
  EXPECT_EQ(Opened(Text("\n" + encoding::PemEncode("CERTIFICATE", der))).bundle.evidence, Quote());
}

TEST(Envelope, ANitroDocumentMayStandInADnsName) {
  const Bytes document = {0x84, 0x44, 0xa1, 0x01, 0x38, 0x22};
  const Bytes names = encoding::DerEncode(
      encoding::kDerSequence,
      Joined({encoding::DerEncode(0x82, Text("example.org")),
              encoding::DerEncode(0x82, Text(encoding::HexEncode(document) + ".example.org"))}));
  EXPECT_EQ(Opened(Certificate("2.5.29.17", names)).bundle.evidence, document);
}

TEST(Envelope, ACertificateWithoutEvidenceIsNone) {
  EXPECT_EQ(CodeOf(Certificate("2.5.29.15", {1})), "malformed");
  EXPECT_EQ(CodeOf({0x30, 0x82, 0xff, 0xff}), "bad-der");
}

TEST(Envelope, ABlindaiProofBringsItsCollateral) {
  const Bytes collateral = Joined({Field(6, Text("tcb")), Field(9, Text("leaf ")), Field(10, Text("chain"))});
  const Bytes proof = Field(1, Joined({Field(1, Quote()), Field(2, collateral)}));
  const Envelope envelope = Opened(proof);
  EXPECT_EQ(envelope.bundle.evidence, Quote());
  ASSERT_EQ(envelope.bundle.endorsements.size(), 2U);
  EXPECT_EQ(envelope.bundle.endorsements[0].name, "tcb-info");
  EXPECT_EQ(base::AsText(envelope.bundle.endorsements[1].bytes), "leaf chain");
  EXPECT_EQ(CodeOf(Bytes(proof.begin(), proof.end() - 1)), "malformed");
}

TEST(Envelope, OfSeveralTpmQuotesTheOneWithAGoodBankIsTaken) {
  const auto quote = [](std::uint8_t bank, std::string_view attest) {
    const Bytes pcr = Field(2, Joined({Bytes{0x08, 4}, Field(2, Text("digest"))}));
    return Field(2, Joined({Field(1, Text(attest)), Field(3, Joined({Bytes{0x08, bank}, pcr}))}));
  };
  const Envelope envelope =
      Opened(Joined({Field(1, Text("ak")), quote(4, "sha1"), quote(11, "sha256"), Field(3, Text("log"))}));
  EXPECT_EQ(envelope.bundle.endorsements[1].name, "event-log");
  EXPECT_NE(base::AsText(envelope.bundle.evidence).find("sha256"), std::string_view::npos);
}

TEST(Envelope, BlindaisOwnAnswerIsAnEnvelope) {
  const Envelope envelope =
      Opened(Text(R"( {"version":1,"tee":"snp","evidence":"AQI=","endorsements":{"leaf":"Aw=="}})"));
  EXPECT_EQ(envelope.bundle.tee, TeeKind::kSnp);
  EXPECT_EQ(envelope.bundle.evidence, (Bytes{1, 2}));
  EXPECT_EQ(envelope.bundle.endorsements[0].bytes, (Bytes{3}));
}

TEST(Envelope, WhatNothingSignsIsSaidAsSuch) {
  EXPECT_EQ(CodeOf(Text("\xff\x54\x43\x47 a bare TPMS_ATTEST")), "no-signature");
  Bytes log(32);
  const Bytes head = Text("Spec ID Event03");
  log.insert(log.end(), head.begin(), head.end());
  EXPECT_EQ(CodeOf(log), "no-quote");
}

TEST(Envelope, WhatIsNoEvidenceIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("hello"), std::string("{"), std::string("{}"), std::string("[]"),
        std::string("0011"), std::string(3, '\0'), std::string("-----BEGIN CERTIFICATE-----")}) {
    const auto envelope = OpenEnvelope(base::AsBytes(text));
    EXPECT_FALSE(envelope.ok()) << text;
  }
  EXPECT_EQ(CodeOf(Bytes(kMaxEnvelopeBytes + 1)), "too-large");
}

// Every file of the tables opens as the kind that its table is about, or says why it is not enough.
void ExpectOpens(const std::string& table, const std::string& column, TeeKind tee) {
  for (const tests::VectorRow& row : tests::ReadVectorTable(table)) {
    for (const std::string& name : {tests::SplitReferences(row[column]).front()}) {
      const auto envelope = OpenEnvelope(tests::ReadVector(name));
      if (envelope.ok()) {
        EXPECT_EQ(envelope->bundle.tee, tee) << name << " as " << envelope->form;
      } else {
        EXPECT_TRUE(row["verdict"] != "accept") << name << ": " << envelope.error().message;
      }
    }
  }
}

TEST(Envelope, EveryVectorOpens) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  ExpectOpens("verdicts_snp.tsv", "report", TeeKind::kSnp);
  ExpectOpens("verdicts_nitro.tsv", "document", TeeKind::kNitro);
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_sgx_tdx.tsv")) {
    const Bytes file = tests::ReadVector(row["quote"]);
    const bool container = row["bytes_after_quote"] == "(container)";
    const std::size_t offset = container ? 0 : static_cast<std::size_t>(std::stoul(row["quote_offset"]));
    const auto envelope = OpenEnvelope(ByteView(file).subspan(offset));
    if (row["quote"] == "tdx/dstack/attestation.bin") continue;  // SCALE: only with --offset
    ASSERT_TRUE(envelope.ok()) << row["quote"] << ": " << envelope.error().message;
    EXPECT_EQ(TeeName(envelope->bundle.tee), row["tee"] == "SGX" ? "sgx" : "tdx") << row["quote"];
  }
}

TEST(Envelope, EveryTpmVectorOpensOrSaysWhatIsMissing) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_tpm.tsv")) {
    const std::string name = tests::SplitReferences(row["evidence"]).front();
    if (name.find("/certificates/") != std::string::npos) continue;
    const auto envelope = OpenEnvelope(tests::ReadVector(name));
    if (envelope.ok()) {
      const bool report_alone = name.ends_with("hcl-report-snp.bin");
      EXPECT_EQ(envelope->bundle.tee, report_alone ? TeeKind::kSnp : TeeKind::kTpm) << name;
    } else {
      EXPECT_TRUE(row["code"] == envelope.error().code || row["verdict"] == "reject")
          << name << ": " << envelope.error().message;
    }
  }
}

}  // namespace
}  // namespace blindai::evidence
