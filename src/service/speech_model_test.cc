#include "service/speech_model.h"

#include <gtest/gtest.h>

#include <cstring>

#include "support/whisper_upload.h"

namespace blindai::service {
namespace {

using vocabulary::ModelId;

vocabulary::Tensor Scores(vocabulary::Shape shape, std::vector<float> values) {
  vocabulary::Tensor tensor{"logits", vocabulary::Datatype::kFp32, std::move(shape),
                            base::Bytes(values.size() * sizeof(float))};
  if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

TEST(ScoresOfAWindow, AreRowsOfOneItem) {
  const vocabulary::Tensor scores = Scores({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(FramesOf(scores), 2);
  const auto values = ScoresOf(scores);
  EXPECT_EQ(std::vector<float>(values.begin(), values.end()), (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(ScoresOfAWindow, OfAnotherShapeHaveNoFrames) {
  EXPECT_EQ(FramesOf(Scores({2, 1, 3}, {1, 2, 3, 4, 5, 6})), -1);
  EXPECT_EQ(FramesOf(Scores({2, 3}, {1, 2, 3, 4, 5, 6})), -1);
  EXPECT_EQ(FramesOf(Scores({1, 0, 3}, {})), 0);
}

const Caller kAnna{"anna", 1, true, true};
const Caller kBert{"bert", 2, true, true};

// Models without workers: which one is meant is the question here.
class SpeechModelOfTest : public ::testing::Test {
 protected:
  void Publish(const Caller& owner, std::string_view id, bool is_default = false,
               Visibility visibility = Visibility::kPrivate, bool transcribes = true) {
    const auto place = catalogue_.Reserve(owner, *ModelId::Parse(id));
    BLINDAI_CHECK(place.ok());
    ModelRecord record{.id = *ModelId::Parse(id), .created = {}, .signature = {}};
    record.owner = owner.tenant;
    record.visibility = visibility;
    record.is_default = is_default;
    if (transcribes) record.whisper = settings_;
    catalogue_.Publish(**place, record, nullptr);
  }
  std::string Meant(const Caller& caller, std::string_view name = "") {
    const auto id = SpeechModelOf(catalogue_, caller, name);
    return id.ok() ? id->text() : id.error().code;
  }

  const std::shared_ptr<const WhisperSettings> settings_ = tests::ToyWhisperSettings();
  ModelCatalogue catalogue_{{}};
};

TEST_F(SpeechModelOfTest, ANameIsThatModelWhetherItIsThereOrNot) {
  EXPECT_EQ(Meant(kAnna, "hello"), "hello");
  EXPECT_EQ(Meant(kAnna, "no name"), "model-id");
}

TEST_F(SpeechModelOfTest, WithoutADefaultTheOnlyOneThatTranscribesIsMeant) {
  EXPECT_EQ(Meant(kAnna), "default-model");
  Publish(kAnna, "matrix", false, Visibility::kPrivate, /*transcribes=*/false);
  EXPECT_EQ(Meant(kAnna), "default-model");
  Publish(kAnna, "first");
  for (const char* name : {"", "default", "whisper-1"}) EXPECT_EQ(Meant(kAnna, name), "first") << name;
  EXPECT_EQ(Meant(kBert), "default-model") << "another's private model is nobody's default";
  Publish(kAnna, "second");
  EXPECT_EQ(Meant(kAnna), "default-model");
  const base::Error error = SpeechModelOf(catalogue_, kAnna, "whisper-1").error();
  EXPECT_EQ(error.param, "model");
  EXPECT_EQ(error.message,
            "2 models that transcribe are listed to you, and none is your default (no name, 'default' and "
            "'whisper-1' "
            "mean it); name one, or upload yours with default=true");
}

TEST_F(SpeechModelOfTest, TheTenantsOwnChoiceComesBeforeTheOperators) {
  Publish(kAnna, "first");
  Publish(kAnna, "second");
  Caller anna = kAnna;
  anna.default_model = "first";
  EXPECT_EQ(Meant(anna), "first");
  Publish(kAnna, "third", /*is_default=*/true);
  EXPECT_EQ(Meant(anna), "third");
  EXPECT_EQ(Meant(anna, "whisper-1"), "third");
  {
    const auto place = catalogue_.ReserveToDelete(kAnna, *ModelId::Parse("third"), "");
    ASSERT_EQ(catalogue_.Apply(**place).size(), 1u);
  }
  EXPECT_EQ(Meant(anna), "first");
}

TEST_F(SpeechModelOfTest, ALaterDefaultReplacesTheOneBeforeAndANewUploadWithoutItEndsIt) {
  Publish(kAnna, "second", /*is_default=*/true);
  Publish(kAnna, "first", /*is_default=*/true);
  EXPECT_EQ(Meant(kAnna), "first");
  EXPECT_FALSE((*catalogue_.Find(kAnna, *ModelId::Parse("second")))->record.is_default);
  Publish(kAnna, "first");
  EXPECT_EQ(Meant(kAnna), "default-model");
}

TEST_F(SpeechModelOfTest, NobodyPutsAModelInThePlaceOfAnothersDefault) {
  Publish(kBert, "default", /*is_default=*/true, Visibility::kPublic);
  Publish(kBert, "whisper-1", /*is_default=*/false, Visibility::kLink);
  Publish(kAnna, "first", /*is_default=*/true);
  for (const char* name : {"", "default", "whisper-1"}) EXPECT_EQ(Meant(kAnna, name), "first") << name;
  Publish(kAnna, "hers");
  Caller anna = kAnna;
  anna.default_model = "hers";
  Publish(kAnna, "first");
  for (const char* name : {"", "default", "whisper-1"}) EXPECT_EQ(Meant(anna, name), "hers") << name;
}

TEST_F(SpeechModelOfTest, AnOwnModelMayHaveTheName) {
  Publish(kAnna, "whisper-1");
  Publish(kAnna, "first", /*is_default=*/true);
  EXPECT_EQ(Meant(kAnna, "whisper-1"), "whisper-1");
  EXPECT_EQ(Meant(kAnna), "first");
}

TEST(FindSpeechModel, RefusesStrangersAndUnknownModels) {
  const ModelCatalogue catalogue({});
  EXPECT_EQ(FindSpeechModel(catalogue, Caller{}, *ModelId::Parse("a")).error().code, "login-required");
  EXPECT_EQ(FindSpeechModel(catalogue, Caller::AnonymousWithAllRights(), *ModelId::Parse("a")).error().code,
            "model-not-found");
}

}  // namespace
}  // namespace blindai::service
