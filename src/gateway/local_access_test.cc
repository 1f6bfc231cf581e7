#include "gateway/local_access.h"

#include <gtest/gtest.h>

namespace blindai::gateway {
namespace {

constexpr std::string_view kToken = "0123456789abcdef";

AccessRules Rules() {
  AccessRules rules;
  rules.token = base::SecretBytes::CopyOf(base::AsBytes(kToken));
  return rules;
}

net::RequestHead Head(const std::string& fields, const std::string& line = "GET /v1/models") {
  const std::string text = line + " HTTP/1.1\r\n" + fields + "\r\n";
  return *net::ParseRequestHead(base::AsBytes(text));
}

std::string Code(const std::string& fields, const AccessRules& rules, Door door = Door::kAnythingElse) {
  const base::Status checked = CheckAccess(Head(fields), door, rules);
  return checked.ok() ? "" : checked.error().code;
}

TEST(LocalAccess, AProgramOnThisComputerComesInWithoutAToken) {
  for (const char* host :
       {"127.0.0.1:8800", "127.0.0.1", "localhost:8800", "LOCALHOST", "[::1]:8800", "127.1.2.3:1"})
    EXPECT_EQ(Code("Host: " + std::string(host) + "\r\n", Rules()), "") << host;
  // An OpenAI client sends some key; it is nobody's business here.
  EXPECT_EQ(Code("Host: localhost:8800\r\nAuthorization: Bearer unused\r\n", Rules()), "");
}

TEST(LocalAccess, ANameOfSomebodyElseForThisAddressDoesNot) {
  for (const char* host :
       {"evil.example:8800", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "localhost.",
        "", "192.168.0.7:8800", "0.0.0.0:8800", "[::2]:8800", "::1", "[::1", "127.0.0.1:x",
        "127.0.0.1:8800@evil.example", "127.0.0.1:123456", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"})
    EXPECT_EQ(Code("Host: " + std::string(host) + "\r\n", Rules()), "gateway-host") << host;
}

TEST(LocalAccess, WhereItListensOnTheNetworkANumberIsEnoughAndANameIsNot) {
  AccessRules rules = Rules();
  rules.loopback = false;
  EXPECT_EQ(Code("Host: 192.168.0.7:8800\r\n", rules), "");
  EXPECT_EQ(Code("Host: [2001:db8::7]:8800\r\n", rules), "");
  EXPECT_EQ(Code("Host: evil.example:8800\r\n", rules), "gateway-host");
}

TEST(LocalAccess, APageOfAnotherOriginDoesNotComeIn) {
  const std::string host = "Host: 127.0.0.1:8800\r\n";
  const std::string token = "Authorization: Bearer " + std::string(kToken) + "\r\n";
  for (const char* fields :
       {"Origin: https://evil.example\r\n", "Origin: null\r\n", "Origin: http://127.0.0.1:8801\r\n",
        "Origin: http://127.0.0.1\r\n", "Origin: https://127.0.0.1:8800\r\n",
        "Origin: http://localhost:8800\r\n",
        "Origin: http://127.0.0.1:8800\r\nOrigin: https://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n", "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n",
        "Origin: http://127.0.0.1:8800\r\nSec-Fetch-Site: cross-site\r\n", "Origin: \r\n"}) {
    EXPECT_EQ(Code(host + token + fields, Rules()), "gateway-origin") << fields;
    EXPECT_EQ(Code(host + fields, Rules(), Door::kPageFile), "gateway-origin") << fields;
  }
}

TEST(LocalAccess, TheGatewaysOwnPageNeedsTheToken) {
  const std::string page =
      "Host: 127.0.0.1:8800\r\nOrigin: http://127.0.0.1:8800\r\nSec-Fetch-Site: same-origin\r\n";
  EXPECT_EQ(Code(page, Rules()), "gateway-token");
  EXPECT_EQ(Code(page + "Authorization: Bearer 0123456789abcdeX\r\n", Rules()), "gateway-token");
  EXPECT_EQ(Code(page + "Authorization: Bearer 0123456789abcde\r\n", Rules()), "gateway-token");
  EXPECT_EQ(Code(page + "Authorization: Bearer \r\n", Rules()), "gateway-token");
  EXPECT_EQ(Code(page + "Authorization: Bearer 0123456789abcdef\r\n", Rules()), "");
  EXPECT_EQ(Code(page + "Sec-WebSocket-Protocol: realtime, blindai-token.0123456789abcdef\r\n", Rules()), "");
  EXPECT_EQ(Code(page + "Sec-WebSocket-Protocol: realtime, blindai-token.nothing\r\n", Rules()),
            "gateway-token");
  // What a browser sends by itself, without any script, has no Origin.
  EXPECT_EQ(Code("Host: 127.0.0.1:8800\r\nSec-Fetch-Site: none\r\n", Rules()), "gateway-token");
}

TEST(LocalAccess, ThePagesFilesAreForEverybodyWhoOpensThem) {
  const std::string host = "Host: 127.0.0.1:8800\r\n";
  EXPECT_EQ(Code(host, Rules(), Door::kPageFile), "");
  EXPECT_EQ(Code(host + "Sec-Fetch-Site: none\r\n", Rules(), Door::kPageFile), "");
  // A link on a page of somebody else, followed.
  EXPECT_EQ(
      Code(host + "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
           Rules(), Door::kPageFile),
      "");
  // Not in a frame, not as a script of another page.
  EXPECT_EQ(
      Code(host + "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
           Rules(), Door::kPageFile),
      "gateway-origin");
}

TEST(LocalAccess, WithATokenForProgramsNobodyComesInWithout) {
  AccessRules rules = Rules();
  rules.token_for_programs = true;
  EXPECT_EQ(Code("Host: localhost:8800\r\n", rules), "gateway-token");
  EXPECT_EQ(Code("Host: localhost:8800\r\nAuthorization: Bearer unused\r\n", rules), "gateway-token");
  EXPECT_EQ(Code("Host: localhost:8800\r\nAuthorization: Bearer 0123456789abcdef\r\n", rules), "");
}

TEST(LocalAccess, TheTokenIsTakenOutOfTheSubprotocols) {
  const net::HeaderList both = {{"Sec-WebSocket-Protocol", "realtime,blindai-token.ab"},
                                {"Sec-WebSocket-Protocol", " other "}};
  EXPECT_EQ(SubprotocolsWithoutToken(both), "realtime, other");
  EXPECT_EQ(TokenSubprotocol(both), "blindai-token.ab");
  const net::HeaderList alone = {{"Sec-WebSocket-Protocol", "blindai-token.ab"}};
  EXPECT_EQ(SubprotocolsWithoutToken(alone), std::nullopt);
  EXPECT_EQ(TokenSubprotocol({}), std::nullopt);
}

}  // namespace
}  // namespace blindai::gateway
