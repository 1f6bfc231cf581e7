// Errors on the wire: base::Error to a status number and OpenAI's error body, and back.
// docs/formats/errors.md lists kinds, status numbers and codes. What a client rebuilds is what the server
// said: kind, code, message and param. https://platform.openai.com/docs/guides/error-codes
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::wire {

int HttpStatusOf(base::ErrorKind kind);
// OpenAI's `type`: "invalid_request_error", "authentication_error", "permission_error", "rate_limit_error",
// "server_error".
std::string_view ErrorTypeOf(base::ErrorKind kind);

// {"error":{"message","type","param","code"}}; param is null when there is none.
std::string EncodeError(const base::Error& error);

// From the status number and the body of an answer that is not 2xx. Reads OpenAI's shape and the Open
// Inference Protocol's
// {"error":"…"}; any other body gives a general message with the code "http-status". The text comes from
// outside: control characters are dropped, and it is cut at 2,000 bytes.
base::Error DecodeError(int status, base::ByteView body);

}  // namespace blindai::wire
