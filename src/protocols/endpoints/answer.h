// How endpoints answer: JSON, and errors in the shape that the path's protocol uses. Under /v2 that is the
// Open Inference Protocol's {"error": "…"} with our code beside it, everywhere else OpenAI's {"error":
// {"message", "type", "param", "code"}}.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_exchange.h"
#include "net/task.h"

namespace blindai::endpoints {

// Answers unless the client is gone or an answer has begun.
net::Task<void> AnswerError(net::HttpExchange& exchange, const base::Error& error);
// The same with a status and headers of its own.
net::Task<void> AnswerErrorWith(net::HttpExchange& exchange, int status, const base::Error& error,
                                const net::HeaderList& headers);
net::Task<void> AnswerJson(net::HttpExchange& exchange, int status, std::string_view json);

// The answer in the shape of the path's protocol.
net::HttpResponse ErrorResponseFor(const net::RequestHead& head, int status, const base::Error& error);

}  // namespace blindai::endpoints
