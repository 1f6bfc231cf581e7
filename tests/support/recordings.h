// Recordings for tests, made by the ffmpeg program when a test asks for them.
#pragma once

#include <span>
#include <string>

#include "base/bytes.h"

namespace blindai::tests {

// What `ffmpeg ARGUMENTS FILE` writes, where the name of FILE ends in `extension`; fails the test when it cannot.
base::Bytes MakeRecording(const std::string& arguments, const std::string& extension);

// Arguments for a tone, of one channel, and for two channels with a tone each.
std::string Tone(double seconds, int hz, int rate_hz = 44'100);
std::string TwoTones(double seconds, int left_hz, int right_hz, int rate_hz = 44'100);

// The share of the power of 16 kHz samples that lies at `hz`, 0 to 1.
double ShareOfTone(std::span<const float> samples, double hz);

}  // namespace blindai::tests
