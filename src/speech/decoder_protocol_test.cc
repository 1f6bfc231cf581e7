#include "speech/decoder_protocol.h"

#include <gtest/gtest.h>

#include <set>

namespace blindai::speech {
namespace {

TEST(DecoderProtocol, MessagesSurviveTheWay) {
  const DecodeLimits limits{7, 8, 9};
  const auto file = DecodeToDecoder(Encode(ToDecoder(FileMessage{1'234'567'890'123, limits}))).value();
  EXPECT_EQ(std::get<FileMessage>(file).bytes, 1'234'567'890'123u);
  EXPECT_EQ(std::get<FileMessage>(file).limits.max_seconds, 7u);
  EXPECT_EQ(std::get<FileMessage>(file).limits.ratio_grace_seconds, 8u);
  EXPECT_EQ(std::get<FileMessage>(file).limits.min_bytes_per_second, 9u);
  EXPECT_TRUE(std::holds_alternative<RegionMessage>(*DecodeToDecoder(Encode(ToDecoder(RegionMessage{})))));
  EXPECT_TRUE(std::holds_alternative<NextMessage>(*DecodeToDecoder(Encode(ToDecoder(NextMessage{})))));

  const auto opened = DecodeFromDecoder(Encode(FromDecoder(OpenedMessage{2, 3'600'000}))).value();
  EXPECT_EQ(std::get<OpenedMessage>(opened).channels, 2);
  EXPECT_EQ(std::get<OpenedMessage>(opened).announced_ms, 3'600'000u);
  const auto samples = DecodeFromDecoder(Encode(FromDecoder(SamplesMessage{kPieceSamples, true}))).value();
  EXPECT_EQ(std::get<SamplesMessage>(samples).samples, kPieceSamples);
  EXPECT_TRUE(std::get<SamplesMessage>(samples).last);
  const auto refused = DecodeFromDecoder(Encode(FromDecoder(RefusedMessage{DecodeRefusal::kRatio}))).value();
  EXPECT_EQ(std::get<RefusedMessage>(refused).refusal, DecodeRefusal::kRatio);
}

TEST(DecoderProtocol, WhatIsCutOrTooLongIsRefused) {
  for (const ToDecoder& message :
       {ToDecoder(RegionMessage{}), ToDecoder(FileMessage{}), ToDecoder(NextMessage{})}) {
    base::Bytes bytes = Encode(message);
    bytes.push_back(0);
    EXPECT_FALSE(DecodeToDecoder(bytes).ok());
    for (bytes.pop_back(); !bytes.empty();) {
      bytes.pop_back();
      EXPECT_FALSE(DecodeToDecoder(bytes).ok());
    }
  }
  for (const FromDecoder& message :
       {FromDecoder(OpenedMessage{}), FromDecoder(SamplesMessage{1, true}), FromDecoder(RefusedMessage{})}) {
    base::Bytes bytes = Encode(message);
    bytes.push_back(0);
    EXPECT_FALSE(DecodeFromDecoder(bytes).ok());
    for (bytes.pop_back(); !bytes.empty();) {
      bytes.pop_back();
      EXPECT_FALSE(DecodeFromDecoder(bytes).ok());
    }
  }
}

TEST(DecoderProtocol, ValuesOutsideTheirRangeAreRefused) {
  for (const FromDecoder& message :
       {FromDecoder(OpenedMessage{0, 0}), FromDecoder(OpenedMessage{3, 0}),
        FromDecoder(SamplesMessage{kPieceSamples + 1}),
        FromDecoder(RefusedMessage{static_cast<DecodeRefusal>(0)}),
        FromDecoder(RefusedMessage{static_cast<DecodeRefusal>(kLastRefusal + 1)})}) {
    const auto decoded = DecodeFromDecoder(Encode(message));
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.error().code, "decoder-protocol");
  }
  base::Bytes last = Encode(FromDecoder(SamplesMessage{1, true}));
  last.back() = 2;
  EXPECT_FALSE(DecodeFromDecoder(last).ok());
  DecodeLimits limits;
  limits.min_bytes_per_second = 0;
  EXPECT_FALSE(DecodeToDecoder(Encode(ToDecoder(FileMessage{1, limits}))).ok());
  EXPECT_FALSE(DecodeToDecoder(Encode(FromDecoder(OpenedMessage{}))).ok());
  EXPECT_FALSE(DecodeFromDecoder(Encode(ToDecoder(NextMessage{}))).ok());
}

TEST(DecoderProtocol, EachRefusalHasACodeOfItsOwnAndSaysWhatToDo) {
  std::set<std::string> codes;
  for (std::uint8_t refusal = 1; refusal <= kLastRefusal; ++refusal) {
    const base::Error error = RefusalError(static_cast<DecodeRefusal>(refusal), {});
    EXPECT_TRUE(codes.insert(error.code).second) << error.code;
    EXPECT_EQ(error.param, "file");
    EXPECT_FALSE(error.message.empty());
  }
}

}  // namespace
}  // namespace blindai::speech
