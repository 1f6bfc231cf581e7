#include "net/chunked_decoder.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <string>

namespace blindai::net {

namespace http = boost::beast::http;

struct ChunkedDecoder::State {
  std::string code;
  http::response_parser<http::buffer_body> parser;
};

// Beast decodes chunks only behind a head, so it is given one.
ChunkedDecoder::ChunkedDecoder(std::string_view code) : state_(std::make_unique<State>()) {
  state_->code = std::string(code);
  state_->parser.body_limit(boost::none);
  constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  boost::beast::error_code error;
  const std::size_t used = state_->parser.put(boost::asio::buffer(kHead.data(), kHead.size()), error);
  BLINDAI_CHECK(!error && used == kHead.size());
}

ChunkedDecoder::~ChunkedDecoder() = default;
ChunkedDecoder::ChunkedDecoder(ChunkedDecoder&&) noexcept = default;
ChunkedDecoder& ChunkedDecoder::operator=(ChunkedDecoder&&) noexcept = default;

base::Result<ChunkedDecoder::Progress> ChunkedDecoder::Decode(base::ByteView input,
                                                              std::span<std::uint8_t> output) {
  Progress progress;
  auto& parser = state_->parser;
  auto& body = parser.get().body();
  while (!parser.is_done() && progress.consumed < input.size()) {
    const base::ByteView rest = input.subspan(progress.consumed);
    body.data = output.data() + progress.produced;
    body.size = output.size() - progress.produced;
    body.more = true;
    boost::beast::error_code error;
    const std::size_t used = parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
    progress.consumed += used;
    progress.produced = output.size() - body.size;
    if (error == http::error::need_buffer) break;
    if (error == http::error::need_more && rest.size() - used < kMaxFraming) break;
    if (error) return base::Malformed("The chunked body is not well formed", state_->code);
    if (used == 0) break;
  }
  progress.done = parser.is_done();
  return progress;
}

}  // namespace blindai::net
