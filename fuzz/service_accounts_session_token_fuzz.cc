// rooms: base encoding crypto service/accounts
// The input is "header LF claims"; it is signed here, so that what lies behind the signature is reached. Laws: what is
// accepted lies within the bounds and is the same after it was made again; no unsigned input is accepted at all; a key
// set that is read is the same after it was written.
#include "base/check.h"
#include "encoding/base64.h"
#include "service/accounts/jwks.h"
#include "service/accounts/session_token.h"

namespace {

using namespace blindai;

constexpr std::string_view kIssuer = "cloud.example";
const base::Time kNow{std::chrono::seconds(1'800'000'000)};

void CheckAccepted(const accounts::SessionClaims& claims, const crypto::SigningKey& key,
                   std::span<const accounts::JsonWebKey> keys) {
  BLINDAI_CHECK(claims.issuer == kIssuer && accounts::IsTenantName(claims.account.tenant));
  BLINDAI_CHECK(claims.expires > kNow && claims.expires - claims.issued <= accounts::kMaxSessionLife);
  BLINDAI_CHECK(!claims.account.scopes.admin && !claims.account.scopes.server);
  const auto again =
      accounts::VerifySessionToken(accounts::MakeSessionToken(claims, "k", key), keys, kIssuer, kNow);
  BLINDAI_CHECK(again.ok() && *again == claims);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const crypto::SigningKey key = crypto::SigningKey::GenerateP256();
  static const std::vector<accounts::JsonWebKey> keys = {{"k", key.public_key()}};
  const std::string_view text = base::AsText({data, size});
  BLINDAI_CHECK(!accounts::VerifySessionToken(text, keys, kIssuer, kNow).ok());
  if (const auto set = accounts::ParseJwks(text); set.ok()) {
    const auto again = accounts::ParseJwks(accounts::EncodeJwks(*set));
    BLINDAI_CHECK(again.ok() && *again == *set);
  }
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  const std::string token = encoding::Base64UrlEncode(base::AsBytes(text.substr(0, line))) + "." +
                            encoding::Base64UrlEncode(base::AsBytes(text.substr(line + 1)));
  const base::Bytes signature = key.SignEcdsaRaw(crypto::HashAlgorithm::kSha256, base::AsBytes(token));
  const auto claims =
      accounts::VerifySessionToken(token + "." + encoding::Base64UrlEncode(signature), keys, kIssuer, kNow);
  if (claims.ok()) CheckAccepted(*claims, key, keys);
  return 0;
}
