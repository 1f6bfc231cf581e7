#include "service/model_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blindai::service {
namespace {

using base::Result;
using vocabulary::ModelId;

ModelId Id(std::string_view text) { return *ModelId::Parse(text); }

const Caller kAnna{"anna", 1, true, true};
const Caller kBert{"bert", 2, true, true};
const Caller kNobody{"anonymous", 0, false, true};

// A catalogue whose models have no worker: who may see what is the question here.
class ModelCatalogueTest : public ::testing::Test {
 protected:
  ModelRecord Publish(const Caller& owner, std::string_view id, Visibility visibility = Visibility::kPrivate,
                      std::uint64_t bytes = 1000) {
    const auto place = catalogue_.Reserve(owner, Id(id));
    BLINDAI_CHECK(place.ok());
    ModelRecord record{.id = Id(id),
                       .owner = owner.tenant,
                       .sha256 = "",
                       .bytes = bytes,
                       .visibility = visibility,
                       .created = {},
                       .signature = {}};
    return catalogue_.Publish(**place, record, nullptr);
  }
  std::string ErrorOf(const Caller& caller, std::string_view id) {
    const auto found = catalogue_.Find(caller, Id(id));
    return found.ok() ? "found" : found.error().code;
  }
  std::vector<std::string> Listed(const Caller& caller) {
    std::vector<std::string> ids;
    for (const auto& served : catalogue_.List(caller)) ids.push_back(served->record.id.text());
    return ids;
  }
  ModelCatalogue catalogue_{{.models_per_tenant = 2, .resident_bytes = std::uint64_t{1} << 30}};
};

TEST_F(ModelCatalogueTest, VisibilityDecidesWhoMayRun) {
  struct Row {
    Visibility visibility;
    const char* another_account;
    const char* nobody;
  };
  const Row rows[] = {{Visibility::kPrivate, "model-not-found", "model-not-found"},
                      {Visibility::kLink, "found", "found"},
                      {Visibility::kTenants, "found", "model-not-found"},
                      {Visibility::kPublic, "found", "found"}};
  for (const Row& row : rows) {
    Publish(kAnna, "m", row.visibility);
    EXPECT_EQ(ErrorOf(kAnna, "m"), "found");
    EXPECT_EQ(ErrorOf(kBert, "m"), row.another_account) << VisibilityName(row.visibility);
    EXPECT_EQ(ErrorOf(kNobody, "m"), row.nobody) << VisibilityName(row.visibility);
  }
}

// Not only the same answer: the same steps, which the looks at the clock count.
TEST_F(ModelCatalogueTest, UnknownNotYoursAndOverTakeTheSameSteps) {
  int looks = 0;
  ModelCatalogue catalogue({.now = [&looks] {
    ++looks;
    return base::Time(std::chrono::seconds(100));
  }});
  const auto publish = [&](std::string_view id, std::optional<base::Time> expires) {
    const auto place = catalogue.Reserve(kAnna, Id(id));
    catalogue.Publish(**place,
                      {.id = Id(id),
                       .owner = "anna",
                       .sha256 = std::string(64, 'a'),
                       .visibility = Visibility::kPrivate,
                       .created = {},
                       .signature = {},
                       .expires = expires},
                      nullptr);
  };
  publish("private", std::nullopt);
  publish("over", base::Time(std::chrono::seconds(99)));
  const auto looks_of = [&](const auto& ask) {
    looks = 0;
    ask();
    return looks;
  };
  for (const char* id : {"unknown", "private", "over"}) {
    EXPECT_EQ(looks_of([&] { EXPECT_FALSE(catalogue.Find(kBert, Id(id)).ok()); }), 1) << id;
    EXPECT_EQ(looks_of([&] { EXPECT_FALSE(catalogue.FindOwn(kBert, Id(id)).ok()); }), 1) << id;
  }
  // Every model is judged, whatever digest it has.
  for (const char letter : {'a', 'b'}) {
    EXPECT_EQ(looks_of([&] { EXPECT_FALSE(catalogue.FindBySha256(kBert, std::string(64, letter)).ok()); }),
              2);
  }
  EXPECT_TRUE(catalogue.FindBySha256(kAnna, std::string(64, 'a')).ok());
}

TEST_F(ModelCatalogueTest, AModelSharedByLinkIsNotListedToOthers) {
  Publish(kAnna, "by-link", Visibility::kLink);
  Publish(kAnna, "for-all", Visibility::kPublic);
  EXPECT_THAT(Listed(kAnna), testing::ElementsAre("by-link", "for-all"));
  EXPECT_THAT(Listed(kBert), testing::ElementsAre("for-all"));
}

TEST_F(ModelCatalogueTest, AHashFindsTheNewestOfOnesOwnAndOfWhatIsListed) {
  const auto publish = [this](const Caller& owner, std::string_view id, Visibility visibility, int created) {
    const auto place = catalogue_.Reserve(owner, Id(id));
    BLINDAI_CHECK(place.ok());
    catalogue_.Publish(**place,
                       {.id = Id(id),
                        .owner = owner.tenant,
                        .sha256 = "abc",
                        .visibility = visibility,
                        .created = base::Time(std::chrono::seconds(created)),
                        .signature = {}},
                       nullptr);
  };
  const auto find = [this](const Caller& caller, std::string_view sha256) {
    const auto found = catalogue_.FindBySha256(caller, sha256);
    return found.ok() ? (*found)->record.id.text() : found.error().code;
  };
  publish(kAnna, "old", Visibility::kPrivate, 1);
  publish(kAnna, "new", Visibility::kLink, 2);
  EXPECT_EQ(find(kAnna, "abc"), "new");
  EXPECT_EQ(find(kAnna, "abd"), "model-not-found");
  // Who has the file does not thereby know an id that was shared by link.
  EXPECT_EQ(find(kBert, "abc"), "model-not-found");
  publish(kBert, "shown", Visibility::kPublic, 0);
  EXPECT_EQ(find(kNobody, "abc"), "shown");
  EXPECT_EQ(find(kAnna, "abc"), "new");
}

TEST_F(ModelCatalogueTest, UnknownAndNotYoursAreTheSameAnswer) {
  Publish(kAnna, "hers");
  const auto hers = catalogue_.Find(kBert, Id("hers"));
  const auto unknown = catalogue_.Find(kBert, Id("none"));
  EXPECT_EQ(hers.error().code, unknown.error().code);
  EXPECT_EQ(catalogue_.Remove(kBert, Id("hers")).error().code, "model-not-found");
  EXPECT_EQ(ErrorOf(kAnna, "hers"), "found");
}

TEST_F(ModelCatalogueTest, AnIdBelongsToWhoTookItFirst) {
  Publish(kAnna, "m", Visibility::kPublic);
  EXPECT_EQ(catalogue_.Reserve(kBert, Id("m")).error().code, "model-id-taken");
}

TEST_F(ModelCatalogueTest, ReplacingCountsUpTheVersionAndTakesNoMoreQuota) {
  EXPECT_EQ(Publish(kAnna, "a").version, 1u);
  Publish(kAnna, "b");
  EXPECT_EQ(Publish(kAnna, "a").version, 2u);
  EXPECT_EQ(catalogue_.Reserve(kAnna, Id("c")).error().code, "model-quota");
  EXPECT_TRUE(catalogue_.Reserve(kBert, Id("c")).ok());
}

TEST_F(ModelCatalogueTest, UploadsUnderWayCountTowardsTheQuotaAndGiveTheirPlaceBack) {
  Publish(kAnna, "a");
  {
    const auto place = catalogue_.Reserve(kAnna, Id("b"));
    EXPECT_TRUE(place.ok());
    EXPECT_EQ(catalogue_.Reserve(kAnna, Id("b")).error().code, "upload-in-progress");
    EXPECT_EQ(catalogue_.Reserve(kAnna, Id("c")).error().code, "model-quota");
    EXPECT_EQ(catalogue_.uploads(), 1u);
  }
  EXPECT_TRUE(catalogue_.Reserve(kAnna, Id("c")).ok());
}

TEST_F(ModelCatalogueTest, WhatModelsAreExpectedToNeedIsBounded) {
  Publish(kAnna, "large", Visibility::kPrivate, 400 << 20);
  const auto place = catalogue_.Reserve(kBert, Id("other"));
  EXPECT_TRUE((*place)->ExpectBytes(10 << 20).ok());
  EXPECT_EQ((*place)->ExpectBytes(400 << 20).error().code, "memory-full");
  EXPECT_EQ(catalogue_.Remove(kAnna, Id("large")).ok(), true);
  EXPECT_TRUE((*place)->ExpectBytes(400 << 20).ok());
}

TEST_F(ModelCatalogueTest, RemovingEverythingLeavesNothing) {
  Publish(kAnna, "a");
  EXPECT_EQ(catalogue_.RemoveAll().size(), 1u);
  EXPECT_EQ(catalogue_.size(), 0u);
  EXPECT_EQ(ErrorOf(kAnna, "a"), "model-not-found");
}

}  // namespace
}  // namespace blindai::service
