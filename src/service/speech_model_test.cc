#include "service/speech_model.h"

#include <gtest/gtest.h>

#include <cstring>

namespace blindai::service {
namespace {

using vocabulary::ModelId;

WindowScores Scores(vocabulary::Shape shape, std::vector<float> values) {
  vocabulary::Tensor tensor{"logits", vocabulary::Datatype::kFp32, std::move(shape),
                            base::Bytes(values.size() * sizeof(float))};
  if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  std::vector<vocabulary::Tensor> answer;
  answer.push_back(std::move(tensor));
  return WindowScores(SpeechTensors(std::move(answer)));
}

TEST(WindowScores, AreRowsOfOneItem) {
  const WindowScores scores = Scores({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(scores.frames(), 2);
  EXPECT_EQ(std::vector<float>(scores.values().begin(), scores.values().end()),
            (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(WindowScores, OfAnotherShapeHaveNoFrames) {
  EXPECT_EQ(Scores({2, 1, 3}, {1, 2, 3, 4, 5, 6}).frames(), -1);
  EXPECT_EQ(Scores({2, 3}, {1, 2, 3, 4, 5, 6}).frames(), -1);
  EXPECT_EQ(Scores({1, 0, 3}, {}).frames(), 0);
}

TEST(FindSpeechModel, RefusesStrangersAndUnknownModels) {
  const ModelCatalogue catalogue({});
  EXPECT_EQ(FindSpeechModel(catalogue, Caller{}, *ModelId::Parse("a")).error().code, "login-required");
  EXPECT_EQ(FindSpeechModel(catalogue, Caller::AnonymousWithAllRights(), *ModelId::Parse("a")).error().code,
            "model-not-found");
}

}  // namespace
}  // namespace blindai::service
