#include "attestation/verifier/offline.h"

#include <gtest/gtest.h>

#include <sstream>

#include "attestation/attester/simulated.h"
#include "crypto/certificate_builder.h"
#include "encoding/hex.h"
#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::verifier {
namespace {

base::Bytes SimulatedFile() {
  evidence::ReportData report_data;
  report_data.bytes.fill(1);
  return attester::SimulatedAttester().Attest(report_data, {})->evidence;
}

base::Bytes Text(std::string_view text) { return base::CopyBytes(base::AsBytes(text)); }

Verdict Judged(const OfflineQuestion& question) {
  auto verdict = JudgeOffline(question);
  EXPECT_TRUE(verdict.ok()) << verdict.error().message;
  return verdict.ok() ? *verdict : Verdict{};
}

TEST(Offline, SimulatedEvidenceFromAFileIsASimulationAtBest) {
  OfflineQuestion question;
  question.file = SimulatedFile();
  EXPECT_TRUE(Judged(question).Has("simulation"));
  question.allow_simulation = AllowSimulation::kYes;
  EXPECT_EQ(Judged(question).outcome, Outcome::kSimulation);
  EXPECT_TRUE(Judged(question).Has("not-asked"));
}

TEST(Offline, TheEvidenceMayStartAtAnOffset) {
  OfflineQuestion question;
  question.file = Text("header");
  const base::Bytes evidence = SimulatedFile();
  question.file.insert(question.file.end(), evidence.begin(), evidence.end());
  question.offset = 6;
  EXPECT_EQ(Judged(question).tee, evidence::TeeKind::kSimulated);
  question.offset = question.file.size() + 1;
  EXPECT_EQ(JudgeOffline(question).error().code, "offset");
}

TEST(Offline, BytesThatAreNoEvidenceAreRefused) {
  OfflineQuestion question;
  question.file = Text("hello");
  EXPECT_EQ(Judged(question).outcome, Outcome::kRefused);
  EXPECT_TRUE(Judged(question).Has("malformed"));
  EXPECT_EQ(Judged(question).tee, std::nullopt);
}

TEST(Offline, WhatNothingSignsIsUndecided) {
  OfflineQuestion question;
  question.file = Text("\xff\x54\x43\x47");
  EXPECT_EQ(Judged(question).outcome, Outcome::kUndecided);
  EXPECT_TRUE(Judged(question).Has("no-signature"));
}

TEST(Offline, AGivenRootMustBeACertificate) {
  OfflineQuestion question;
  question.file = SimulatedFile();
  question.roots = {Text("no certificate")};
  EXPECT_FALSE(JudgeOffline(question).ok());
}

TEST(Offline, MembersOfJsonFilesAreTakenExactly) {
  const base::Bytes file =
      Text(R"({"a":"text","b":{"c": 1},"tcb_info":"{\"v\":3}","tcb_info_signature":"ab",)"
           R"("qe_identity":"{}","qe_identity_signature":"cd"})");
  EXPECT_EQ(base::AsText(*MemberOfJsonFile(file, "a")), "text");
  EXPECT_EQ(base::AsText(*MemberOfJsonFile(file, "b")), R"({"c": 1})");
  EXPECT_EQ(base::AsText(*MemberOfJsonFile(file, "tcb_info")), R"({"tcbInfo":{"v":3},"signature":"ab"})");
  EXPECT_EQ(base::AsText(*MemberOfJsonFile(file, "qe_identity")),
            R"({"enclaveIdentity":{},"signature":"cd"})");
  EXPECT_EQ(MemberOfJsonFile(file, "z").error().code, "missing-field");
  EXPECT_FALSE(MemberOfJsonFile(Text("[]"), "a").ok());
}

// ---- The tables of real evidence, as somebody with the files and no policy sees them ----

// accept: authentic, so undecided for want of a policy. policy: the same, or refused for what the table
// names.
void ExpectAsTable(const tests::VectorRow& row, const Verdict& verdict, const std::string& name) {
  SCOPED_TRACE(name + " line " + std::to_string(row.line()) + "\n" + RenderText(verdict));
  const std::string& wanted = row["verdict"];
  if (wanted == "accept") {
    EXPECT_EQ(verdict.outcome, Outcome::kUndecided);
    EXPECT_TRUE(verdict.Has("no-policy"));
    EXPECT_FALSE(verdict.claims.empty());
  } else if (wanted == "reject") {
    EXPECT_EQ(verdict.outcome, Outcome::kRefused);
    EXPECT_TRUE(verdict.Has(row["code"])) << row["code"];
  } else if (wanted == "undecided") {
    EXPECT_EQ(verdict.outcome, Outcome::kUndecided);
    EXPECT_TRUE(verdict.Has(row["code"])) << row["code"];
  } else {
    EXPECT_NE(verdict.outcome, Outcome::kTrusted);
  }
}

base::Time TimeOf(const tests::VectorRow& row, const std::string& column) {
  return row[column].empty() ? base::Time{std::chrono::seconds{1'750'000'000}}
                             : *base::ParseTime(row[column]);
}

// As the command line reads an argument: `FILE.json#field` puts collateral and its signature together.
base::Bytes ReadReference(const std::string& reference) {
  const std::size_t mark = reference.find('#');
  if (mark == std::string::npos) return tests::ReadVector(reference);
  return *MemberOfJsonFile(tests::ReadVector(reference.substr(0, mark)), reference.substr(mark + 1));
}

void AddRole(OfflineQuestion& question, std::string_view role, const std::string& reference) {
  if (!reference.empty()) question.endorsements.push_back({std::string(role), tests::ReadVector(reference)});
}

TEST(OfflineVectors, SnpReports) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_snp.tsv")) {
    OfflineQuestion question;
    question.file = tests::ReadVector(row["report"]);
    AddRole(question, "leaf", row["leaf"]);
    AddRole(question, "chain", row["chain"]);
    question.at = TimeOf(row, "evaluate_at");
    ExpectAsTable(row, Judged(question), row["report"]);
  }
}

// Files of a cell, joined: the chain of the synthetic quotes is in two.
void AddJoined(OfflineQuestion& question, std::string_view role, const std::string& references) {
  base::Bytes all;
  std::istringstream names(references);
  for (std::string name; names >> name;) {
    const base::Bytes file = ReadReference(name);
    all.insert(all.end(), file.begin(), file.end());
  }
  if (!all.empty()) question.endorsements.push_back({std::string(role), std::move(all)});
}

TEST(OfflineVectors, SgxAndTdxQuotes) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_sgx_tdx.tsv")) {
    OfflineQuestion question;
    question.file = tests::ReadVector(row["quote"]);
    question.offset = static_cast<std::size_t>(std::stoul(row["quote_offset"]));
    AddJoined(question, "pck-chain", row["pck_chain_file"]);
    AddJoined(question, "tcb-info", row["tcb_info"]);
    AddJoined(question, "tcb-chain", row["json_signer_chain"]);
    AddJoined(question, "qe-identity", row["qe_identity"]);
    AddJoined(question, "qe-chain", row["qe_signer_chain"]);
    AddJoined(question, "pck-crl", row["pck_crl"]);
    AddJoined(question, "root-crl", row["root_crl"]);
    AddJoined(question, "crl-chain", row["crl_issuer_chain"]);
    if (row["trusted_root"] != "production") question.roots = {tests::ReadVector(row["trusted_root"])};
    question.at = TimeOf(row, "evaluate_at");
    ExpectAsTable(row, Judged(question), row["quote"]);
  }
}

TEST(OfflineVectors, NitroDocuments) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_nitro.tsv")) {
    if (row["code"] == "wrong-root") continue;  // needs other anchors than the makers'
    OfflineQuestion question;
    question.file = tests::ReadVector(row["document"]);
    question.at = TimeOf(row, "evaluate_at");
    ExpectAsTable(row, Judged(question), row["document"]);
  }
}

// Files of a TPM row after the first, by the role that their names tell.
void AddTpmParts(OfflineQuestion& question, const std::vector<std::string>& files) {
  for (std::size_t i = 1; i < files.size(); ++i) {
    if (files[i].ends_with("hcl-report.bin")) AddRole(question, "hardware-report", files[i]);
    if (files[i].ends_with("td-quote.bin")) AddRole(question, "td-quote", files[i]);
  }
  if (files.front().find("az-snp-vtpm") == std::string::npos) return;
  if (files.size() > 1) AddRole(question, "leaf", "tpm/trustee-az-snp-vtpm/vcek.pem");
  const bool genoa = files.front().find("genoa") != std::string::npos;
  AddRole(question, "chain",
          genoa ? "snp/go-sev-guest/ask_ark_genoa.pem" : "snp/go-sev-guest/ask_ark_milan.pem");
}

TEST(OfflineVectors, TpmQuotes) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  for (const tests::VectorRow& row : tests::ReadVectorTable("verdicts_tpm.tsv")) {
    const std::vector<std::string> files = tests::SplitReferences(row["evidence"]);
    // Certificates alone are no evidence (tpm_test.cc judges them), and a quote and its signature in two files have no
    // envelope.
    if (row["encoding"] == "PEM" || files.front().ends_with(".msg")) continue;
    OfflineQuestion question;
    question.file = tests::ReadVector(files.front());
    AddTpmParts(question, files);
    question.at = TimeOf(row, "evaluate_at");
    if (!row["nonce_hex"].empty() && row["nonce_hex"] != "empty")
      question.nonce = tests::FromHex(row["nonce_hex"]);
    ExpectAsTable(row, Judged(question), row["evidence"]);
  }
}

}  // namespace
}  // namespace blindai::verifier
