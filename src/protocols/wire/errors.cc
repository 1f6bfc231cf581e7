#include "protocols/wire/errors.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "encoding/utf8.h"
#include "protocols/wire/json_fields.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::ErrorKind;

struct Entry {
  ErrorKind kind;
  int status;
  std::string_view type;
};
// A kind's first row is its status; a status' first row is the kind that a client reads it as.
constexpr std::array<Entry, 12> kEntries = {{
    {ErrorKind::kInvalid, 400, "invalid_request_error"},
    {ErrorKind::kUnauthorized, 401, "authentication_error"},
    {ErrorKind::kDenied, 403, "permission_error"},
    {ErrorKind::kNotFound, 404, "invalid_request_error"},
    {ErrorKind::kConflict, 409, "invalid_request_error"},
    {ErrorKind::kTooLarge, 413, "invalid_request_error"},
    {ErrorKind::kUnsupported, 501, "invalid_request_error"},
    {ErrorKind::kExhausted, 429, "rate_limit_error"},
    {ErrorKind::kUnavailable, 503, "server_error"},
    {ErrorKind::kDeadline, 504, "server_error"},
    {ErrorKind::kCancelled, 499, "invalid_request_error"},
    {ErrorKind::kInternal, 500, "server_error"},
}};

const Entry& EntryOf(ErrorKind kind) {
  const auto* found =
      std::find_if(kEntries.begin(), kEntries.end(), [&](const Entry& e) { return e.kind == kind; });
  BLINDAI_CHECK(found != kEntries.end());
  return *found;
}

ErrorKind KindOf(int status) {
  for (const Entry& entry : kEntries) {
    if (entry.status == status) return entry.kind;
  }
  return status >= 400 && status < 500 ? ErrorKind::kInvalid : ErrorKind::kInternal;
}

// What may be printed on a terminal.
std::string Printable(std::string_view text) {
  constexpr std::size_t kMost = 2000;
  text = text.substr(0, kMost);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, in UTF-8 C2 80 to C2 9F, are control characters too: some start terminal sequences.
    const bool control =
        byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (control) ++i;
    if (!control && byte >= 0x20 && byte != 0x7F) out += text[i];
  }
  // A cut may have split a character.
  while (!out.empty() && !encoding::IsUtf8(out)) out.pop_back();
  return out;
}

std::string TextOr(const json::object& object, std::string_view name, std::string_view otherwise) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? Printable(value->get_string()) : std::string(otherwise);
}

}  // namespace

int HttpStatusOf(ErrorKind kind) { return EntryOf(kind).status; }
std::string_view ErrorTypeOf(ErrorKind kind) { return EntryOf(kind).type; }

std::string EncodeError(const base::Error& error) {
  json::object body{{"message", error.message},
                    {"type", ErrorTypeOf(error.kind)},
                    {"param", nullptr},
                    {"code", error.code}};
  if (!error.param.empty()) body["param"] = error.param;
  return json::serialize(json::object{{"error", std::move(body)}});
}

base::Error DecodeError(int status, base::ByteView body) {
  base::Error error = base::MakeError(KindOf(status), "http-status",
                                      "the server answered with status " + std::to_string(status));
  const auto object = ParseSmallJsonObject(body, "http-status");
  if (!object.ok()) return error;
  const json::value* inner = object->if_contains("error");
  if (inner != nullptr && inner->is_object()) {
    const json::object& fields = inner->get_object();
    error.message = TextOr(fields, "message", error.message);
    error.code = TextOr(fields, "code", error.code);
    error.param = TextOr(fields, "param", "");
  } else if (inner != nullptr && inner->is_string()) {
    error.message = Printable(inner->get_string());
    error.code = TextOr(*object, "code", error.code);
  }
  return error;
}

}  // namespace blindai::wire
