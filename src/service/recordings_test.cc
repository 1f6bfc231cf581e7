#include "service/recordings.h"

#include <gtest/gtest.h>

namespace blindai::service {
namespace {

constexpr RecordingLimits kSmall{.max_bytes = 100, .max_total_bytes = 150, .max_recordings = 3};

std::string CodeOf(const auto& result) { return result.ok() ? "" : result.error().code; }

base::Bytes Sound(std::size_t size) { return base::Bytes(size, 1); }

TEST(Recordings, TheRoomIsFreeWhenTheLastHolderLetsGo) {
  Recordings recordings(kSmall);
  auto incoming = recordings.Begin(0).value();
  ASSERT_EQ(CodeOf(incoming->Append(Sound(60))), "");
  ASSERT_EQ(CodeOf(incoming->Append(Sound(40))), "");
  EXPECT_EQ(recordings.bytes(), 100u);
  auto file = Recordings::Incoming::Finish(std::move(incoming)).value();
  EXPECT_EQ(file->size(), 100u);
  EXPECT_EQ(recordings.count(), 1u);
  file.reset();
  EXPECT_EQ(recordings.count(), 0u);
  EXPECT_EQ(recordings.bytes(), 0u);
}

TEST(Recordings, OneThatBreaksOffGivesItsRoomBack) {
  Recordings recordings(kSmall);
  auto incoming = recordings.Begin(50).value();
  ASSERT_EQ(CodeOf(incoming->Append(Sound(60))), "");
  incoming.reset();
  EXPECT_EQ(recordings.count(), 0u);
  EXPECT_EQ(recordings.bytes(), 0u);
}

TEST(Recordings, EachAndAllTogetherAreBounded) {
  Recordings recordings(kSmall);
  EXPECT_EQ(CodeOf(recordings.Begin(101)), "audio-too-large");
  auto first = recordings.Begin(100).value();
  ASSERT_EQ(CodeOf(first->Append(Sound(100))), "");
  EXPECT_EQ(CodeOf(first->Append(Sound(1))), "audio-too-large");
  EXPECT_EQ(CodeOf(recordings.Begin(60)), "recordings-full") << "before a byte of it was read";
  auto second = recordings.Begin(0).value();
  EXPECT_EQ(CodeOf(second->Append(Sound(60))), "recordings-full");
  auto third = recordings.Begin(0).value();
  EXPECT_EQ(CodeOf(recordings.Begin(0)), "recordings-full") << "three at a time";
  first.reset();
  EXPECT_EQ(CodeOf(second->Append(Sound(60))), "");
}

TEST(Recordings, AnEmptyOneIsRefused) {
  Recordings recordings(kSmall);
  EXPECT_EQ(CodeOf(Recordings::Incoming::Finish(recordings.Begin(0).value())), "audio-empty");
  EXPECT_EQ(recordings.count(), 0u);
}

}  // namespace
}  // namespace blindai::service
