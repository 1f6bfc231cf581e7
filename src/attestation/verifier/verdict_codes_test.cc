// Every code that a finding can carry stands in docs/formats/verdict.md with cause and remedy.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "attestation/verifier/verdict.h"
#include "base/bytes.h"
#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::verifier {
namespace {

std::string ReadText(const std::filesystem::path& path) {
  return std::string(base::AsText(tests::ReadFile(path)));
}

// The words in `backquotes` in the first column of the page's tables.
std::set<std::string> DocumentedCodes() {
  const std::string page = ReadText(tests::SourceDir() / "docs/formats/verdict.md");
  static const std::regex kRow("\n\\| (`[^|]*`) \\|");
  static const std::regex kCode("`([a-z0-9-]+)`");
  std::set<std::string> codes;
  for (std::sregex_iterator row(page.begin(), page.end(), kRow), end; row != end; ++row) {
    const std::string cell = (*row)[1];
    for (std::sregex_iterator code(cell.begin(), cell.end(), kCode); code != end; ++code)
      codes.insert((*code)[1]);
  }
  return codes;
}

// The first argument of Check, Fail and CannotTell, where it is a literal.
std::set<std::string> CodesInSource(const std::filesystem::path& folder) {
  static const std::regex kCall("(Check|Fail|CannotTell|compare)\\(\\s*\"([a-z0-9-]+)\"");
  std::set<std::string> codes;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(".cc") || name.ends_with("_test.cc")) continue;
    const std::string text = ReadText(entry.path());
    for (std::sregex_iterator call(text.begin(), text.end(), kCall), end; call != end; ++call)
      codes.insert((*call)[2]);
  }
  return codes;
}

TEST(VerdictCodes, EveryCodeInTheSourceIsDocumented) {
  const std::set<std::string> documented = DocumentedCodes();
  std::set<std::string> used = CodesInSource(tests::SourceDir() / "src/attestation/verifier");
  used.merge(CodesInSource(tests::SourceDir() / "src/channel"));
  EXPECT_GE(used.size(), 12U) << "the pattern no longer finds the calls";
  for (const std::string& code : used)
    EXPECT_TRUE(documented.contains(code)) << code << " is not in verdict.md";
}

TEST(VerdictCodes, EveryReasonInTheTablesOfVectorsIsDocumented) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  const std::set<std::string> documented = DocumentedCodes();
  for (const char* table : {"verdicts_sgx_tdx.tsv", "verdicts_collateral.tsv", "verdicts_snp.tsv",
                            "verdicts_nitro.tsv", "verdicts_tpm.tsv", "verdicts_eventlog.tsv"}) {
    for (const tests::VectorRow& row : tests::ReadVectorTable(table)) {
      const std::string& code = row["code"];
      EXPECT_TRUE(code.empty() || documented.contains(code)) << table << ": " << code;
    }
  }
}

}  // namespace
}  // namespace blindai::verifier
