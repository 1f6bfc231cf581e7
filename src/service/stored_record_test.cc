#include "service/stored_record.h"

#include <gtest/gtest.h>

#include "service/transcribe.h"

namespace blindai::service {
namespace {

ModelRecord Sample() {
  ModelRecord record{.id = *vocabulary::ModelId::Parse("anna/hello"), .created = {}, .signature = {}};
  record.owner = "anna";
  record.sha256 = std::string(64, 'a');
  record.bytes = 1234;
  record.parameters = 17;
  record.opset = 17;
  record.version = 5;
  record.numbered_to = 7;
  record.policy = *vocabulary::VersionPolicy::Parse("all");
  record.labels = {"stable"};
  record.is_default = true;
  record.precision = Precision::kBf16;
  record.visibility = Visibility::kTenants;
  record.created = base::Time(std::chrono::seconds(1'790'000'000));
  record.expires = base::Time(std::chrono::seconds(1'790'000'100));
  record.tenants = {"bert", "clara"};
  record.signature.inputs = {{"x", vocabulary::Datatype::kFp32, {vocabulary::kAnyDimension, 4}}};
  record.signature.outputs = {{"y", vocabulary::Datatype::kInt64, {2}},
                              {"z", vocabulary::Datatype::kBool, {}}};
  record.speech = MakeSpeechSettings(R"({"<pad>":0,"|":1,"A":2})", R"({"do_normalize":false})",
                                     "\\data\\\nngram 1=1\n\\1-grams:\n-1 a\n\\end\\")
                      .value();
  return record;
}

TEST(StoredRecord, ComesBackAsItWasAndAsSaved) {
  const ModelRecord record = Sample();
  const auto read = FromStored(ToStored(record));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->id, record.id);
  EXPECT_EQ(read->owner, "anna");
  EXPECT_EQ(read->sha256, record.sha256);
  EXPECT_EQ(read->bytes, 1234u);
  EXPECT_EQ(read->parameters, 17u);
  EXPECT_EQ(read->opset, 17);
  EXPECT_EQ(read->version, 5u);
  EXPECT_EQ(read->numbered_to, 7u);
  EXPECT_EQ(read->policy, record.policy);
  EXPECT_EQ(read->labels, record.labels);
  EXPECT_EQ(read->precision, Precision::kBf16);
  EXPECT_EQ(read->visibility, Visibility::kTenants);
  EXPECT_EQ(read->created, record.created);
  EXPECT_EQ(read->expires, record.expires);
  EXPECT_EQ(read->tenants, record.tenants);
  EXPECT_TRUE(read->is_saved);
  EXPECT_TRUE(read->is_default);
  EXPECT_FALSE(read->is_operators);
  ASSERT_EQ(read->signature.inputs.size(), 1u);
  EXPECT_EQ(read->signature.inputs[0].shape, record.signature.inputs[0].shape);
  ASSERT_EQ(read->signature.outputs.size(), 2u);
  EXPECT_EQ(read->signature.outputs[1].datatype, vocabulary::Datatype::kBool);
  ASSERT_NE(read->speech, nullptr);
  EXPECT_EQ(read->speech->vocabulary.size(), 3u);
  EXPECT_FALSE(read->speech->features.do_normalize);
  ASSERT_TRUE(read->speech->language_model.has_value());
  EXPECT_EQ(read->speech->language_model->words(), 1u);
  EXPECT_EQ(ToStored(*read).details, ToStored(record).details);
}

// What format 3 has behind format 2: the number given last, "all", and one label, "stable".
constexpr std::size_t kVersionsBytes = 8 + (4 + 3) + 4 + (4 + 6);

TEST(StoredRecord, OneOfTheFormatBeforeIsReadAndIsTheLatestAlone) {
  model::StoredModel older = ToStored(Sample());
  older.details[0] = 2;
  older.details.resize(older.details.size() - kVersionsBytes);
  const auto read = FromStored(older);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->is_default);
  EXPECT_EQ(read->policy, vocabulary::VersionPolicy{});
  EXPECT_EQ(read->numbered_to, 5u);
  EXPECT_TRUE(read->labels.empty());
}

TEST(StoredRecord, OneOfTheFirstFormatIsReadAndIsNoDefault) {
  model::StoredModel older = ToStored(Sample());
  older.details[0] = 1;
  older.details.resize(older.details.size() - kVersionsBytes - 1);
  const auto read = FromStored(older);
  ASSERT_TRUE(read.ok());
  EXPECT_FALSE(read->is_default);
  EXPECT_EQ(read->tenants, Sample().tenants);
}

TEST(StoredRecord, APolicyOrALabelThatIsNoneIsRefused) {
  for (const char* seen : {"stable", "all"}) {
    model::StoredModel bad = ToStored(Sample());
    const std::string_view text = base::AsText(bad.details);
    bad.details[text.rfind(seen)] = 'X';
    EXPECT_EQ(FromStored(bad).error().code, "stored-record") << seen;
  }
  ModelRecord record = Sample();
  record.numbered_to = 4;  // less than its version
  EXPECT_EQ(FromStored(ToStored(record)).error().code, "stored-record");
}

TEST(StoredRecord, ATensorModelWithoutAnEndHasNeither) {
  ModelRecord record = Sample();
  record.speech = nullptr;
  record.expires.reset();
  record.tenants.clear();
  const auto read = FromStored(ToStored(record));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->speech, nullptr);
  EXPECT_FALSE(read->expires.has_value());
}

TEST(StoredRecord, EveryTruncationOtherFormatsAndBytesBehindItAreRefused) {
  const model::StoredModel good = ToStored(Sample());
  model::StoredModel bad = good;
  for (std::size_t size = 0; size < good.details.size(); ++size) {
    bad.details.assign(good.details.begin(), good.details.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_EQ(FromStored(bad).error().code, "stored-record") << size;
  }
  bad.details = good.details;
  bad.details.push_back(0);
  EXPECT_EQ(FromStored(bad).error().code, "stored-record");
  for (const std::size_t at : {0u, 4u, 5u}) {  // format, precision, visibility
    bad.details = good.details;
    bad.details[at] = 9;
    EXPECT_EQ(FromStored(bad).error().code, "stored-record") << at;
  }
}

}  // namespace
}  // namespace blindai::service
