// Which kind of file a recording is, by its first bytes alone. Only the demuxer that is named here is ever started on
// the bytes of a stranger: FFmpeg's own probing would run several hundred parsers over them. File names and content
// types are not looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace blindai::speech {

enum class AudioContainer {
  kUnknown,
  kWav,   // RIFF and RF64
  kAiff,  // and AIFF-C
  kFlac,
  kMp3,       // with or without an ID3 tag
  kAdts,      // bare AAC
  kMp4,       // mp4, m4a, mov, 3gp
  kOgg,       // Opus, Vorbis and FLAC in it
  kMatroska,  // webm
};

// `first` holds the beginning of the file, all of it or at least kSniffBytes. An ID3 tag longer than that is taken for
// MP3's.
constexpr std::size_t kSniffBytes = std::size_t{1} << 20;
AudioContainer SniffContainer(base::ByteView first);

// The bytes of samples that a RIFF WAVE file states; nothing for another container, and where a program that could not
// know wrote a placeholder (0, or close to the largest 31- or 32-bit number).
std::optional<std::uint64_t> StatedWavBytes(base::ByteView file);

// Whether an MP4 file has no index (the box "moov", ISO/IEC 14496-12 section 8.2.1) because it ends too early:
// recorders write it last, so a recording that was cut short, or never finished, has none.
bool EndsBeforeMp4Index(base::ByteView file);

}  // namespace blindai::speech
