#include "speech/audio_container.h"

#include <algorithm>
#include <string_view>

#include "base/byte_reader.h"

namespace blindai::speech {
namespace {

// Some recorders put zeros in front of the first MPEG frame.
constexpr std::size_t kMostLeadingZeros = 4096;

bool HasAt(base::ByteView bytes, std::size_t offset, std::string_view magic) {
  return bytes.size() >= offset + magic.size() && base::AsText(bytes.subspan(offset, magic.size())) == magic;
}

// An MPEG audio frame header (ISO/IEC 11172-3, 2.4.2.3) or an ADTS one (ISO/IEC 13818-7, 6.2): both begin with eleven
// ones; the layer, 0 in ADTS, tells them apart.
AudioContainer SniffMpegFrame(base::ByteView bytes) {
  if (bytes.size() < 4 || bytes[0] != 0xff || (bytes[1] & 0xe0) != 0xe0) return AudioContainer::kUnknown;
  const int version = (bytes[1] >> 3) & 3;
  const int layer = (bytes[1] >> 1) & 3;
  if (layer == 0) return (bytes[1] & 0xf6) == 0xf0 ? AudioContainer::kAdts : AudioContainer::kUnknown;
  const bool plausible = version != 1 && bytes[2] >> 4 != 15 && ((bytes[2] >> 2) & 3) != 3;
  return plausible ? AudioContainer::kMp3 : AudioContainer::kUnknown;
}

// What follows an ID3v2 tag (id3.org, ID3v2.4 section 3.1): usually MP3, sometimes another.
AudioContainer SniffBehindTag(base::ByteView bytes) {
  if (bytes.size() < 10) return AudioContainer::kUnknown;
  std::size_t size = 10;
  for (std::size_t i = 6, shift = 21; i < 10; ++i, shift -= 7) size += std::size_t{bytes[i] & 0x7fU} << shift;
  if (size >= bytes.size()) return AudioContainer::kMp3;
  const base::ByteView rest = bytes.subspan(size);
  if (HasAt(rest, 0, "fLaC")) return AudioContainer::kFlac;
  return SniffMpegFrame(rest) == AudioContainer::kAdts ? AudioContainer::kAdts : AudioContainer::kMp3;
}

}  // namespace

AudioContainer SniffContainer(base::ByteView first) {
  if ((HasAt(first, 0, "RIFF") || HasAt(first, 0, "RF64")) && HasAt(first, 8, "WAVE")) {
    return AudioContainer::kWav;
  }
  if (HasAt(first, 0, "FORM") && (HasAt(first, 8, "AIFF") || HasAt(first, 8, "AIFC"))) {
    return AudioContainer::kAiff;
  }
  if (HasAt(first, 0, "fLaC")) return AudioContainer::kFlac;
  if (HasAt(first, 0, "OggS")) return AudioContainer::kOgg;
  if (HasAt(first, 0, "\x1a\x45\xdf\xa3")) return AudioContainer::kMatroska;
  if (HasAt(first, 4, "ftyp") || HasAt(first, 4, "moov")) return AudioContainer::kMp4;
  if (HasAt(first, 0, "ID3")) return SniffBehindTag(first);
  const base::ByteView near = first.first(std::min(first.size(), kMostLeadingZeros));
  const auto begin = std::ranges::find_if(near, [](std::uint8_t byte) { return byte != 0; });
  return SniffMpegFrame(first.subspan(static_cast<std::size_t>(begin - near.begin())));
}

std::optional<std::uint64_t> StatedWavBytes(base::ByteView file) {
  constexpr std::uint32_t kPlaceholder = 0x7fff'0000;
  if (!HasAt(file, 0, "RIFF") || !HasAt(file, 8, "WAVE")) return std::nullopt;
  base::ByteReader reader(file.subspan(12));
  while (reader.remaining() >= 8) {
    const base::ByteView name = *reader.Take("chunk", 4);
    const std::uint32_t size = *reader.U32("size");
    if (base::AsText(name) == "data") {
      return size > 0 && size < kPlaceholder ? std::optional<std::uint64_t>(size) : std::nullopt;
    }
    // Chunks begin at even offsets.
    const std::uint64_t padded = std::uint64_t{size} + (size & 1);
    if (padded > reader.remaining()) return std::nullopt;
    if (!reader.Skip("chunk", padded).ok()) return std::nullopt;
  }
  return std::nullopt;
}

bool EndsBeforeMp4Index(base::ByteView file) {
  base::ByteReader reader(file);
  while (reader.remaining() >= 8) {
    std::uint64_t size = *reader.U32Big("size");
    const base::ByteView name = *reader.Take("name", 4);
    std::uint64_t header = 8;
    if (size == 1) {  // the size is behind the name
      if (reader.remaining() < 8) return true;
      size = *reader.U64Big("size");
      header = 16;
    }
    if (size == 0) size = header + reader.remaining();  // up to the end of the file
    if (size < header) return false;
    if (size - header > reader.remaining()) return true;
    if (base::AsText(name) == "moov") return false;
    if (!reader.Skip("box", size - header).ok()) return true;
  }
  return true;
}

}  // namespace blindai::speech
