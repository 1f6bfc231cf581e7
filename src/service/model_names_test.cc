#include "service/model_names.h"

#include <gtest/gtest.h>

namespace blindai::service {
namespace {

using vocabulary::ModelId;

const Caller kAnna{"anna", 1, true, true};
const Caller kBert{"bert", 2, true, true};
const Caller kNobody = Caller::AnonymousWithAllRights();

class ModelNamesTest : public ::testing::Test {
 protected:
  void Publish(const Caller& owner, std::string_view id, Visibility visibility = Visibility::kLink) {
    const auto place = catalogue_.Reserve(owner, *ModelId::Parse(id));
    BLINDAI_CHECK(place.ok());
    catalogue_.Publish(**place,
                       {.id = *ModelId::Parse(id),
                        .owner = owner.tenant,
                        .sha256 = "",
                        .visibility = visibility,
                        .created = base::Time(),
                        .signature = {}},
                       nullptr);
  }
  // Owner and id of what was found, or the error's code.
  std::string Find(const Caller& caller, std::string_view name) {
    const auto found = FindByName(catalogue_, caller, name);
    return found.ok() ? (*found)->record.owner + ": " + (*found)->record.id.text() : found.error().code;
  }
  // The id that a deletion by this name takes, or the error's code.
  std::string OwnId(const Caller& caller, std::string_view name) {
    const auto id = FindOwnIdByName(catalogue_, caller, name);
    return id.ok() ? id->text() : id.error().code;
  }
  ModelCatalogue catalogue_{{}};
};

TEST_F(ModelNamesTest, ABareIdIsFoundInBothForms) {
  Publish(kAnna, "m");
  for (const Caller& caller : {kAnna, kBert, kNobody}) {
    EXPECT_EQ(Find(caller, "m"), "anna: m");
    EXPECT_EQ(Find(caller, "anna/m"), "anna: m");
    EXPECT_EQ(Find(caller, "bert/m"), "model-not-found");
  }
}

TEST_F(ModelNamesTest, AnIdWithItsUserIsFoundBareByThatUser) {
  Publish(kAnna, "anna/m");
  EXPECT_EQ(Find(kAnna, "m"), "anna: anna/m");
  EXPECT_EQ(Find(kBert, "m"), "model-not-found");
  EXPECT_EQ(Find(kBert, "anna/m"), "anna: anna/m");
}

TEST_F(ModelNamesTest, OnesOwnComesFirst) {
  Publish(kBert, "m");
  Publish(kAnna, "anna/m");
  EXPECT_EQ(Find(kAnna, "m"), "anna: anna/m");
  EXPECT_EQ(Find(kAnna, "bert/m"), "bert: m");
  EXPECT_EQ(Find(kNobody, "m"), "bert: m");
}

TEST_F(ModelNamesTest, NobodyCanTakeANameInAnothersNamespace) {
  EXPECT_EQ(IdForUpload(kBert, "anna/m").error().code, "model-namespace");
  EXPECT_EQ(IdForUpload(kNobody, "anna/m").error().code, "model-namespace");
  EXPECT_EQ(IdForUpload(kAnna, "anna/m")->text(), "anna/m");
  EXPECT_EQ(IdForUpload(kAnna, "m")->text(), "m");
  // The native API lets ids be chosen freely: such a model is not anna's, so "anna/m" does not find it.
  Publish(kBert, "anna/m");
  EXPECT_EQ(Find(kNobody, "anna/m"), "model-not-found");
}

TEST_F(ModelNamesTest, AModelThatMayNotBeRunIsNotFoundByAnyName) {
  Publish(kAnna, "m", Visibility::kPrivate);
  EXPECT_EQ(Find(kAnna, "anna/m"), "anna: m");
  EXPECT_EQ(Find(kBert, "m"), "model-not-found");
  EXPECT_EQ(Find(kBert, "anna/m"), "model-not-found");
}

TEST_F(ModelNamesTest, OnlyTheOwnerDeletesByWhicheverName) {
  Publish(kAnna, "m");
  Publish(kAnna, "anna/n");
  EXPECT_EQ(OwnId(kAnna, "m"), "m");
  EXPECT_EQ(OwnId(kAnna, "anna/m"), "m");
  EXPECT_EQ(OwnId(kAnna, "n"), "anna/n");
  EXPECT_EQ(OwnId(kAnna, "anna/n"), "anna/n");
  EXPECT_EQ(OwnId(kAnna, "bert/m"), "model-not-found");
  for (const char* name : {"m", "anna/m", "n", "anna/n", "bert/m"}) {
    EXPECT_EQ(OwnId(kBert, name), "model-not-found") << name;
    EXPECT_EQ(OwnId(kNobody, name), "model-not-found") << name;
  }
  EXPECT_EQ(OwnId(kAnna, "../m"), "model-id");
}

// The text names what was asked for, and never what is there: bert may run anna's model, and not delete it.
TEST_F(ModelNamesTest, ADeletionThatFindsNothingOfOnesOwnSaysTheNameAsItWasAsked) {
  Publish(kAnna, "m");
  const auto theirs = FindOwnIdByName(catalogue_, kBert, "anna/m");
  const auto unknown = FindOwnIdByName(catalogue_, kBert, "anna/x");
  std::string text = unknown.error().message;
  text.replace(text.find("anna/x"), 6, "anna/m");
  EXPECT_EQ(theirs.error().message, text);
}

// Fault 9 and 14 of the original: names that could be paths are refused, and an unknown name ends at once.
TEST_F(ModelNamesTest, WhatIsNoIdIsRefused) {
  constexpr std::string_view kNames[] = {"",      "/",    "..",   "../m", "/m",
                                         "a/b/c", "a\\b", "a//b", "m\n",  {"m\0", 2}};
  for (const std::string_view name : kNames) {
    EXPECT_EQ(IdForUpload(kAnna, name).error().code, "model-id") << name;
    EXPECT_EQ(Find(kAnna, name), "model-id") << name;
  }
  EXPECT_EQ(Find(kNobody, "unknown"), "model-not-found");
  EXPECT_EQ(Find(kNobody, "anonymous/unknown"), "model-not-found");
}

}  // namespace
}  // namespace blindai::service
