// The pure parser of a response head, for this room's client. As strict as the parser of requests, since a
// server that is not yet verified wrote it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "net/http_message.h"

namespace blindai::net {

struct ResponseHead {
  int status = 0;
  HeaderList headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;  // neither: the body ends with the connection
  bool keep_alive = true;
};

// `bytes` ends with the empty line. Codes: "http-response", "http-version", "http-transfer-encoding".
base::Result<ResponseHead> ParseResponseHead(base::ByteView bytes);

}  // namespace blindai::net
