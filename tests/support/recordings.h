// Recordings for tests, made by the ffmpeg program when a test asks for them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"

namespace blindai::tests {

// What `ffmpeg ARGUMENTS FILE` writes, where the name of FILE ends in `extension`; fails the test when it cannot.
base::Bytes MakeRecording(const std::string& arguments, const std::string& extension);

// Arguments for a tone, of one channel, and for two channels with a tone each.
std::string Tone(double seconds, int hz, int rate_hz = 44'100);
std::string TwoTones(double seconds, int left_hz, int right_hz, int rate_hz = 44'100);

// A FLAC file of one channel and 16 bits in which a frame is silence (12 to 15 bytes, however long) or, each
// `tone_every` frames, 440 Hz, 2 bytes a sample; 0: silence only. Hours of it are made and decoded in a moment.
base::Bytes SparseFlac(std::uint32_t rate_hz, std::uint16_t samples_per_frame, std::uint32_t frames,
                       std::uint32_t tone_every);

// The share of the power of 16 kHz samples that lies at `hz`, 0 to 1.
double ShareOfTone(std::span<const float> samples, double hz);

}  // namespace blindai::tests
