// Real quotes and collateral: every row of verdicts_sgx_tdx.tsv and verdicts_collateral.tsv, each judged at
// its own time, and every bit that is signed, flipped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "attestation/endorsements/dcap_collateral.h"
#include "attestation/verifier/appraise.h"
#include "attestation/verifier/dcap.h"
#include "crypto/certificate_chain.h"
#include "support/paths.h"
#include "support/vectors.h"
#include "support/verdict_rows.h"

namespace blindai::verifier {
namespace {

namespace name = endorsements::name;
using base::Bytes;
using base::ByteView;
using endorsements::StatementKind;
using evidence::DcapQuote;
using evidence::TeeKind;
using tests::VectorRow;

constexpr auto kDay = std::chrono::days(1);

Bytes Statement(StatementKind kind, const std::string& reference) {
  const Bytes text = tests::ReadVector(reference);
  if (reference.find('#') == std::string::npos) return text;
  // dcap-qvl keeps statement and signature in two fields.
  return endorsements::JoinStatement(kind, base::AsText(text),
                                     base::AsText(tests::ReadVector(reference + "_signature")));
}

endorsements::Endorsements CollateralOf(const VectorRow& row) {
  endorsements::Endorsements collateral;
  const auto add = [&collateral](std::string_view which, Bytes bytes) {
    EXPECT_TRUE(collateral.Add(which, std::move(bytes)).ok()) << which;
  };
  if (!row["tcb_info"].empty()) add(name::kTcbInfo, Statement(StatementKind::kTcbInfo, row["tcb_info"]));
  if (!row["qe_identity"].empty())
    add(name::kQeIdentity, Statement(StatementKind::kQeIdentity, row["qe_identity"]));
  const std::pair<std::string_view, const char*> kParts[] = {{name::kTcbChain, "json_signer_chain"},
                                                             {name::kQeChain, "qe_signer_chain"},
                                                             {name::kPckCrl, "pck_crl"},
                                                             {name::kRootCrl, "root_crl"},
                                                             {name::kCrlChain, "crl_issuer_chain"}};
  for (const auto& [which, column] : kParts) {
    if (!row[column].empty()) add(which, tests::ReadVector(row[column]));
  }
  if (!row["pck_chain_file"].empty()) {
    Bytes chain;
    std::istringstream files(row["pck_chain_file"]);
    for (std::string file; files >> file;) {
      const Bytes one = tests::ReadVector(file);
      chain.insert(chain.end(), one.begin(), one.end());
      chain.push_back('\n');
    }
    add(name::kPckChain, std::move(chain));
  }
  return collateral;
}

TrustAnchors AnchorsOf(const VectorRow& row) {
  TrustAnchors anchors = TrustAnchors::Production();
  if (row["trusted_root"] == "production") return anchors;
  const auto root = crypto::Certificate::FromPem(base::AsText(tests::ReadVector(row["trusted_root"])));
  EXPECT_TRUE(root.ok());
  anchors.AddExtra(row["trusted_root"], root->public_key().SpkiSha256(), root->der());
  return anchors;
}

DcapQuote QuoteOf(const VectorRow& row) {
  const Bytes file = tests::ReadVector(row["quote"]);
  auto quote = evidence::ParseDcapQuote(ByteView(file).subspan(std::stoul(row["quote_offset"])));
  EXPECT_TRUE(quote.ok()) << quote.error().message;
  return std::move(*quote);
}

// The time of the row; rows that need none are judged when their certificates were good.
base::Time TimeOf(const VectorRow& row) {
  for (const char* column : {"evaluate_at", "valid_from"}) {
    if (!row[column].empty()) return *base::ParseTime(row[column]);
  }
  return *base::ParseTime("2025-01-01");
}

// Measurements and identities of this very quote; attributes and patch levels as strict as by default.
policy::AcceptBlock BlockFor(const DcapQuote& quote) {
  policy::AcceptBlock block;
  if (const evidence::TdReport* td = quote.td()) {
    policy::TdxRules rules;
    rules.mrtd = {td->mrtd};
    for (int i = 0; i < 4; ++i) rules.rtmr[i] = {td->rtmr[static_cast<std::size_t>(i)]};
    rules.mr_config_id = td->mr_config_id;
    rules.mr_owner = td->mr_owner;
    rules.mr_owner_config = td->mr_owner_config;
    block.rules = rules;
  } else {
    policy::SgxRules rules;
    rules.mrenclave = {quote.sgx()->mrenclave};
    rules.config_id = quote.sgx()->config_id;
    rules.extended_product_id = quote.sgx()->extended_product_id;
    rules.family_id = quote.sgx()->family_id;
    block.rules = rules;
  }
  return block;
}

// A policy that names the attributes of this very quote.
void AcceptItsAttributes(policy::AcceptBlock& block, const DcapQuote& quote) {
  if (auto* tdx = std::get_if<policy::TdxRules>(&block.rules)) {
    tdx->td_attributes = {quote.td()->td_attributes, ~std::uint64_t{0}};
  } else {
    auto& sgx = std::get<policy::SgxRules>(block.rules);
    sgx.attributes_flags = {quote.sgx()->attributes_flags, ~std::uint64_t{0}};
    sgx.attributes_xfrm = {quote.sgx()->attributes_xfrm, ~std::uint64_t{0}};
  }
}

void AcceptItsTcb(policy::AcceptBlock& block, const VectorRow& row) {
  policy::DcapTcbRules tcb;
  tcb.statuses = {*evidence::TcbStatusFromName(row["tcb_status"])};
  std::istringstream ids(row["advisories"]);
  for (std::string id; std::getline(ids, id, ',');) tcb.advisories.push_back(id.substr(id.find(':') + 1));
  std::visit(
      [&tcb](auto& rules) {
        if constexpr (requires { rules.platform.ppid; }) rules.tcb = tcb;
      },
      block.rules);
}

Verdict JudgeRow(const VectorRow& row, const DcapQuote& quote, const policy::AcceptBlock& block,
                 base::Time now) {
  const policy::Policy policy{{block}};
  Question question;
  question.policy = &policy;
  question.report_data = quote.report_data();
  question.now = now;
  return Judge(quote, CollateralOf(row), AnchorsOf(row), question);
}

std::string Claim(const Verdict& verdict, std::string_view name) {
  for (const auto& [claim, text] : verdict.claims) {
    if (claim == name) return text;
  }
  return "";
}

void ExpectClaimsOfRow(const VectorRow& row, const Verdict& verdict) {
  EXPECT_EQ(Claim(verdict, "tcb_status"), row["tcb_status"]);
  EXPECT_EQ(Claim(verdict, "tcb_sgx_level"), row["sgx_level"]);
  EXPECT_EQ(Claim(verdict, "tcb_qe"), row["qe_status"]);
  const std::string module = row["module_status"] == "fixed-ok" ? "" : row["module_status"];
  EXPECT_EQ(Claim(verdict, "tcb_module"), module);
  EXPECT_EQ(Claim(verdict, "tcb_date").substr(0, 10), row["tcb_date"]);
  EXPECT_EQ(Claim(verdict, "advisories"), row["advisories"].empty() ? "none" : row["advisories"]);
  EXPECT_EQ(Claim(verdict, "fmspc"), row["fmspc"]);
}

TEST(DcapVectors, EveryRowOfTheQuoteTable) {
  const auto rows = tests::ReadVectorTable("verdicts_sgx_tdx.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  std::map<std::string, int> seen;
  for (const VectorRow& row : rows) {
    SCOPED_TRACE(row["quote"] + ", line " + std::to_string(row.line()));
    const DcapQuote quote = QuoteOf(row);
    policy::AcceptBlock block = BlockFor(quote);
    if (row["verdict"] == "accept" || row["verdict"] == "undecided") AcceptItsAttributes(block, quote);
    const Verdict verdict = JudgeRow(row, quote, block, TimeOf(row));
    ++seen[row["verdict"]];

    if (row["verdict"] == "accept") {
      EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << RenderText(verdict);
      ExpectClaimsOfRow(row, verdict);
      const Verdict later = JudgeRow(row, quote, block, *base::ParseTime(row["valid_to"]) + kDay);
      EXPECT_EQ(later.outcome, Outcome::kRefused) << RenderText(later);
      EXPECT_TRUE(later.Has("expired")) << RenderText(later);
    } else if (row["verdict"] == "undecided") {
      EXPECT_EQ(verdict.outcome, Outcome::kUndecided) << RenderText(verdict);
      EXPECT_TRUE(verdict.Has(row["code"])) << RenderText(verdict);
    } else {
      EXPECT_EQ(verdict.outcome, Outcome::kRefused) << RenderText(verdict);
      EXPECT_TRUE(verdict.Has(row["code"])) << RenderText(verdict);
    }
    if (row["verdict"] == "policy") {
      // The same evidence under a policy that admits what the row names.
      AcceptItsAttributes(block, quote);
      AcceptItsTcb(block, row);
      const Verdict admitted = JudgeRow(row, quote, block, TimeOf(row));
      EXPECT_EQ(admitted.outcome, Outcome::kTrusted) << RenderText(admitted);
      ExpectClaimsOfRow(row, admitted);
    }
  }
  EXPECT_GE(seen["accept"], 8);
  EXPECT_GE(seen["reject"], 18);
  EXPECT_GE(seen["policy"], 5);
  EXPECT_GE(seen["undecided"], 3);
}

// Findings about one statement alone: any quote serves, its own findings are not looked at.
std::vector<Finding> JudgeStatement(const VectorRow& row, base::Time now) {
  const auto table = tests::ReadVectorTable("verdicts_sgx_tdx.tsv");
  const bool tcb_info = row["kind"] == "TCB info";
  endorsements::Endorsements collateral;
  (void)collateral.Add(
      tcb_info ? name::kTcbInfo : name::kQeIdentity,
      Statement(tcb_info ? StatementKind::kTcbInfo : StatementKind::kQeIdentity, row["file"]));
  if (!row["signer_or_issuer"].empty()) {
    (void)collateral.Add(tcb_info ? name::kTcbChain : name::kQeChain,
                         tests::ReadVector(row["signer_or_issuer"]));
  }
  TrustAnchors anchors = TrustAnchors::Production();
  if (row["note"].find("SYNTHETIC") != std::string::npos) {
    const std::string folder = row["file"].substr(0, row["file"].rfind('/'));
    const auto root =
        crypto::Certificate::FromPem(base::AsText(tests::ReadVector(folder + "/trustedRootCaCert.pem")));
    anchors.AddExtra("synthetic", root->public_key().SpkiSha256(), root->der());
  }
  FindingList findings;
  (void)AuthenticateDcap(QuoteOf(table.front()), collateral, anchors, now, findings);
  const std::string prefix = tcb_info ? "TCB info" : "QE identity";
  std::vector<Finding> about;
  for (const Finding& finding : findings.findings()) {
    if (finding.check == prefix || finding.check == prefix + " signer") about.push_back(finding);
  }
  return about;
}

std::vector<std::string> FailedCodes(const std::vector<Finding>& findings) {
  std::vector<std::string> codes;
  for (const Finding& finding : findings) {
    if (finding.status == CheckStatus::kFailed) codes.push_back(finding.code);
  }
  return codes;
}

void ExpectStatementRow(const VectorRow& row) {
  const base::Time issued = *base::ParseTime(row["issued_or_this_update"]);
  const base::Time ends = *base::ParseTime(row["next_update"]);
  const auto findings = JudgeStatement(row, std::min(issued, ends) + std::chrono::hours(1));
  if (row["verdict"] == "reject") {
    EXPECT_THAT(FailedCodes(findings), testing::Contains(row["code"]));
    return;
  }
  EXPECT_THAT(FailedCodes(findings), testing::IsEmpty());
  const bool signature_passed = std::any_of(findings.begin(), findings.end(), [](const Finding& one) {
    return one.status == CheckStatus::kPassed && (one.check == "TCB info" || one.check == "QE identity");
  });
  EXPECT_TRUE(signature_passed);
  EXPECT_THAT(FailedCodes(JudgeStatement(row, ends + kDay)), testing::Contains("expired"));
  EXPECT_THAT(FailedCodes(JudgeStatement(row, issued - kDay)), testing::Contains("not-yet-valid"));
}

void ExpectCrlRow(const VectorRow& row) {
  const auto crl = endorsements::ReadCrl(tests::ReadVector(row["file"]));
  const auto chain = endorsements::ReadIssuerChain(tests::ReadVector(row["signer_or_issuer"]));
  ASSERT_TRUE(crl.ok() && chain.ok());
  const auto issuer = std::find_if(chain->begin(), chain->end(), [&crl](const crypto::Certificate& one) {
    return crl->HasIssuerName(one);
  });
  ASSERT_NE(issuer, chain->end());
  EXPECT_TRUE(crypto::CheckCrl(*crl, *issuer, crl->this_update()).empty());
  EXPECT_TRUE(crypto::CheckCrl(*crl, *issuer, crl->next_update()).empty());
  EXPECT_EQ(crypto::CheckCrl(*crl, *issuer, crl->next_update() + kDay).front().code, "crl-expired");
  EXPECT_EQ(crypto::CheckCrl(*crl, *issuer, crl->this_update() - kDay).front().code, "crl-not-yet-valid");
}

void ExpectNumbersRow(const VectorRow& row) {
  const Bytes file = tests::ReadVector(row["file"]);
  const auto statement = endorsements::ReadSignedStatement(StatementKind::kEvaluationNumbers, file);
  if (row["verdict"] == "reject") {
    EXPECT_EQ(statement.error().code, row["code"]);
    return;
  }
  ASSERT_TRUE(statement.ok()) << statement.error().message;
  const auto numbers = endorsements::ParseEvaluationNumbers(statement->text);
  ASSERT_TRUE(numbers.ok()) << numbers.error().message;
  EXPECT_EQ(base::FormatTime(numbers->dates.issued), row["issued_or_this_update"]);
  const auto chain = endorsements::ReadIssuerChain(file);
  ASSERT_TRUE(chain.ok());
  EXPECT_TRUE(chain->front().public_key().VerifyEcdsaRaw(
      crypto::HashAlgorithm::kSha256, base::AsBytes(statement->text), statement->signature.view()));
}

TEST(DcapVectors, EveryRowOfTheCollateralTable) {
  const auto rows = tests::ReadVectorTable("verdicts_collateral.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  for (const VectorRow& row : rows) {
    SCOPED_TRACE(row["file"] + ", line " + std::to_string(row.line()));
    if (row["kind"] == "CRL") {
      ExpectCrlRow(row);
    } else if (row["kind"] == "TCB evaluation data numbers") {
      ExpectNumbersRow(row);
    } else {
      ExpectStatementRow(row);
    }
  }
}

TEST(DcapVectors, TheIdentityOfTheVerificationEnclaveIsNoQuotingEnclave) {
  const auto rows = tests::ReadVectorTable("verdicts_collateral.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  int seen = 0;
  for (const VectorRow& row : rows) {
    if (row["id"] != "QVE") continue;
    const auto statement =
        endorsements::ReadSignedStatement(StatementKind::kQeIdentity, tests::ReadVector(row["file"]));
    EXPECT_EQ(endorsements::ParseQeIdentity(statement->text)->role, endorsements::EnclaveRole::kQve);
    ++seen;
  }
  EXPECT_EQ(seen, 1);
}

// One good row for each version and kind of quote.
std::vector<VectorRow> GoodRows() {
  std::vector<VectorRow> good;
  std::set<std::string> kinds;
  for (const VectorRow& row : tests::ReadVectorTable("verdicts_sgx_tdx.tsv")) {
    const bool usable =
        row["verdict"] == "accept" && row["trusted_root"] == "production" && row["quote_offset"] == "0";
    if (usable && kinds.insert(row["version"] + row["tee"]).second) good.push_back(row);
  }
  return good;
}

// Certification type and size stand between what is signed and the certificates, which are signed one by one.
constexpr std::size_t kCertificationHeaderSize = 6;

TEST(DcapVectors, EveryFlippedBitIsRefusedOrChangesNothing) {
  const auto rows = GoodRows();
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  EXPECT_EQ(rows.size(), 3u);
  for (const VectorRow& row : rows) {
    SCOPED_TRACE(row["quote"]);
    const DcapQuote good = QuoteOf(row);
    Bytes file = tests::ReadVector(row["quote"]);
    file.resize(good.quote_bytes);
    const auto collateral = CollateralOf(row);
    const TrustAnchors anchors = AnchorsOf(row);
    policy::AcceptBlock block = BlockFor(good);
    AcceptItsAttributes(block, good);
    const policy::Policy policy{{block}};
    Question question;
    question.policy = &policy;
    question.report_data = good.report_data();
    question.now = TimeOf(row);
    const Verdict before = Judge(good, collateral, anchors, question);
    ASSERT_EQ(before.outcome, Outcome::kTrusted);
    // Header and body, signature, attestation key, QE report with signature and authentication data: all are
    // covered.
    const std::size_t covered = good.quote_bytes - good.certification_data.size() - kCertificationHeaderSize;
    const auto judge = [&](std::size_t bit) -> std::optional<Verdict> {
      const auto quote = evidence::ParseDcapQuote(tests::WithBitFlipped(file, bit));
      if (!quote.ok()) return std::nullopt;
      return Judge(*quote, collateral, anchors, question);
    };
    for (std::size_t bit = 0; bit < 8 * covered; bit += tests::SignedBitStep(509)) {
      const auto after = judge(bit);
      const Outcome outcome = after ? after->outcome : Outcome::kRefused;
      ASSERT_EQ(outcome, Outcome::kRefused) << "bit " << bit << RenderText(*after);
    }
    // Without its type nobody finds the certificates; text around them is nobody's statement.
    for (std::size_t bit = 8 * covered; bit < 8 * good.quote_bytes; bit += tests::BitStep(509)) {
      const auto after = judge(bit);
      if (!after || after->outcome != Outcome::kTrusted) continue;
      ASSERT_EQ(after->claims, before.claims) << "bit " << bit;
    }
  }
}

TEST(DcapVectors, EveryTruncationIsRefused) {
  const auto rows = GoodRows();
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  for (const VectorRow& row : rows) {
    const Bytes file = tests::ReadVector(row["quote"]);
    const std::size_t size = QuoteOf(row).quote_bytes;
    for (std::size_t cut = 0; cut < size; ++cut) {
      EXPECT_FALSE(evidence::ParseDcapQuote(ByteView(file).first(cut)).ok()) << row["quote"] << " " << cut;
    }
  }
}

}  // namespace
}  // namespace blindai::verifier
