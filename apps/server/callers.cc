#include "server/callers.h"

#include <memory>

#include "base/clock.h"
#include "service/accounts/api_keys.h"

namespace blindai::server {
namespace {

using base::Result;

service::Caller CallerOf(const accounts::Account& account) {
  return {account.tenant, account.number, account.scopes.upload, account.scopes.run};
}

}  // namespace

Result<endpoints::IdentifyCaller> ChooseCallers(const ServerConfig& config,
                                                std::shared_ptr<const SessionKeys> sessions,
                                                bool simulation) {
  std::shared_ptr<const accounts::ApiKeys> keys;
  if (!config.accounts_database.empty()) {
    BLINDAI_TRY(keys, accounts::ApiKeys::Open(config.accounts_database));
  }
  const bool anonymous = config.accounts_anonymous || (simulation && !keys && !sessions);
  if (!keys && !sessions && !anonymous) {
    return base::MakeError(
        base::ErrorKind::kInvalid, "no-callers",
        "nobody could use this server: name a database of API keys (accounts.database), a directory "
        "(directory.url), or allow requests without a key (accounts.anonymous = true)");
  }
  const auto judge = [keys, sessions = std::move(sessions),
                      anonymous](const net::RequestHead& head) -> Result<service::Caller> {
    // A key that is sent is judged, also where none is needed: a mistyped key must not silently be
    // nobody's.
    const auto key = endpoints::BearerCredential(head);
    if (key && keys) {
      BLINDAI_TRY(const accounts::Account account, keys->Identify(*key, base::Now()));
      return CallerOf(account);
    }
    if (key && sessions) {
      BLINDAI_TRY(const accounts::SessionClaims claims, sessions->Verify(*key, base::Now()));
      return CallerOf(claims.account);
    }
    return anonymous ? service::Caller::AnonymousWithAllRights() : service::Caller{};
  };
  return endpoints::IdentifyCaller(
      [judge, models = config.tenant_default_models,
       any_model = config.models_default_model](const net::RequestHead& head) -> Result<service::Caller> {
        BLINDAI_TRY(service::Caller caller, judge(head));
        const auto model = models.find(caller.tenant);
        caller.default_model = model == models.end() ? any_model : model->second;
        return caller;
      });
}

}  // namespace blindai::server
