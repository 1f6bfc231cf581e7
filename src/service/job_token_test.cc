#include "service/job_token.h"

#include <gtest/gtest.h>

namespace blindai::service {
namespace {

using base::SecretBytes;

bool Same(const SecretBytes& left, const SecretBytes& right) {
  return base::ConstantTimeEqual(left.ExposeSecret(), right.ExposeSecret());
}

TEST(JobToken, SurvivesItsTextAndIsNeverTheSameTwice) {
  const SecretBytes token = NewJobToken();
  EXPECT_EQ(JobTokenText(token).size(), 64u);
  EXPECT_TRUE(Same(ParseJobToken(JobTokenText(token)), token));
  EXPECT_FALSE(Same(NewJobToken(), token));
}

TEST(JobToken, WhatIsNoTokenIsNobodys) {
  const std::string whole = JobTokenText(NewJobToken());
  for (const std::string& text : {std::string(), std::string("x"), whole.substr(1), whole + "0",
                                  whole + whole, std::string(64, 'g'), std::string(1 << 20, '0')}) {
    EXPECT_TRUE(Same(ParseJobToken(text), SecretBytes(kJobTokenBytes)));
  }
}

TEST(JobToken, CheckAndKeyAreOfOneTokenForOneJobAndNotEachOther) {
  const SecretBytes token = NewJobToken();
  const JobKeys keys = DeriveJobKeys(token, "a");
  EXPECT_TRUE(Same(DeriveJobKeys(token, "a").check, keys.check));
  EXPECT_TRUE(Same(DeriveJobKeys(token, "a").sealing, keys.sealing));
  EXPECT_FALSE(Same(DeriveJobKeys(token, "b").check, keys.check));
  EXPECT_FALSE(Same(DeriveJobKeys(token, "b").sealing, keys.sealing));
  EXPECT_FALSE(Same(DeriveJobKeys(NewJobToken(), "a").check, keys.check));
  EXPECT_FALSE(Same(keys.check, keys.sealing));
  EXPECT_FALSE(Same(keys.check, token));
}

TEST(JobToken, AResultIsReadWithItsOwnKeyAndIdOnly) {
  const JobKeys keys = DeriveJobKeys(NewJobToken(), "a");
  const base::Bytes sealed = SealJobResult(keys.sealing, "a", base::AsBytes("HELLO"));
  EXPECT_EQ(base::AsText(sealed).find("HELLO"), std::string_view::npos);
  const auto opened = OpenJobResult(keys.sealing, "a", sealed);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(base::AsText(opened->ExposeSecret()), "HELLO");
  EXPECT_EQ(OpenJobResult(keys.sealing, "b", sealed).error().code, "decryption-failed");
  EXPECT_EQ(OpenJobResult(DeriveJobKeys(NewJobToken(), "a").sealing, "a", sealed).error().code,
            "decryption-failed");
  base::Bytes changed = sealed;
  changed[0] ^= 1;
  EXPECT_EQ(OpenJobResult(keys.sealing, "a", changed).error().code, "decryption-failed");
}

}  // namespace
}  // namespace blindai::service
