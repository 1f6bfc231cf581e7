#include "speech/loudness.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace blindai::speech {

double Power(std::span<const float> samples) {
  double power = 0;
  for (const float sample : samples) power += double{sample} * sample;
  return samples.empty() ? 0 : power / static_cast<double>(samples.size());
}

bool IsSilent(std::span<const float> samples, float threshold) {
  return Power(samples) < double{threshold} * threshold;
}

bool HoldSameSound(std::span<const float> left, std::span<const float> right) {
  double product = 0;
  for (std::size_t i = 0; i < left.size(); ++i) product += double{left[i]} * right[i];
  product /= static_cast<double>(std::max<std::size_t>(1, left.size()));
  const double left_power = Power(left);
  const double right_power = Power(right);
  return product != 0 && std::abs(product) >= kSameSound * std::sqrt(left_power * right_power) &&
         left_power < 2 * right_power && right_power < 2 * left_power;
}

}  // namespace blindai::speech
