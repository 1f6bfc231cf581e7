#include "speech/audio_container.h"

#include <gtest/gtest.h>

#include <string>

namespace blindai::speech {
namespace {

AudioContainer Sniff(const std::string& text) { return SniffContainer(base::AsBytes(text)); }

std::string Tag(std::size_t size) {
  std::string tag = "ID3";
  tag += std::string("\x04\x00\x00", 3);
  for (int shift = 21; shift >= 0; shift -= 7) tag += static_cast<char>((size >> shift) & 0x7f);
  return tag + std::string(size, 't');
}

const std::string kMp3Frame = "\xff\xfb\x90\x64";
const std::string kAdtsFrame = "\xff\xf1\x50\x80";

TEST(AudioContainer, IsNamedByItsFirstBytes) {
  EXPECT_EQ(Sniff("RIFF....WAVEfmt "), AudioContainer::kWav);
  EXPECT_EQ(Sniff("RF64....WAVEds64"), AudioContainer::kWav);
  EXPECT_EQ(Sniff("FORM....AIFFCOMM"), AudioContainer::kAiff);
  EXPECT_EQ(Sniff("FORM....AIFCFVER"), AudioContainer::kAiff);
  EXPECT_EQ(Sniff("fLaC...."), AudioContainer::kFlac);
  EXPECT_EQ(Sniff("OggS...."), AudioContainer::kOgg);
  EXPECT_EQ(Sniff("\x1a\x45\xdf\xa3...."), AudioContainer::kMatroska);
  EXPECT_EQ(Sniff("....ftypM4A "), AudioContainer::kMp4);
  EXPECT_EQ(Sniff("....moov"), AudioContainer::kMp4);
  EXPECT_EQ(Sniff(kMp3Frame), AudioContainer::kMp3);
  EXPECT_EQ(Sniff(kAdtsFrame), AudioContainer::kAdts);
}

TEST(AudioContainer, AnId3TagIsStepppedOver) {
  EXPECT_EQ(Sniff(Tag(200) + kMp3Frame), AudioContainer::kMp3);
  EXPECT_EQ(Sniff(Tag(200) + kAdtsFrame), AudioContainer::kAdts);
  EXPECT_EQ(Sniff(Tag(200) + "fLaC"), AudioContainer::kFlac);
  EXPECT_EQ(Sniff(Tag(200).substr(0, 100)), AudioContainer::kMp3);
}

TEST(AudioContainer, ZerosBeforeTheFirstFrameAreToleratedUpToALimit) {
  EXPECT_EQ(Sniff(std::string(1000, '\0') + kMp3Frame), AudioContainer::kMp3);
  EXPECT_EQ(Sniff(std::string(10'000, '\0') + kMp3Frame), AudioContainer::kUnknown);
}

TEST(AudioContainer, EverythingElseIsUnknown) {
  for (const char* text :
       {"", "R", "RIFF", "RIFF....AVI ", "FORM....ILBM", "ID3", "\xff", "\xff\xfb", "\xff\xe9\x90\x64",
        "\xff\xfb\xf0\x64", "\xff\xfb\x9c\x64", "PK\x03\x04",
        "\x7f"
        "ELF",
        "#!AMR\n", "hello, this is a letter", "#EXTM3U\nhttp://example.com/a", "concat:a|b", "%PDF-1.7"}) {
    EXPECT_EQ(Sniff(text), AudioContainer::kUnknown) << text;
  }
  EXPECT_EQ(Sniff(std::string(5000, '\0')), AudioContainer::kUnknown);
}

std::string Chunk(const char* name, std::uint32_t size) {
  std::string chunk = name;
  for (int shift = 0; shift < 32; shift += 8) chunk += static_cast<char>((size >> shift) & 0xff);
  return chunk;
}

std::optional<std::uint64_t> Stated(const std::string& text) { return StatedWavBytes(base::AsBytes(text)); }

TEST(StatedWavBytes, IsTheSizeOfTheDataChunk) {
  EXPECT_EQ(Stated("RIFF....WAVE" + Chunk("fmt ", 3) + "abc " + Chunk("data", 1000)), 1000u);
}

TEST(StatedWavBytes, IsNothingWhereNothingTrueIsStated) {
  EXPECT_EQ(Stated("RIFF....WAVE" + Chunk("data", 0)), std::nullopt);
  EXPECT_EQ(Stated("RIFF....WAVE" + Chunk("data", 0xffffffff)), std::nullopt);
  EXPECT_EQ(Stated("RIFF....WAVE" + Chunk("data", 0x7ffff000)), std::nullopt);
  EXPECT_EQ(Stated("RIFF....WAVE" + Chunk("fmt ", 1000) + Chunk("data", 1000)), std::nullopt);
  EXPECT_EQ(Stated("RIFF....WAVE" + Chunk("fmt ", 0xffffffff)), std::nullopt);
  EXPECT_EQ(Stated("RIFF....WAVEdata"), std::nullopt);
  EXPECT_EQ(Stated("RF64....WAVE" + Chunk("data", 1000)), std::nullopt);
  EXPECT_EQ(Stated(""), std::nullopt);
}

// A box whose size counts its header, in the network's byte order.
std::string Box(const std::string& name, std::uint32_t size, const std::string& content = "") {
  std::string box;
  for (int shift = 24; shift >= 0; shift -= 8) box += static_cast<char>((size >> shift) & 0xff);
  return box + name + content;
}

bool EndsEarly(const std::string& file) { return EndsBeforeMp4Index(base::AsBytes(file)); }

TEST(Mp4Index, IsMissingWhereTheFileEndsBeforeIt) {
  const std::string head = Box("ftyp", 12, "M4A ");
  EXPECT_TRUE(EndsEarly(head + Box("mdat", 1000, "cut")));
  EXPECT_TRUE(EndsEarly(head + Box("mdat", 12, "full")));
  EXPECT_TRUE(EndsEarly(head + Box("mdat", 0, "up to the end")));
  EXPECT_TRUE(EndsEarly(head + Box("mdat", 1, Box(std::string(4, '\0'), 0))));
  EXPECT_TRUE(EndsEarly(head + Box("mdat", 1)));
  EXPECT_TRUE(EndsEarly(head + Box("moov", 100, "cut")));
}

TEST(Mp4Index, IsNotMissingWhereItIsThereOrTheFileIsSomethingElse) {
  const std::string head = Box("ftyp", 12, "M4A ");
  EXPECT_FALSE(EndsEarly(head + Box("moov", 12, "here") + Box("mdat", 1000, "cut")));
  EXPECT_FALSE(EndsEarly(head + Box("mdat", 12, "full") + Box("moov", 12, "here")));
  EXPECT_FALSE(EndsEarly(head + Box("mdat", 3, "no size is 3")));
}

}  // namespace
}  // namespace blindai::speech
