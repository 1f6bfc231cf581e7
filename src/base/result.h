// Result<T> is how a function says that input was malformed or a device failed. It holds a value or an Error;
// looking at the wrong one stops the program. Evidence that is well formed and not acceptable is a Verdict
// (attestation/verifier), and a broken promise of our own is BLINDAI_CHECK (check.h).
//
// An Error says three things: its kind (what the caller can do), a stable code (documented in
// docs/formats/errors.md, part of the interface) and a message for people: what was seen, what was wanted,
// what to do. Callers add where it happened: Within("quote") makes "quote: REPORTDATA: input ends early". A
// message never holds request data, secrets, paths or an engine's own text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace blindai::base {

// What a caller can do about it; protocols/endpoints map it to their status numbers.
enum class ErrorKind {
  kInvalid,       // the request is wrong and stays wrong (HTTP 400)
  kUnauthorized,  // who are you (401)
  kDenied,        // known, and not allowed (403)
  kNotFound,      // no such thing, or not yours: the same answer (404)
  kConflict,      // exists already, or in use (409)
  kTooLarge,      // over a stated limit (413)
  kUnsupported,   // well formed, and something we do not do (501 or 400)
  kExhausted,     // a queue or a quota is full; later may work (429)
  kUnavailable,   // a part of the server is not there now (503)
  kDeadline,      // took longer than its deadline (504)
  kCancelled,     // the caller went away
  kInternal,      // our fault; the message stays general (500)
};

struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string code;       // stable, lower case with hyphens: "tensor-shape"
  std::string message;    // for people
  std::string param;      // the field that is wrong, where there is one ("model")
  int retry_after_s = 0;  // when later may work: after how long; 0 = nobody knows

  // The same error with a place put in front of the message.
  Error Within(std::string_view place) &&;
};

// Malformed input, the commonest error: kInvalid with code "malformed" unless another is given.
Error Malformed(std::string message, std::string code = "malformed");
Error MakeError(ErrorKind kind, std::string code, std::string message, std::string param = "");

// What a function returns that has nothing to say but "done".
struct Done {};

template <typename T>
class [[nodiscard]] Result {
 public:
  // Implicit on purpose: `return value;` and `return Malformed("…");` both read well.
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    BLINDAI_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    BLINDAI_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    BLINDAI_CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    BLINDAI_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    BLINDAI_CHECK(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

  // The same result, an error with a place put in front of its message.
  Result Within(std::string_view place) && {
    if (ok()) return std::move(*this);
    return Result(std::move(*this).error().Within(place));
  }

 private:
  std::variant<T, Error> state_;
};

using Status = Result<Done>;
inline Status Ok() { return Done{}; }

}  // namespace blindai::base

// BLINDAI_TRY(name, expression): gives `name` the value of a Result, or returns its error from this function.
// BLINDAI_RETURN_IF_ERROR(expression): the same for a Status whose value does not matter.
#define BLINDAI_CONCAT_INNER(a, b) a##b
#define BLINDAI_CONCAT(a, b) BLINDAI_CONCAT_INNER(a, b)
#define BLINDAI_TRY(declaration, expression) \
  BLINDAI_TRY_INNER(BLINDAI_CONCAT(blindai_try_, __LINE__), declaration, expression)
#define BLINDAI_TRY_INNER(temporary, declaration, expression) \
  auto temporary = (expression);                              \
  if (!temporary.ok()) return std::move(temporary).error();   \
  declaration = std::move(temporary).value()
#define BLINDAI_RETURN_IF_ERROR(expression)                             \
  do {                                                                  \
    auto blindai_status = (expression);                                 \
    if (!blindai_status.ok()) return std::move(blindai_status).error(); \
  } while (false)
