#include "model/onnx_facts.h"

#include <gtest/gtest.h>

namespace blindai::model::onnx {
namespace {

TEST(OnnxFacts, QuotesNamesInABoundedPlainForm) {
  EXPECT_EQ(Quoted("/encoder/layers.0/MatMul_1:0"), "'/encoder/layers.0/MatMul_1:0'");
  EXPECT_EQ(Quoted(""), "''");
  EXPECT_EQ(Quoted("a\n\x1b<'\xc3\xa9"), "'a" + std::string(6, '?') + "'");
  EXPECT_EQ(Quoted(std::string(64, 'n')), "'" + std::string(64, 'n') + "'");
  EXPECT_EQ(Quoted(std::string(65, 'n')), "'" + std::string(64, 'n') + "...'");
}

TEST(OnnxFacts, GivesEachNameOneNumber) {
  Names names;
  EXPECT_EQ(names.Intern(""), kNoName);
  const NameId x = names.Intern("x");
  const NameId y = names.Intern("y");
  EXPECT_NE(x, y);
  EXPECT_EQ(names.Intern("x"), x);
  EXPECT_EQ(names.Text(y), "y");
  EXPECT_EQ(names.size(), 3u);
}

TEST(OnnxFacts, ServesNoElementTypeThatTheEngineGetsWrong) {
  EXPECT_EQ(ElementBytes(kFloat), 4u);
  EXPECT_EQ(ElementBytes(kBfloat16), 2u);
  EXPECT_EQ(ElementBytes(kInt64), 8u);
  EXPECT_EQ(ElementBytes(kDouble), 8u);
  EXPECT_EQ(ElementBytes(kUint64), 8u);
  for (const int refused : {0, 8, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 99, -1}) {
    EXPECT_EQ(ElementBytes(refused), 0u) << refused;
  }
  EXPECT_EQ(ElementTypeName(11), "FP64");
  EXPECT_EQ(ElementTypeName(99), "type 99");
  EXPECT_TRUE(IsInteger(kUint8));
  EXPECT_FALSE(IsInteger(kBool));
}

TEST(OnnxFacts, KnowsWhichIntegersTheEngineComputesRight) {
  for (const std::int64_t fits : {std::int64_t{0}, std::int64_t{INT32_MAX}, std::int64_t{INT32_MIN},
                                  INT64_MAX, INT64_MIN, INT64_MIN + 1}) {
    EXPECT_TRUE(FitsEngine(fits)) << fits;
  }
  for (const std::int64_t cut :
       {std::int64_t{INT32_MAX} + 1, std::int64_t{INT32_MIN} - 1, (std::int64_t{1} << 40) + 1}) {
    EXPECT_FALSE(FitsEngine(cut)) << cut;
  }
}

}  // namespace
}  // namespace blindai::model::onnx
