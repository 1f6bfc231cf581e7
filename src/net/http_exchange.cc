#include "net/http_exchange.h"

#include <algorithm>
#include <string>

namespace blindai::net {
namespace {

// The body grows in steps of this size, so that memory is touched only as bytes arrive.
constexpr std::size_t kStep = 256 * 1024;

base::Error TooLarge(std::uint64_t max_bytes) {
  return base::MakeError(
      base::ErrorKind::kTooLarge, "body-too-large",
      "The request body is larger than the limit of " + std::to_string(max_bytes) + " bytes");
}

}  // namespace

Task<base::Result<base::Bytes>> HttpExchange::ReadWholeBody(std::uint64_t max_bytes) {
  const std::uint64_t announced = head().content_length.value_or(0);
  if (announced > max_bytes) co_return TooLarge(max_bytes);
  // Of a chunked body one byte more than allowed is asked for, so that its end is told from its excess.
  const std::uint64_t most = head().content_length.has_value() ? announced : max_bytes + 1;
  base::Bytes body;
  // Address space only: pages are used when bytes come.
  body.reserve(static_cast<std::size_t>(announced));
  std::size_t size = 0;
  while (size < most) {
    if (size == body.size()) {
      body.resize(size + static_cast<std::size_t>(std::min<std::uint64_t>(most - size, kStep)));
    }
    const std::span<std::uint8_t> space(body.data() + size, body.size() - size);
    const base::Result<std::size_t> count = co_await ReadBody(space);
    if (!count.ok()) co_return count.error();
    size += *count;
    if (size > max_bytes) co_return TooLarge(max_bytes);
    if (*count == 0) break;
  }
  body.resize(size);
  co_return std::move(body);
}

Task<base::Result<std::unique_ptr<WebSocket>>> HttpExchange::AcceptWebSocket(
    const WebSocketOptions& /*options*/) {
  co_return base::MakeError(base::ErrorKind::kUnsupported, "websocket-upgrade",
                            "A WebSocket is not offered here");
}

Task<base::Result<std::unique_ptr<ByteStream>>> HttpExchange::SwitchProtocols(HeaderList& /*headers*/) {
  co_return base::MakeError(base::ErrorKind::kUnsupported, "protocol-upgrade",
                            "Another protocol is not offered here");
}

}  // namespace blindai::net
