#include "vocabulary/model_id.h"

#include <gtest/gtest.h>

namespace blindai::vocabulary {
namespace {

TEST(ModelId, OrdinaryNamesAreAccepted) {
  for (const char* text :
       {"wav2vec2-demo", "a", "7B.v1_2", "user/model", "6f9619ff-8b86-d011-b42d-00c04fc964ff"}) {
    EXPECT_EQ(ModelId::Parse(text)->text(), text);
  }
  EXPECT_TRUE(ModelId::Parse(std::string(128, 'a')).ok());
}

TEST(ModelId, WhatCouldBeAPathOrBreakALineIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("../x"), std::string("a/../b"),
        std::string("a/b/c"), std::string("/a"), std::string("a/"), std::string("a b"), std::string("a\nb"),
        std::string("a\0b", 3), std::string("-a"), std::string("ä"), std::string(129, 'a')}) {
    EXPECT_EQ(ModelId::Parse(text).error().code, "model-id") << text;
  }
}

TEST(ModelId, TheRefusalDoesNotRepeatTheText) {
  EXPECT_EQ(ModelId::Parse("secret name").error().message.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace blindai::vocabulary
