// What was received from a connection and is not used yet: a head, and what came behind it. What has been used is
// overwritten at once, since a connection may rest for minutes with the key of its last request in here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/secret.h"

namespace blindai::net {

class InputBuffer {
 public:
  InputBuffer() = default;
  ~InputBuffer() { base::Wipe(bytes_); }
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;

  base::ByteView view() const { return base::ByteView(bytes_).subspan(begin_, end_ - begin_); }
  std::string_view text() const { return base::AsText(view()); }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  // Room for `size` more bytes behind what is there; Added() says how many came.
  std::span<std::uint8_t> Space(std::size_t size) {
    if (bytes_.size() < this->size() + size) {
      base::Bytes larger(this->size() + size);
      MoveTo(larger);
      bytes_ = std::move(larger);
    } else if (begin_ > 0) {
      MoveTo(bytes_);
    }
    return std::span(bytes_).subspan(end_, size);
  }
  void Added(std::size_t size) { end_ += size; }

  void Consume(std::size_t size) {
    base::Wipe(std::span(bytes_).subspan(begin_, size));
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
  // What is here to the front of `place`, which may be bytes_ itself.
  void MoveTo(base::Bytes& place) {
    const std::size_t count = size();
    std::copy_n(view().begin(), count, place.begin());
    const std::size_t stale = &place == &bytes_ ? std::max(begin_, count) : begin_;
    base::Wipe(std::span(bytes_).subspan(stale, end_ - stale));
    begin_ = 0;
    end_ = count;
  }

  base::Bytes bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace blindai::net
