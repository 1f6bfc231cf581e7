// Who may come in at the gateway's door. The door is plain HTTP on this computer, where every program and every page
// in the user's browser can knock; a page of somebody else must not get in, neither by its own name for this address
// (DNS rebinding) nor across origins. Pure: a request's head in, an answer out. docs/gateway.md has the rules.
//
// Codes: gateway-host, gateway-origin (both 403), gateway-token (401).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "net/http_message.h"

namespace blindai::gateway {

struct AccessRules {
  base::SecretBytes token;
  // Whether programs need the token too, and not only browsers.
  bool token_for_programs = false;
  // Whether it listens on loopback: then no other address can be meant.
  bool loopback = true;
};

// What is asked for: the page's own files, which hold nothing secret, or anything else.
enum class Door { kPageFile, kAnythingElse };

base::Status CheckAccess(const net::RequestHead& head, Door door, const AccessRules& rules);

// Among the subprotocols of a WebSocket: "blindai-token." and the token. A browser can send it in no other way.
inline constexpr std::string_view kTokenSubprotocol = "blindai-token.";
// The subprotocols that were offered, without the one that carries a token; nothing when none is left.
std::optional<std::string> SubprotocolsWithoutToken(const net::HeaderList& headers);
// The one that carries a token, as it was sent.
std::optional<std::string> TokenSubprotocol(const net::HeaderList& headers);

}  // namespace blindai::gateway
