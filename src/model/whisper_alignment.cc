#include "model/whisper_alignment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/secret.h"

namespace blindai::model {
namespace {

constexpr std::ptrdiff_t kMedianWidth = 7;

// A matrix [rows, columns] that is overwritten in the end: it tells who spoke when.
class Matrix {
 public:
  Matrix(std::size_t rows, std::size_t columns) : columns_(columns), values_(rows * columns) {}
  ~Matrix() { base::Wipe(values_.data(), values_.size() * sizeof(float)); }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  std::size_t rows() const { return values_.size() / columns_; }
  std::size_t columns() const { return columns_; }
  std::span<float> row(std::size_t row) { return std::span(values_).subspan(row * columns_, columns_); }
  std::span<const float> row(std::size_t row) const {
    return std::span(values_).subspan(row * columns_, columns_);
  }

 private:
  const std::size_t columns_;
  std::vector<float> values_;
};

// One head's weights for the positions with sound, which sum to one again.
void TakeHead(const CrossAttention& attention, std::size_t head, Matrix& into) {
  for (std::size_t row = 0; row < attention.rows; ++row) {
    const auto from = attention.weights.subspan((head * attention.rows + row) * attention.positions);
    double sum = 0;
    for (std::size_t i = 0; i < into.columns(); ++i) sum += from[i];
    const double scale = sum > 0 ? 1 / sum : 0;
    for (std::size_t i = 0; i < into.columns(); ++i) into.row(row)[i] = static_cast<float>(from[i] * scale);
  }
}

// Each position to mean 0 and deviation 1 over the rows: what every token looks at says nothing of one.
void Normalise(Matrix& weights) {
  const auto rows = static_cast<double>(weights.rows());
  std::vector<double> mean(weights.columns());
  std::vector<double> variance(weights.columns());
  for (std::size_t row = 0; row < weights.rows(); ++row) {
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += weights.row(row)[i] / rows;
  }
  for (std::size_t row = 0; row < weights.rows(); ++row) {
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double distance = weights.row(row)[i] - mean[i];
      variance[i] += distance * distance / rows;
    }
  }
  for (std::size_t row = 0; row < weights.rows(); ++row) {
    for (std::size_t i = 0; i < mean.size(); ++i) {
      float& value = weights.row(row)[i];
      value = variance[i] > 0 ? static_cast<float>((value - mean[i]) / std::sqrt(variance[i])) : 0;
    }
  }
}

// Adds the median over each position's neighbours; beyond both ends they are mirrored.
void AddSmoothed(std::span<const float> row, float scale, std::span<float> into) {
  const auto size = std::ssize(row);
  std::array<float, kMedianWidth> near{};
  for (std::ptrdiff_t at = 0; at < size; ++at) {
    for (std::ptrdiff_t i = 0; i < kMedianWidth; ++i) {
      std::ptrdiff_t neighbour = std::abs(at + i - kMedianWidth / 2);
      if (neighbour >= size) neighbour = 2 * (size - 1) - neighbour;
      near[static_cast<std::size_t>(i)] =
          row[static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, neighbour))];
    }
    std::ranges::nth_element(near, near.begin() + kMedianWidth / 2);
    into[static_cast<std::size_t>(at)] += scale * near[kMedianWidth / 2];
  }
}

// The path through the matrix, from its first corner to its last, along which the sum is the largest; a step goes one
// row down, one column on, or both. Gives the column where each row is entered.
std::vector<std::int32_t> EnterRows(const Matrix& gain) {
  enum Step : std::uint8_t { kBoth, kDown, kOn };
  const std::size_t rows = gain.rows();
  const std::size_t columns = gain.columns();
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  std::vector<Step> steps(rows * columns, kOn);
  std::vector<float> above(columns, kNever);
  std::vector<float> here(columns);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < columns; ++i) {
      const float both = row == 0 ? (i == 0 ? 0 : kNever) : i == 0 ? kNever : above[i - 1];
      const float down = row == 0 ? kNever : above[i];
      const float on = i == 0 ? kNever : here[i - 1];
      const Step step = both > down && both > on ? kBoth : down > both && down > on ? kDown : kOn;
      steps[row * columns + i] = step;
      here[i] = gain.row(row)[i] + std::max({both, down, on});
    }
    std::swap(above, here);
  }
  std::vector<std::int32_t> entered(rows);
  std::size_t i = columns - 1;
  for (std::size_t row = rows; row > 0; --row) {
    // Along the first row and the first column there is one way only.
    while (i > 0 && (row == 1 || steps[(row - 1) * columns + i] == kOn)) --i;
    entered[row - 1] = static_cast<std::int32_t>(i);
    if (row > 1 && i > 0 && steps[(row - 1) * columns + i] == kBoth) --i;
  }
  return entered;
}

}  // namespace

std::vector<std::int32_t> TokenStarts(const CrossAttention& attention, std::size_t first_row,
                                      std::size_t sounding) {
  BLINDAI_CHECK(attention.weights.size() == attention.heads * attention.rows * attention.positions);
  const std::size_t columns = std::min(sounding, attention.positions);
  if (attention.heads == 0 || columns == 0 || attention.rows < first_row + 2) return {};
  Matrix weights(attention.rows, columns);
  Matrix gain(attention.rows - first_row - 1, columns);
  for (std::size_t head = 0; head < attention.heads; ++head) {
    TakeHead(attention, head, weights);
    Normalise(weights);
    for (std::size_t row = 0; row < gain.rows(); ++row)
      AddSmoothed(weights.row(first_row + row), 1 / static_cast<float>(attention.heads), gain.row(row));
  }
  return EnterRows(gain);
}

}  // namespace blindai::model
