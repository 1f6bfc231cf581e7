// Takes the chunked framing (RFC 9112 section 7.1) off a body. Pure: bytes in, bytes out; Boost.Beast does
// the work.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::net {

class ChunkedDecoder {
 public:
  // The most bytes of framing (chunk header with extensions, or trailer) that may stand between two pieces of
  // data: the caller's buffer must hold that much.
  static constexpr std::size_t kMaxFraming = 8 * 1024;

  // `code` is the code of its errors: "http-request" or "http-response".
  explicit ChunkedDecoder(std::string_view code);
  ~ChunkedDecoder();
  ChunkedDecoder(ChunkedDecoder&&) noexcept;
  ChunkedDecoder& operator=(ChunkedDecoder&&) noexcept;

  struct Progress {
    std::size_t consumed = 0;  // of the input
    std::size_t produced = 0;  // into the output
    bool done = false;         // the last chunk and its trailer have been read
  };
  // Zero consumed and produced: more input is needed.
  base::Result<Progress> Decode(base::ByteView input, std::span<std::uint8_t> output);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace blindai::net
