#include "protocols/wire/model_listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using base::AsBytes;
using Query = std::vector<std::pair<std::string, std::string>>;

ModelInfo Example() {
  ModelInfo model;
  model.id = "demo";
  model.created = 1764097376;
  model.owned_by = "local";
  model.sha256 = std::string(64, 'a');
  model.bytes = 94'400'000;
  model.precision = ModelPrecision::kBf16;
  model.kind = ModelKind::kCtcSpeech;
  model.visibility = ModelVisibility::kTenants;
  model.state = "loading";
  model.inputs = {{"audio", vocabulary::Datatype::kFp32, {1, vocabulary::kAnyDimension}}};
  model.outputs = {{"ids", vocabulary::Datatype::kInt64, {}}};
  model.version = 3;
  model.versions = {1, 3};
  model.labels = {{"stable", 1}};
  model.version_policy = "latest:2";
  return model;
}

TEST(ModelListing, OneModelHasOpenAIsFieldsAndOurs) {
  EXPECT_EQ(EncodeModelInfo(Example()),
            R"({"id":"demo","object":"model","created":1764097376,"owned_by":"local","sha256":")" +
                std::string(64, 'a') +
                R"(","bytes":94400000,"precision":"bf16","kind":"ctc-speech","visibility":"tenants",)"
                R"("state":"loading","saved":false,)"
                R"("version":3,"versions":[1,3],"labels":{"stable":1},"version_policy":"latest:2",)"
                R"("inputs":[{"name":"audio","datatype":"FP32","shape":[1,-1]}],"outputs":[{"name":"ids",)"
                R"("datatype":"INT64","shape":[]}]})");
}

TEST(ModelListing, EveryFieldIsReadBack) {
  const auto list = DecodeModelList(AsBytes(EncodeModelList({Example(), Example()})));
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ(EncodeModelInfo(list->back()), EncodeModelInfo(Example()));
  EXPECT_EQ(EncodeModelInfo(*DecodeModelInfo(AsBytes(EncodeModelInfo(Example())))),
            EncodeModelInfo(Example()));
  EXPECT_EQ(EncodeModelList({}), R"({"object":"list","data":[]})");
}

TEST(ModelListing, AnAnswerThatIsNotAModelIsNamed) {
  for (const char* body :
       {"", "[]", "{}", R"({"id":7})",
        R"({"id":"a","sha256":"b","state":"ready","inputs":[{}],"outputs":[]})",
        R"({"id":"a","sha256":"b","state":"ready","precision":"f8","inputs":[],"outputs":[]})",
        R"({"id":"a","sha256":"b","state":"ready","inputs":[{"name":"x","datatype":"FP32","shape":[-2]}],)"
        R"("outputs":[]})"}) {
    EXPECT_EQ(DecodeModelInfo(AsBytes(body)).error().code, "model-listing") << body;
  }
  EXPECT_FALSE(DecodeModelList(AsBytes(R"({"data":[1]})")).ok());
}

TEST(ModelListing, AModelOfAServerWithoutVersionsIsItsFirst) {
  const auto model =
      DecodeModelInfo(AsBytes(R"({"id":"a","sha256":"b","state":"ready","inputs":[],"outputs":[]})"));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->version, 1u);
  EXPECT_TRUE(model->versions.empty());
  EXPECT_TRUE(model->labels.empty());
}

TEST(ModelListing, VersionsAndLabelsThatAreNoneAreNamed) {
  for (const char* field : {R"("versions":[0])", R"("versions":["1"])", R"("versions":{})",
                            R"("labels":{"1":1})", R"("labels":{"a":0})", R"("labels":[])"}) {
    const std::string body =
        R"({"id":"a","sha256":"b","state":"ready","inputs":[],"outputs":[],)" + std::string(field) + "}";
    EXPECT_EQ(DecodeModelInfo(AsBytes(body)).error().code, "model-listing") << body;
  }
}

TEST(ModelChange, IsReadAsItWasWritten) {
  const ModelChange change{.versions = *vocabulary::VersionPolicy::Parse("latest:2"),
                           .labels = {{"canary", std::nullopt}, {"stable", 2}}};
  const std::string body = EncodeModelChange(change);
  EXPECT_EQ(body, R"({"versions":"latest:2","labels":{"canary":null,"stable":2}})");
  const auto read = DecodeModelChange(AsBytes(body));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->versions, change.versions);
  EXPECT_EQ(read->labels, change.labels);
  EXPECT_EQ(EncodeModelChange({}), "{}");
  EXPECT_TRUE(DecodeModelChange(AsBytes(R"({"labels":{},"colour":"blue"})")).ok());
}

TEST(ModelChange, WhatItCannotBeIsNamed) {
  struct Row {
    const char* body;
    const char* code;
  };
  const Row rows[] = {{"", "model-change"},
                      {"[]", "model-change"},
                      {R"({"versions":2})", "model-change"},
                      {R"({"versions":"newest"})", "version-policy"},
                      {R"({"labels":["stable"]})", "model-change"},
                      {R"({"labels":{"stable":"2"}})", "model-change"},
                      {R"({"labels":{"stable":0}})", "model-change"},
                      {R"({"labels":{"stable":-1}})", "model-change"},
                      {R"({"labels":{"stable":1.5}})", "model-change"},
                      {R"({"labels":{"2":2}})", "version-label"},
                      {R"({"labels":{"Stable":2}})", "version-label"}};
  for (const Row& row : rows) {
    const auto change = DecodeModelChange(AsBytes(row.body));
    ASSERT_FALSE(change.ok()) << row.body;
    EXPECT_EQ(change.error().code, row.code) << row.body;
  }
}

TEST(UploadQuery, APolicyAndALabelAreReadAndWritten) {
  const auto query = DecodeUploadQuery(Query{{"versions", "specific:3,1"}, {"label", "stable"}});
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(EncodeUploadQuery(*query), "versions=specific:1,3&label=stable");
  EXPECT_EQ(DecodeUploadQuery(Query{{"versions", "newest"}}).error().code, "version-policy");
  EXPECT_EQ(DecodeUploadQuery(Query{{"versions", "all"}, {"versions", "all"}}).error().code, "query-value");
  for (const char* label : {"", "2", "Stable", "a.b"}) {
    EXPECT_EQ(DecodeUploadQuery(Query{{"label", label}}).error().code, "version-label") << label;
  }
}

TEST(VersionQuery, IsANumberOrALabelOrNotThere) {
  EXPECT_EQ(*DecodeVersionQuery(Query{{"other", "x"}}), "");
  EXPECT_EQ(*DecodeVersionQuery(Query{{"version", "12"}}), "12");
  EXPECT_EQ(*DecodeVersionQuery(Query{{"version", "stable"}}), "stable");
  // Above all the empty one, which would mean all versions of a deletion.
  for (const char* version : {"", "0", "01", "Stable", "1,2", " 1"}) {
    EXPECT_EQ(DecodeVersionQuery(Query{{"version", version}}).error().code, "query-value") << version;
  }
}

TEST(ModelListing, ADeletionSaysWhatIsGone) {
  const std::string json = EncodeModelDeleted({"demo", "ab", true, 1'790'000'000});
  EXPECT_EQ(
      json,
      R"({"id":"demo","object":"model","deleted":true,"sha256":"ab","saved":true,"deleted_at":1790000000})");
  const auto read = DecodeModelDeleted(AsBytes(json));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(EncodeModelDeleted(*read), json);
  for (const char* body : {R"({"id":"demo","deleted":false,"sha256":"ab"})", R"({"id":"demo","sha256":"ab"})",
                           R"({"deleted":true,"sha256":"ab"})", R"({"id":"demo","deleted":true,"sha256":7})",
                           R"({"id":"demo","deleted":true,"sha256":"ab","deleted_at":"now"})"}) {
    EXPECT_FALSE(DecodeModelDeleted(AsBytes(body)).ok()) << body;
  }
}

// Servers of the first versions said no more than OpenAI's; what they did not say is not made up.
TEST(ModelListing, ADeletionByAnOlderServerIsReadAndProvesNothing) {
  const std::string older = R"({"id":"demo","object":"model","deleted":true})";
  const auto read = DecodeModelDeleted(AsBytes(older));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->id, "demo");
  EXPECT_FALSE(read->sha256 || read->saved || read->deleted_at);
  EXPECT_EQ(EncodeModelDeleted(*read), older);
}

TEST(ModelListing, ADeletionByANewerServerIsReadByItsKnownFields) {
  const auto read = DecodeModelDeleted(AsBytes(
      R"({"id":"demo","object":"model","deleted":true,"sha256":"ab","saved":false,"receipt":{"x":1}})"));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->sha256, "ab");
  EXPECT_EQ(read->saved, false);
  EXPECT_EQ(read->deleted_at, std::nullopt);
}

TEST(UploadQuery, KnownValuesAreReadAndWritten) {
  const Query query = {{"precision", "bf16"},
                       {"save", "true"},
                       {"visibility", "public"},
                       {"kind", "ctc-speech"},
                       {"new", "x"}};
  const auto read = DecodeUploadQuery(query);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->precision, ModelPrecision::kBf16);
  EXPECT_EQ(read->save, true);
  EXPECT_EQ(read->visibility, ModelVisibility::kPublic);
  EXPECT_EQ(read->kind, ModelKind::kCtcSpeech);
  EXPECT_EQ(EncodeUploadQuery(*read), "precision=bf16&save=true&visibility=public&kind=ctc-speech");
  EXPECT_EQ(EncodeUploadQuery(*DecodeUploadQuery({})), "");
}

TEST(UploadQuery, AValueThatCannotBeHonouredIsRefused) {
  for (const Query& query : {Query{{"precision", "f16"}}, Query{{"save", "1"}}, Query{{"visibility", ""}},
                             Query{{"kind", "Tensor"}}, Query{{"save", "true"}, {"save", "true"}}}) {
    const auto read = DecodeUploadQuery(query);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, "query-value");
    EXPECT_EQ(read.error().param, query.front().first);
  }
  EXPECT_EQ(DecodeUploadQuery(Query{{"precision", "f16"}}).error().message,
            "query parameter 'precision' has a value that is not served; wanted one of f32 bf16");
}

TEST(UploadQuery, TenantsAndTimeToLiveAreReadAndWritten) {
  const auto read =
      DecodeUploadQuery(Query{{"visibility", "tenants"}, {"tenants", "anna,clinic-2"}, {"ttl", "86400"}});
  ASSERT_TRUE(read.ok());
  EXPECT_THAT(read->tenants, testing::ElementsAre("anna", "clinic-2"));
  EXPECT_EQ(read->ttl_s, 86400u);
  EXPECT_EQ(EncodeUploadQuery(*read), "visibility=tenants&tenants=anna,clinic-2&ttl=86400");
}

TEST(UploadQuery, AModelThatTranscribesMayBeTheDefault) {
  const auto read = DecodeUploadQuery(Query{{"kind", "whisper"}, {"default", "true"}});
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->is_default);
  EXPECT_EQ(EncodeUploadQuery(*read), "kind=whisper&default=true");
  EXPECT_FALSE(DecodeUploadQuery(Query{{"default", "false"}})->is_default);
  for (const Query& query : {Query{{"default", "true"}}, Query{{"default", "yes"}, {"kind", "whisper"}}})
    EXPECT_EQ(DecodeUploadQuery(query).error().param, "default");
}

TEST(ModelListing, SaysWhichModelIsTheDefault) {
  ModelInfo model = Example();
  model.is_default = true;
  EXPECT_TRUE(DecodeModelInfo(AsBytes(EncodeModelInfo(model)))->is_default);
  EXPECT_FALSE(DecodeModelInfo(AsBytes(EncodeModelInfo(Example())))->is_default);
}

TEST(UploadQuery, TenantsThatAreNoneAndTimesThatAreNoneAreRefused) {
  std::string many = "t";
  for (int i = 0; i < 100; ++i) many += ",t";
  for (const Query& query :
       {Query{{"tenants", "anna"}}, Query{{"visibility", "public"}, {"tenants", "anna"}},
        Query{{"visibility", "tenants"}, {"tenants", ""}},
        Query{{"visibility", "tenants"}, {"tenants", "anna,"}},
        Query{{"visibility", "tenants"}, {"tenants", "an na"}},
        Query{{"visibility", "tenants"}, {"tenants", std::string(65, 'a')}},
        Query{{"visibility", "tenants"}, {"tenants", many}}, Query{{"ttl", "0"}}, Query{{"ttl", "-5"}},
        Query{{"ttl", "1h"}}, Query{{"ttl", "99999999999999999999"}}, Query{{"ttl", "400000000"}},
        Query{{"ttl", "5"}, {"ttl", "6"}}}) {
    const auto read = DecodeUploadQuery(query);
    ASSERT_FALSE(read.ok()) << query.back().second;
    EXPECT_EQ(read.error().code, "query-value");
    EXPECT_EQ(read.error().param, query.back().first);
  }
}

TEST(ModelListing, SaysWhetherAModelIsSavedAndWhenItEnds) {
  ModelInfo model;
  model.id = "m";
  model.saved = true;
  model.expires_at = 1'790'000'000;
  const auto read = DecodeModelInfo(base::AsBytes(EncodeModelInfo(model)));
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->saved);
  EXPECT_EQ(read->expires_at, 1'790'000'000);
  model.expires_at.reset();
  EXPECT_FALSE(DecodeModelInfo(base::AsBytes(EncodeModelInfo(model)))->expires_at.has_value());
}

}  // namespace
}  // namespace blindai::wire
