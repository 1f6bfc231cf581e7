#include "attestation/endorsements/endorsements.h"

#include <gtest/gtest.h>

namespace blindai::endorsements {
namespace {

TEST(Endorsements, WhatWasAddedIsFoundByItsName) {
  Endorsements endorsements;
  ASSERT_TRUE(endorsements.Add(name::kPckCrl, {1, 2}).ok());
  ASSERT_TRUE(endorsements.Add(name::kRootCrl, {}).ok());
  EXPECT_EQ(endorsements.Find("pck-crl")->size(), 2U);
  EXPECT_EQ(endorsements.Find("root-crl")->size(), 0U);
  EXPECT_EQ(endorsements.Find("tcb-info"), std::nullopt);
}

TEST(Endorsements, NamesAreLowerCaseWords) {
  Endorsements endorsements;
  EXPECT_TRUE(endorsements.Add(std::string(32, 'a'), {}).ok());
  for (const std::string& bad :
       {std::string(), std::string("Leaf"), std::string("a b"), std::string("a/b"), std::string(33, 'a')}) {
    EXPECT_EQ(endorsements.Add(bad, {}).error().code, "endorsement-name") << bad;
  }
}

TEST(Endorsements, ASecondOneOfTheSameNameIsRefused) {
  Endorsements endorsements;
  ASSERT_TRUE(endorsements.Add("leaf", {1}).ok());
  EXPECT_EQ(endorsements.Add("leaf", {2}).error().code, "endorsement-name");
  EXPECT_EQ((*endorsements.Find("leaf"))[0], 1);
}

TEST(Endorsements, EveryBoundHolds) {
  Endorsements big;
  EXPECT_EQ(big.Add("leaf", base::Bytes(kMaxEndorsementBytes + 1)).error().code, "too-large");
  for (const char* name : {"a", "b", "c", "d"})
    ASSERT_TRUE(big.Add(name, base::Bytes(kMaxEndorsementBytes)).ok());
  EXPECT_EQ(big.Add("leaf", {1}).error().code, "too-large");
  Endorsements many;
  for (std::size_t i = 0; i < kMaxEndorsements; ++i) ASSERT_TRUE(many.Add("n" + std::to_string(i), {}).ok());
  EXPECT_EQ(many.Add("leaf", {}).error().code, "too-large");
}

}  // namespace
}  // namespace blindai::endorsements
