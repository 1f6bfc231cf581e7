// How loud samples are, and whether two channels hold the same sound: by what recordings are cut and channels told
// apart, for every kind of model.
#pragma once

#include <span>

namespace blindai::speech {

// Correlation from which two windows hold the same sound.
constexpr double kSameSound = 0.98;
// Root mean square below which a window is silence, and a stretch of one is where it may be cut (−60 and −50 dBFS).
constexpr float kSilentWindow = 1e-3F;
constexpr float kSilentFrame = 3.16e-3F;

// Mean square; 0 of nothing.
double Power(std::span<const float> samples);
// Root mean square below the threshold.
bool IsSilent(std::span<const float> samples, float threshold);
// The same sound at about the same level, upside down too (a cable whose wires are exchanged); both of one length.
bool HoldSameSound(std::span<const float> left, std::span<const float> right);

}  // namespace blindai::speech
