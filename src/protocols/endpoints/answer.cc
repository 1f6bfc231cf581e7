#include "protocols/endpoints/answer.h"

#include <utility>

#include "net/http_message.h"
#include "protocols/wire/errors.h"
#include "protocols/wire/open_inference_v2_metadata.h"

namespace blindai::endpoints {
namespace {

// Seconds after which something that is starting again is worth another try, where nobody knows better (RFC 9110
// section 10.2.3).
constexpr int kRetryAfterSeconds = 1;

bool IsOpenInference(const net::RequestHead& head) {
  return head.path == "/v2" || head.path.starts_with("/v2/");
}

int StatusFor(const net::RequestHead& head, const base::Error& error) {
  // The protocol's own status map knows 400 for everything that a client can mend (reference/serving 1.1),
  // and OpenAI's clients read 400 for a value that cannot be honoured.
  if (error.kind == base::ErrorKind::kUnsupported) return IsOpenInference(head) ? 501 : 400;
  return wire::HttpStatusOf(error.kind);
}

}  // namespace

net::HttpResponse ErrorResponseFor(const net::RequestHead& head, int status, const base::Error& error) {
  return net::JsonResponse(status,
                           IsOpenInference(head) ? wire::EncodeOipError(error) : wire::EncodeError(error));
}

net::Task<void> AnswerErrorWith(net::HttpExchange& exchange, int status, const base::Error& error,
                                const net::HeaderList& headers) {
  // Nobody is there to read it, or half an answer is under way already: the connection says the rest.
  if (exchange.disconnected() || exchange.response_started()) co_return;
  net::HttpResponse response = ErrorResponseFor(exchange.head(), status, error);
  for (const auto& [name, value] : headers.fields()) response.headers.Add(name, value);
  const bool passes =
      error.kind == base::ErrorKind::kExhausted || error.kind == base::ErrorKind::kUnavailable;
  if (passes) {
    const int seconds = error.retry_after_s > 0 ? error.retry_after_s : kRetryAfterSeconds;
    response.headers.Add("Retry-After", std::to_string(seconds));
  }
  if (error.kind == base::ErrorKind::kUnauthorized) response.headers.Add("WWW-Authenticate", "Bearer");
  co_await exchange.Respond(response);
}

net::Task<void> AnswerError(net::HttpExchange& exchange, const base::Error& error) {
  const net::HeaderList none;
  co_await AnswerErrorWith(exchange, StatusFor(exchange.head(), error), error, none);
}

net::Task<void> AnswerJson(net::HttpExchange& exchange, int status, std::string_view json) {
  net::HttpResponse response = net::JsonResponse(status, json);
  co_await exchange.Respond(response);
}

}  // namespace blindai::endpoints
