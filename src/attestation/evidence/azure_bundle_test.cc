#include "attestation/evidence/azure_bundle.h"

#include <gtest/gtest.h>

#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::evidence {
namespace {

// A quote over no PCR at all.
constexpr std::string_view kAttest =
    "ff544347"
    "8018"
    "0000"
    "000101"
    "0000000000000000"
    "00000000"
    "00000000"
    "00"
    "0000000000000000"
    "00000000"
    "0000";

std::string Quote(std::string_view pcrs) {
  return R"({"message":")" + std::string(kAttest) + R"(","signature":"0102","pcrs":)" + std::string(pcrs) +
         "}";
}

std::string ErrorOf(std::string_view text) {
  const auto bundle = ParseAzureBundle(base::AsBytes(text));
  return bundle.ok() ? "" : bundle.error().message;
}

TEST(AzureBundle, ReadsAQuoteAlone) {
  const auto bundle = ParseAzureBundle(base::AsBytes(Quote("[]")));
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(bundle->tpm.attest.extra_data, (base::Bytes{1}));
  EXPECT_EQ(bundle->tpm.signature.scheme, TpmAlgorithm::kRsaSsa);
  EXPECT_EQ(bundle->tpm.signature.hash, TpmAlgorithm::kSha256);
  EXPECT_EQ(bundle->tpm.signature.rsa, (base::Bytes{1, 2}));
  EXPECT_TRUE(bundle->hcl_report.empty());
}

TEST(AzureBundle, ReadsBothSpellings) {
  const std::string arrays = R"({"quote":)" + Quote("[]") + R"(,"report":[1,2,255],"vcek":"-----BEGIN X"})";
  const auto first = ParseAzureBundle(base::AsBytes(arrays));
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first->hcl_report, (base::Bytes{1, 2, 255}));
  EXPECT_EQ(base::AsText(first->vcek), "-----BEGIN X");
  const std::string texts =
      R"({"version":1,"tpm_quote":)" + Quote("[]") + R"(,"hcl_report":"AQL_","td_quote":"AQI=","vcek":null})";
  const auto second = ParseAzureBundle(base::AsBytes(texts));
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_EQ(second->hcl_report, (base::Bytes{1, 2, 255}));
  EXPECT_EQ(second->td_quote, (base::Bytes{1, 2}));
  EXPECT_TRUE(second->vcek.empty());
}

TEST(AzureBundle, RefusesWhatIsWrong) {
  EXPECT_EQ(ErrorOf(""), "Azure evidence: not JSON");
  EXPECT_EQ(ErrorOf("[]"), "Azure evidence: an object is wanted");
  EXPECT_EQ(ErrorOf("{}"), "Azure evidence: quote: message is missing");
  EXPECT_NE(ErrorOf(Quote("3")), "");
  EXPECT_NE(ErrorOf(Quote(R"(["00"])")), "");
  EXPECT_NE(ErrorOf(Quote(R"([[256]])")), "");
  EXPECT_NE(ErrorOf(Quote(R"([["a"]])")), "");
  EXPECT_NE(ErrorOf(Quote(R"([true])")), "");
  EXPECT_EQ(ErrorOf(R"({"quote":)" + Quote("[]") + "}"), "Azure evidence: report is missing");
  EXPECT_NE(ErrorOf(R"({"quote":)" + Quote("[]") + R"(,"hcl_report":"===="})"), "");
  std::string many = "[";
  for (int i = 0; i < 25; ++i) many += (i == 0 ? "" : ",") + ("\"" + std::string(64, '0') + "\"");
  EXPECT_EQ(ErrorOf(Quote(many + "]")), "Azure evidence: quote: pcrs: more than 24 values");
  EXPECT_NE(ErrorOf(std::string(300 * 1024, ' ')), "");
  EXPECT_NE(ErrorOf(std::string(1000, '[')), "");
}

TEST(AzureBundle, RealBundlesAreRead) {
  const auto rows = tests::ReadVectorTable("verdicts_tpm.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  int read = 0;
  for (const auto& row : rows) {
    const std::string file = tests::SplitReferences(row["evidence"])[0];
    if (file.find("trustee-az") == std::string::npos || !file.ends_with(".json")) continue;
    const auto bundle = ParseAzureBundle(tests::ReadVector(file));
    ASSERT_TRUE(bundle.ok()) << file << ": " << bundle.error().message;
    EXPECT_EQ(bundle->tpm.pcrs.size(), 24u);
    EXPECT_EQ(tests::ToHex(bundle->tpm.attest.extra_data), row["nonce_hex"]) << file;
    ++read;
  }
  EXPECT_EQ(read, 8);
}

}  // namespace
}  // namespace blindai::evidence
