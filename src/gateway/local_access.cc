#include "gateway/local_access.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/ascii.h"
#include "base/bytes.h"

namespace blindai::gateway {
namespace {

using base::EqualWithoutCase;
using base::ErrorKind;
using base::MakeError;
using base::Status;
using net::RequestHead;

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kSubprotocols = "Sec-WebSocket-Protocol";

bool IsPort(std::string_view text) {
  return text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "127.0.0.1:8800" → "127.0.0.1", "[::1]" → "::1"; nothing for what is no host and port.
std::optional<std::string> HostWithoutPort(std::string_view text) {
  std::string_view rest;
  std::string host;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (!rest.empty() && (rest.front() != ':' || !IsPort(rest.substr(1)))) return std::nullopt;
  return host;
}

// A name can be made to point here by whoever owns it; a number cannot.
bool IsHostOfHere(std::string_view header, bool loopback) {
  const std::optional<std::string> host = HostWithoutPort(header);
  if (!host) return false;
  if (EqualWithoutCase(*host, "localhost")) return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host->c_str(), &v4) == 1) return !loopback || (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host->c_str(), &v6) != 1 || !header.starts_with('[')) return false;
  return !loopback || IN6_IS_ADDR_LOOPBACK(&v6);
}

// Somebody follows a link to the page: it shows what everybody may see, in a frame of nobody.
bool IsNavigation(const RequestHead& head) {
  return head.method == "GET" && head.headers.Find("Sec-Fetch-Mode") == "navigate" &&
         head.headers.Find("Sec-Fetch-Dest") == "document";
}

Status CheckOrigin(const RequestHead& head, Door door) {
  const auto refused = [] {
    return MakeError(
        ErrorKind::kDenied, "gateway-origin",
        "a page of another origin sent this request; only the gateway's own page and programs of "
        "this computer may use it");
  };
  const std::vector<std::string_view> origins = head.headers.FindAll("Origin");
  if (origins.size() > 1) return refused();
  if (!origins.empty()) {
    const std::string own = "http://" + std::string(head.headers.Find("Host").value_or(""));
    if (!EqualWithoutCase(origins.front(), own)) return refused();
  }
  if (door == Door::kPageFile && IsNavigation(head)) return base::Ok();
  for (const std::string_view site : head.headers.FindAll("Sec-Fetch-Site")) {
    if (site != "same-origin" && site != "none") return refused();
  }
  return base::Ok();
}

bool IsOfBrowser(const RequestHead& head) {
  return head.headers.Has("Origin") || head.headers.Has("Sec-Fetch-Site");
}

// "a, b" of every field of that name.
std::vector<std::string_view> ListOf(const net::HeaderList& headers, std::string_view name) {
  std::vector<std::string_view> items;
  for (std::string_view list : headers.FindAll(name)) {
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      std::string_view item = list.substr(0, comma);
      list.remove_prefix(std::min(comma + 1, list.size()));
      while (item.starts_with(' ') || item.starts_with('\t')) item.remove_prefix(1);
      while (item.ends_with(' ') || item.ends_with('\t')) item.remove_suffix(1);
      if (!item.empty()) items.push_back(item);
    }
  }
  return items;
}

bool HasToken(const RequestHead& head, const base::SecretBytes& token) {
  const auto is_token = [&token](std::string_view given) {
    return base::ConstantTimeEqual(base::AsBytes(given), token.ExposeSecret());
  };
  if (const auto given = head.headers.Find("Authorization"); given && given->starts_with(kBearer))
    return is_token(given->substr(kBearer.size()));
  for (const std::string_view offered : ListOf(head.headers, kSubprotocols)) {
    if (offered.starts_with(kTokenSubprotocol)) return is_token(offered.substr(kTokenSubprotocol.size()));
  }
  return false;
}

}  // namespace

Status CheckAccess(const RequestHead& head, Door door, const AccessRules& rules) {
  if (!IsHostOfHere(head.headers.Find("Host").value_or(""), rules.loopback)) {
    return MakeError(ErrorKind::kDenied, "gateway-host",
                     "the Host of this request is not the gateway; use http://127.0.0.1 with its port");
  }
  BLINDAI_RETURN_IF_ERROR(CheckOrigin(head, door));
  if (door == Door::kPageFile) return base::Ok();
  if (!rules.token_for_programs && !IsOfBrowser(head)) return base::Ok();
  if (HasToken(head, rules.token)) return base::Ok();
  return MakeError(ErrorKind::kUnauthorized, "gateway-token",
                   "the gateway's token is missing or wrong; open the page by the address that the gateway "
                   "printed, or send 'Authorization: Bearer TOKEN'");
}

std::optional<std::string> SubprotocolsWithoutToken(const net::HeaderList& headers) {
  std::string left;
  for (const std::string_view offered : ListOf(headers, kSubprotocols)) {
    if (offered.starts_with(kTokenSubprotocol)) continue;
    left += (left.empty() ? "" : ", ") + std::string(offered);
  }
  if (left.empty()) return std::nullopt;
  return left;
}

std::optional<std::string> TokenSubprotocol(const net::HeaderList& headers) {
  for (const std::string_view offered : ListOf(headers, kSubprotocols)) {
    if (offered.starts_with(kTokenSubprotocol)) return std::string(offered);
  }
  return std::nullopt;
}

}  // namespace blindai::gateway
