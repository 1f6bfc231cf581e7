#include "protocols/wire/directory.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/json.hpp>

#include "encoding/json.h"
#include "protocols/wire/json_fields.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::ByteView;
using base::Result;

constexpr std::string_view kCode = "directory-message";
constexpr std::size_t kMaxAddressLength = 255;
constexpr std::size_t kMaxModelName = 256;
constexpr std::size_t kMaxServers = 1024;
constexpr std::size_t kMaxTokenBytes = 4096;

Result<json::object> Parse(ByteView body) {
  return ParseSmallJsonObject(body, kCode, kMaxDirectoryJsonBytes);
}

Result<std::string> BoundedString(const JsonFields& fields, std::string_view name, std::size_t max) {
  BLINDAI_TRY(std::string text, fields.String(name));
  if (text.size() > max) return fields.Wrong(name, "is too long");
  return text;
}

Result<std::string> Address(const JsonFields& fields) {
  BLINDAI_TRY(std::string address, fields.String("address"));
  if (IsServerAddress(address)) return address;
  return fields.Wrong("address", "is no address; wanted host:port");
}

Result<std::uint64_t> Backlog(const JsonFields& fields) {
  BLINDAI_TRY(const auto backlog, fields.OptionalUnsigned("backlog_ms"));
  // A year and more is the same as a year, and sums stay far from overflow.
  return std::min(backlog.value_or(0), std::uint64_t{365} * 86'400 * 1000);
}

bool IsSha256Hex(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<std::vector<std::string>> Models(const JsonFields& fields) {
  BLINDAI_TRY(const json::array* const entries, fields.OptionalArray("models"));
  std::vector<std::string> models;
  if (entries == nullptr) return models;
  if (entries->size() > kMaxReportedModels) return fields.Wrong("models", "has too many entries");
  models.reserve(entries->size());
  for (const json::value& entry : *entries) {
    if (!entry.is_string() || !IsSha256Hex(entry.get_string())) {
      return fields.Wrong("models", "has an entry that is not 64 lower-case hex digits");
    }
    models.emplace_back(entry.get_string());
  }
  return models;
}

Result<std::optional<V05Ports>> Ports(const JsonFields& fields) {
  BLINDAI_TRY(const json::object* const object, fields.OptionalObject("v05"));
  if (object == nullptr) return std::optional<V05Ports>();
  const JsonFields inner(*object, kCode, "v05");
  V05Ports ports;
  for (const auto& [name, port] :
       {std::pair{"attested", &ports.attested}, std::pair{"untrusted", &ports.untrusted}}) {
    BLINDAI_TRY(const auto number, inner.OptionalUnsigned(name));
    if (!number || *number == 0 || *number > 65'535) return inner.Wrong(name, "is no port");
    *port = static_cast<std::uint16_t>(*number);
  }
  return std::optional(ports);
}

Result<PlacedServer> Placed(const json::value& entry) {
  static const json::object kNothing;
  const JsonFields fields(entry.is_object() ? entry.get_object() : kNothing, kCode, "servers");
  PlacedServer server;
  BLINDAI_TRY(server.address, Address(fields));
  BLINDAI_TRY(server.backlog_ms, Backlog(fields));
  return server;
}

}  // namespace

bool IsServerAddress(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.size() > kMaxAddressLength) return false;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) return false;
  const bool v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (v6) host = host.substr(1, host.size() - 2);
  const auto allowed = [v6](char c) {
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (v6) return hex || c == ':' || c == '.';
    return hex || (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z') || c == '-' || c == '.';
  };
  return !host.empty() && std::all_of(host.begin(), host.end(), allowed);
}

std::string EncodeSessionRequest(const SessionRequest& request) {
  json::object object;
  if (request.model) object["model"] = *request.model;
  return json::serialize(object);
}

Result<SessionRequest> DecodeSessionRequest(ByteView body) {
  SessionRequest request;
  if (body.empty()) return request;
  BLINDAI_TRY(const json::object object, Parse(body));
  const JsonFields fields(object, kCode);
  BLINDAI_TRY(request.model, fields.OptionalString("model"));
  if (request.model && request.model->size() > kMaxModelName) return fields.Wrong("model", "is too long");
  return request;
}

std::string EncodeSessionAnswer(const SessionAnswer& answer) {
  json::array servers;
  for (const PlacedServer& server : answer.servers) {
    servers.push_back(json::object{{"address", server.address}, {"backlog_ms", server.backlog_ms}});
  }
  json::object object{{"token", answer.token},
                      {"token_type", "Bearer"},
                      {"expires_at", answer.expires_at},
                      {"servers", std::move(servers)}};
  if (answer.simulation) object["simulation"] = true;
  return json::serialize(object);
}

Result<SessionAnswer> DecodeSessionAnswer(ByteView body) {
  BLINDAI_TRY(const json::object object, Parse(body));
  const JsonFields fields(object, kCode);
  SessionAnswer answer;
  BLINDAI_TRY(answer.token, BoundedString(fields, "token", kMaxTokenBytes));
  // It becomes a header field, and nothing else may come with it.
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (answer.token.empty() || !std::all_of(answer.token.begin(), answer.token.end(), printable)) {
    return fields.Wrong("token", "is no token");
  }
  BLINDAI_TRY(const auto expires_at, fields.OptionalInteger("expires_at"));
  if (!expires_at) return fields.Wrong("expires_at", "is missing");
  answer.expires_at = *expires_at;
  BLINDAI_TRY(const auto simulation, fields.OptionalBool("simulation"));
  answer.simulation = simulation.value_or(false);
  BLINDAI_TRY(const json::array* const servers, fields.Array("servers"));
  if (servers->empty() || servers->size() > kMaxServers)
    return fields.Wrong("servers", "has none or too many");
  for (const json::value& entry : *servers) {
    BLINDAI_TRY(PlacedServer server, Placed(entry));
    answer.servers.push_back(std::move(server));
  }
  return answer;
}

std::string EncodeServerReport(const ServerReport& report) {
  json::object object{{"address", report.address},
                      {"models", json::array(report.models.begin(), report.models.end())},
                      {"backlog_ms", report.backlog_ms}};
  if (report.v05) {
    object["v05"] = json::object{{"attested", report.v05->attested}, {"untrusted", report.v05->untrusted}};
  }
  return json::serialize(object);
}

Result<ServerReport> DecodeServerReport(ByteView body) {
  BLINDAI_TRY(const json::object object, Parse(body));
  const JsonFields fields(object, kCode);
  ServerReport report;
  BLINDAI_TRY(report.address, Address(fields));
  BLINDAI_TRY(report.models, Models(fields));
  BLINDAI_TRY(report.backlog_ms, Backlog(fields));
  BLINDAI_TRY(report.v05, Ports(fields));
  return report;
}

std::string EncodeServerReportAnswer(const ServerReportAnswer& answer) {
  json::object object{{"state", answer.state}, {"issuer", answer.issuer}};
  if (!answer.reason.empty()) object["reason"] = answer.reason;
  std::string text = json::serialize(object);
  // The key set is a text of its own and goes in as it is.
  text.pop_back();
  return text + ",\"jwks\":" + answer.jwks + "}";
}

Result<ServerReportAnswer> DecodeServerReportAnswer(ByteView body) {
  BLINDAI_TRY(const json::object object, Parse(body));
  const JsonFields fields(object, kCode);
  ServerReportAnswer answer;
  BLINDAI_TRY(answer.state, BoundedString(fields, "state", 32));
  BLINDAI_TRY(answer.issuer, BoundedString(fields, "issuer", 256));
  BLINDAI_TRY(const auto reason, fields.OptionalString("reason"));
  answer.reason = reason.value_or("").substr(0, 256);
  BLINDAI_TRY(const json::object* const jwks, fields.OptionalObject("jwks"));
  if (jwks == nullptr) return fields.Wrong("jwks", "is missing");
  answer.jwks = json::serialize(*jwks);
  return answer;
}

}  // namespace blindai::wire
