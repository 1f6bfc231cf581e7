#include "net/input_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace blindai::net {
namespace {

void Receive(InputBuffer& input, std::string_view text) {
  std::ranges::copy(text, input.Space(text.size()).begin());
  input.Added(text.size());
}

bool IsWiped(std::span<const std::uint8_t> bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

TEST(InputBuffer, GivesBackWhatCameInPiecesOfAnySize) {
  std::mt19937 random(1);
  InputBuffer input;
  std::string sent;
  std::string taken;
  for (int round = 0; round < 2'000; ++round) {
    std::string piece(random() % 40, ' ');
    for (char& c : piece) c = static_cast<char>('a' + random() % 26);
    Receive(input, piece);
    sent += piece;
    base::Bytes some(random() % 45);
    const std::size_t count = input.Take(some);
    taken += base::AsText(std::span(some).first(count));
    ASSERT_EQ(taken + std::string(input.text()), sent);
  }
}

TEST(InputBuffer, WhatWasUsedIsOverwritten) {
  InputBuffer input;
  Receive(input, "Authorization: Bearer key");
  input.Consume(input.size());
  EXPECT_TRUE(IsWiped(input.Space(25)));
}

TEST(InputBuffer, WhatMovesToTheFrontLeavesNothingBehind) {
  for (const std::size_t used : {1, 5, 9}) {
    InputBuffer input;
    Receive(input, "0123456789");
    input.Consume(used);
    EXPECT_TRUE(IsWiped(input.Space(used))) << used;
    EXPECT_EQ(input.text(), std::string_view("0123456789").substr(used));
  }
}

TEST(InputBuffer, SpaceBeyondWhatIsThereKeepsWhatIsThere) {
  InputBuffer input;
  Receive(input, "0123456789");
  input.Consume(4);
  EXPECT_EQ(input.Space(100).size(), 100u);
  EXPECT_EQ(input.text(), "456789");
}

}  // namespace
}  // namespace blindai::net
