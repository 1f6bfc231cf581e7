// Samples of a live stream that somebody still needs, numbered from the stream's start. What is dropped is wiped at
// once, and so is what a growing buffer leaves behind.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/secret.h"

namespace blindai::speech {

class SampleBuffer {
 public:
  SampleBuffer() = default;
  ~SampleBuffer() { Wipe(0, samples_.size()); }
  SampleBuffer(const SampleBuffer& other)
      : samples_(other.samples_.begin() + static_cast<std::ptrdiff_t>(other.dropped_), other.samples_.end()),
        begin_(other.begin_) {}
  SampleBuffer& operator=(const SampleBuffer&) = delete;

  std::int64_t begin() const { return begin_; }
  std::int64_t end() const { return begin_ + static_cast<std::int64_t>(samples_.size() - dropped_); }

  void Append(std::span<const float> more) {
    if (samples_.size() + more.size() > samples_.capacity()) {
      std::vector<float> larger;
      larger.reserve(2 * (samples_.size() - dropped_ + more.size()));
      larger.insert(larger.end(), samples_.begin() + static_cast<std::ptrdiff_t>(dropped_), samples_.end());
      Wipe(0, samples_.size());
      samples_ = std::move(larger);
      dropped_ = 0;
    }
    samples_.insert(samples_.end(), more.begin(), more.end());
  }

  // Samples [from, to), which must be there.
  std::span<const float> View(std::int64_t from, std::int64_t to) const {
    BLINDAI_CHECK(begin_ <= from && from <= to && to <= end());
    return std::span(samples_).subspan(dropped_ + static_cast<std::size_t>(from - begin_),
                                       static_cast<std::size_t>(to - from));
  }

  void DropBefore(std::int64_t position) {
    const std::int64_t to = std::clamp(position, begin_, end());
    const auto count = static_cast<std::size_t>(to - begin_);
    Wipe(dropped_, count);
    dropped_ += count;
    begin_ = to;
  }

 private:
  void Wipe(std::size_t from, std::size_t count) {
    base::Wipe(samples_.data() + from, count * sizeof(float));
  }

  std::vector<float> samples_;
  std::size_t dropped_ = 0;  // at the front of samples_, wiped
  std::int64_t begin_ = 0;   // of what is left
};

}  // namespace blindai::speech
