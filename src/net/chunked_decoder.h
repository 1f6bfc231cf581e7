// Takes the chunked framing (RFC 9112 section 7.1) off a body. Pure: bytes in, bytes out, nothing allocated.
// It is ours because Beast's parser (1.81) runs into an assertion when a last chunk comes in small pieces.
// Extensions and trailer fields are checked and dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::net {

class ChunkedDecoder {
 public:
  // The longest line of framing (a size with extensions, or a trailer field), and the longest trailer.
  static constexpr std::size_t kMaxLine = 4 * 1024;
  static constexpr std::size_t kMaxTrailer = 16 * 1024;

  // `code` is the code of its errors, a literal: "http-request" or "http-response".
  explicit ChunkedDecoder(std::string_view code) : code_(code) {}

  struct Progress {
    std::size_t consumed = 0;  // of the input
    std::size_t produced = 0;  // into the output
    bool done = false;         // the last chunk and its trailer have been read
  };
  // Goes as far as input and output reach. Neither done nor produced: more input is needed, behind what was
  // left.
  base::Result<Progress> Decode(base::ByteView input, std::span<std::uint8_t> output);

 private:
  enum class State { kSize, kData, kDataEnd, kTrailer, kDone };
  base::Status TakeLine(std::string_view line);
  base::Status TakeSize(std::string_view line);

  std::string_view code_;
  State state_ = State::kSize;
  std::uint64_t data_left_ = 0;
  std::size_t trailer_size_ = 0;
};

}  // namespace blindai::net
