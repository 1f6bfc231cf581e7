// What was received from a connection and is not used yet: a head, and what came behind it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "base/bytes.h"

namespace blindai::net {

class InputBuffer {
 public:
  base::ByteView view() const { return base::ByteView(bytes_).subspan(begin_, end_ - begin_); }
  std::string_view text() const { return base::AsText(view()); }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  // Room for `size` more bytes behind what is there; Added() says how many came.
  std::span<std::uint8_t> Space(std::size_t size) {
    std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(begin_),
              bytes_.begin() + static_cast<std::ptrdiff_t>(end_), bytes_.begin());
    end_ -= begin_;
    begin_ = 0;
    if (bytes_.size() < end_ + size) bytes_.resize(end_ + size);
    return std::span(bytes_).subspan(end_, size);
  }
  void Added(std::size_t size) { end_ += size; }

  void Consume(std::size_t size) {
    begin_ += size;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Moves up to out.size() bytes out.
  std::size_t Take(std::span<std::uint8_t> out) {
    const std::size_t count = std::min(out.size(), size());
    std::copy_n(view().begin(), count, out.begin());
    Consume(count);
    return count;
  }

 private:
  base::Bytes bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace blindai::net
