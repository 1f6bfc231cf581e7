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
  explicit ModelCatalogueTest(CatalogueLimits limits = {.models_per_tenant = 2,
                                                        .resident_bytes = std::uint64_t{1} << 30})
      : catalogue_(std::move(limits)) {}
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
  // What an upload of Anna's with this change becomes: its version, or the code of the refusal.
  std::string Upload(std::string_view id, const VersionChange& change) {
    const auto place = catalogue_.Reserve(kAnna, Id(id), change);
    if (!place.ok()) return place.error().code;
    ModelRecord record{.id = Id(id), .owner = "anna", .created = {}, .signature = {}};
    return std::to_string(catalogue_.Publish(**place, record, nullptr).version);
  }
  std::string Change(std::string_view id, const VersionChange& change) {
    const auto place = catalogue_.ReserveToChange(kAnna, Id(id), change);
    if (!place.ok()) return place.error().code;
    catalogue_.Apply(**place);
    return "ok";
  }
  std::string Delete(std::string_view id, std::string_view version = "") {
    const auto place = catalogue_.ReserveToDelete(kAnna, Id(id), version);
    if (!place.ok()) return place.error().code;
    catalogue_.Apply(**place);
    return "ok";
  }
  // "1(stable) 2": what Anna's model serves, each version with its labels.
  std::string Versions(std::string_view id) {
    std::string text;
    for (const auto& served : catalogue_.VersionsOf(kAnna, Id(id))) {
      text += (text.empty() ? "" : " ") + std::to_string(served->record.version);
      for (const std::string& label : served->record.labels) text += "(" + label + ")";
    }
    return text;
  }
  // The number that is found, or the code.
  std::string Found(const Caller& caller, std::string_view id, std::string_view version) {
    const auto found = catalogue_.Find(caller, Id(id), version);
    return found.ok() ? std::to_string((*found)->record.version) : found.error().code;
  }
  static VersionChange Policy(std::string_view text, std::string label = "") {
    return {.policy = *vocabulary::VersionPolicy::Parse(text), .label = std::move(label)};
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
  ModelCatalogue catalogue_;
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
    for (const char* version : {"1", "2", "stable", "?"}) {
      EXPECT_EQ(looks_of([&] { EXPECT_FALSE(catalogue.Find(kBert, Id(id), version).ok()); }), 1) << id;
    }
    EXPECT_EQ(looks_of([&] { EXPECT_FALSE(catalogue.ReserveToDelete(kBert, Id(id), "").ok()); }), 1) << id;
    EXPECT_EQ(looks_of([&] { EXPECT_FALSE(catalogue.ReserveToChange(kBert, Id(id), {}).ok()); }), 1) << id;
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
  EXPECT_EQ(catalogue_.ReserveToDelete(kBert, Id("hers"), "").error().code, "model-not-found");
  EXPECT_EQ(catalogue_.ReserveToChange(kBert, Id("hers"), {}).error().code, "model-not-found");
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
  Delete("large");
  EXPECT_TRUE((*place)->ExpectBytes(400 << 20).ok());
}

// ---- versions

class VersionsTest : public ModelCatalogueTest {
 protected:
  VersionsTest() : ModelCatalogueTest(CatalogueLimits{.now = [this] { return now_; }}) {}
  base::Time now_{std::chrono::seconds(100)};
};

TEST_F(VersionsTest, APolicySaysWhichStayAndHoldsForLaterUploads) {
  EXPECT_EQ(Upload("m", {}), "1");
  EXPECT_EQ(Upload("m", {}), "2");
  EXPECT_EQ(Versions("m"), "2");
  EXPECT_EQ(Upload("m", Policy("latest:2")), "3");
  EXPECT_EQ(Versions("m"), "2 3");
  EXPECT_EQ(Upload("m", {}), "4");
  EXPECT_EQ(Versions("m"), "3 4");
  EXPECT_EQ(Upload("m", Policy("all")), "5");
  EXPECT_EQ(Versions("m"), "3 4 5");
  EXPECT_EQ(Upload("m", Policy("specific:4,6")), "6");
  EXPECT_EQ(Versions("m"), "4 6");
  EXPECT_EQ(Change("m", Policy("latest")), "ok");
  EXPECT_EQ(Versions("m"), "6");
  EXPECT_EQ(catalogue_.size(), 1u);
}

TEST_F(VersionsTest, WithoutAVersionTheHighestIsFoundAndEachByItsNumberOrLabel) {
  Upload("m", Policy("all", "stable"));
  Upload("m", {});
  EXPECT_EQ(Found(kAnna, "m", ""), "2");
  EXPECT_EQ(Found(kAnna, "m", "1"), "1");
  EXPECT_EQ(Found(kAnna, "m", "2"), "2");
  EXPECT_EQ(Found(kAnna, "m", "stable"), "1");
  // By link, as the model itself.
  EXPECT_EQ(Found(kBert, "m", "stable"), "1");
  for (const char* unknown : {"3", "0", "01", "canary", "Stable", " 1", "-1"})
    EXPECT_EQ(Found(kAnna, "m", unknown), "model-not-found") << unknown;
  // An unknown version is the same answer as an unknown model.
  EXPECT_EQ(catalogue_.Find(kAnna, Id("m"), "3").error().message, ModelCatalogue::NotFound(Id("m")).message);
}

TEST_F(VersionsTest, EachVersionIsSeenByThoseItIsFor) {
  Publish(kAnna, "m", Visibility::kPublic);
  EXPECT_EQ(Change("m", Policy("all")), "ok");
  Publish(kAnna, "m", Visibility::kPrivate);
  EXPECT_EQ(Found(kBert, "m", "1"), "1");
  EXPECT_EQ(Found(kBert, "m", "2"), "model-not-found");
  EXPECT_EQ(Found(kBert, "m", ""), "model-not-found") << "the highest one, and nothing else";
  EXPECT_EQ(catalogue_.VersionsOf(kBert, Id("m")).size(), 1u);
  EXPECT_EQ(catalogue_.ListVersions(kBert).size(), 1u);
  EXPECT_EQ(catalogue_.ListVersions(kAnna).size(), 2u);
  ASSERT_EQ(catalogue_.List(kAnna).size(), 1u);
  EXPECT_EQ(catalogue_.List(kAnna)[0]->record.version, 2u);
}

TEST_F(VersionsTest, ALabelKeepsItsVersionMovesInOneStepAndGoesWithIt) {
  EXPECT_EQ(Upload("m", {.label = "stable"}), "1");
  EXPECT_EQ(Upload("m", {}), "2");
  EXPECT_EQ(Upload("m", {}), "3");
  EXPECT_EQ(Versions("m"), "1(stable) 3");
  EXPECT_EQ(Upload("m", {.label = "canary"}), "4");
  EXPECT_EQ(Versions("m"), "1(stable) 4(canary)");
  // What no label and no policy keeps any more goes in the same step.
  EXPECT_EQ(Change("m", {.labels = {{"stable", 4}}}), "ok");
  EXPECT_EQ(Versions("m"), "4(canary)(stable)");
  EXPECT_EQ(Upload("m", {.label = "canary"}), "5");
  EXPECT_EQ(Versions("m"), "4(stable) 5(canary)");
  EXPECT_EQ(Delete("m", "stable"), "ok");
  EXPECT_EQ(Versions("m"), "5(canary)");
  EXPECT_EQ(Found(kAnna, "m", "stable"), "model-not-found");
  EXPECT_EQ(Change("m", {.labels = {{"canary", std::nullopt}, {"none", std::nullopt}}}), "ok");
  EXPECT_EQ(Versions("m"), "5");
}

TEST_F(VersionsTest, WhatWouldServeNothingIsRefusedAndChangesNothing) {
  EXPECT_EQ(Upload("m", Policy("specific:2")), "version-policy");
  EXPECT_EQ(Upload("m", Policy("specific:2", "first")), "1") << "its label keeps it";
  EXPECT_EQ(Upload("m", Policy("specific:1")), "version-policy");
  EXPECT_EQ(Change("m", {.policy = *vocabulary::VersionPolicy::Parse("specific:9"),
                         .labels = {{"first", std::nullopt}}}),
            "version-policy");
  EXPECT_EQ(Change("m", {.labels = {{"second", 2}}}), "model-not-found");
  EXPECT_EQ(Versions("m"), "1(first)");
  VersionChange many;
  for (std::size_t i = 0; i < vocabulary::kMaxVersionLabels; ++i) many.labels["l" + std::to_string(i)] = 1;
  EXPECT_EQ(Change("m", many), "version-label");
  many.labels["first"] = std::nullopt;
  EXPECT_EQ(Change("m", many), "ok");
}

TEST_F(VersionsTest, NoNumberIsGivenTwiceWhileTheIdIsThere) {
  Upload("m", Policy("all"));
  Upload("m", {});
  EXPECT_EQ(Delete("m", "2"), "ok");
  EXPECT_EQ(Upload("m", {}), "3");
  EXPECT_EQ(Versions("m"), "1 3");
  EXPECT_EQ(Delete("m", "2"), "model-not-found");
  EXPECT_EQ(Delete("m"), "ok");
  EXPECT_EQ(Upload("m", {}), "1");
}

TEST_F(VersionsTest, AnIdHasOneChangeAtATime) {
  Upload("m", Policy("all"));
  const auto upload = catalogue_.Reserve(kAnna, Id("m"));
  ASSERT_TRUE(upload.ok());
  EXPECT_EQ(Upload("m", {}), "upload-in-progress");
  EXPECT_EQ(Change("m", Policy("latest")), "upload-in-progress");
  EXPECT_EQ(Delete("m", "1"), "upload-in-progress");
  EXPECT_EQ(Delete("m"), "upload-in-progress");
}

TEST_F(VersionsTest, WhoFoundAVersionKeepsItWhenItGoes) {
  Upload("m", {});
  const auto found = *catalogue_.Find(kAnna, Id("m"));
  Upload("m", {});
  EXPECT_EQ(found->record.version, 1u);
  EXPECT_EQ(found.use_count(), 1) << "the catalogue holds it no more";
}

TEST_F(VersionsTest, AVersionWhoseTimeIsOverIsPassedOver) {
  Upload("m", Policy("all"));
  const auto place = catalogue_.Reserve(kAnna, Id("m"));
  catalogue_.Publish(**place,
                     {.id = Id("m"),
                      .owner = "anna",
                      .created = {},
                      .signature = {},
                      .expires = now_ + std::chrono::seconds(10)},
                     nullptr);
  EXPECT_EQ(Found(kAnna, "m", ""), "2");
  now_ += std::chrono::seconds(10);
  EXPECT_EQ(Found(kAnna, "m", ""), "1");
  EXPECT_EQ(Found(kAnna, "m", "2"), "model-not-found");
  EXPECT_EQ(Versions("m"), "1");
}

TEST_F(VersionsTest, TheNewestVersionSaysWhetherTheModelIsTheDefault) {
  const auto publish = [this](bool is_default) {
    const auto place = catalogue_.Reserve(kAnna, Id("m"), Policy("all"));
    ModelRecord record{.id = Id("m"), .owner = "anna", .created = {}, .signature = {}};
    record.is_default = is_default;
    catalogue_.Publish(**place, record, nullptr);
    return catalogue_.DefaultOf(kAnna) != nullptr;
  };
  EXPECT_TRUE(publish(true));
  EXPECT_FALSE(publish(false));
  EXPECT_TRUE(publish(true));
}

TEST_F(ModelCatalogueTest, EachVersionCountsTowardsTheQuota) {
  EXPECT_EQ(Upload("m", Policy("all")), "1");
  EXPECT_EQ(Upload("m", {}), "2");
  EXPECT_EQ(Upload("m", {}), "model-quota");
  EXPECT_EQ(Upload("n", {}), "model-quota");
  // What takes away as many as it brings finds room.
  EXPECT_EQ(Upload("m", Policy("latest:2")), "3");
  EXPECT_EQ(Upload("m", Policy("latest")), "4");
  EXPECT_EQ(Upload("n", {}), "1");
}

// ---- after a restart

TEST(SettledVersions, TheHighestSaysWhichStayAndHasTheLabelsThatTwoClaim) {
  const auto version = [](std::uint64_t number, std::string_view policy, std::vector<std::string> labels) {
    ModelRecord record{.id = Id("m"), .version = number, .created = {}, .signature = {}};
    record.policy = *vocabulary::VersionPolicy::Parse(policy);
    record.labels = std::move(labels);
    record.numbered_to = number;
    return record;
  };
  const auto settled = ModelCatalogue::Settle(
      {version(1, "all", {"old"}), version(2, "all", {"stable"}), version(3, "latest", {"stable"})});
  EXPECT_EQ(settled.going, std::vector<std::uint64_t>{2});
  ASSERT_EQ(settled.staying.size(), 2u);
  EXPECT_EQ(settled.staying[0].labels, std::vector<std::string>{"old"});
  EXPECT_EQ(settled.staying[1].labels, std::vector<std::string>{"stable"});
  for (const ModelRecord& record : settled.staying) {
    EXPECT_EQ(record.policy.ToText(), "latest:1");
    EXPECT_EQ(record.numbered_to, 3u);
  }
}

TEST_F(ModelCatalogueTest, RemovingEverythingLeavesNothing) {
  Publish(kAnna, "a");
  EXPECT_EQ(catalogue_.RemoveAll().size(), 1u);
  EXPECT_EQ(catalogue_.size(), 0u);
  EXPECT_EQ(ErrorOf(kAnna, "a"), "model-not-found");
}

}  // namespace
}  // namespace blindai::service
