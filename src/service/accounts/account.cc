#include "service/accounts/account.h"

#include <algorithm>
#include <utility>

namespace blindai::accounts {
namespace {

using base::ErrorKind;
using base::MakeError;

constexpr std::size_t kMaxTenantLength = 64;
constexpr std::pair<std::string_view, bool Scopes::*> kScopes[] = {{"upload", &Scopes::upload},
                                                                   {"run", &Scopes::run},
                                                                   {"server", &Scopes::server},
                                                                   {"admin", &Scopes::admin}};

}  // namespace

std::string ScopesText(const Scopes& scopes, char separator) {
  std::string text;
  for (const auto& [word, member] : kScopes) {
    if (!(scopes.*member)) continue;
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

base::Result<Scopes> ParseScopes(std::string_view text) {
  Scopes scopes;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    const auto* const known =
        std::find_if(std::begin(kScopes), std::end(kScopes), [&](const auto& s) { return s.first == word; });
    if (known == std::end(kScopes)) {
      return MakeError(ErrorKind::kInvalid, "scope",
                       "wanted scopes out of upload, run, server and admin, separated by commas", "scopes");
    }
    scopes.*(known->second) = true;
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  if (scopes == Scopes{}) {
    return MakeError(ErrorKind::kInvalid, "scope",
                     "a key needs at least one scope out of upload, run, server and admin", "scopes");
  }
  return scopes;
}

bool IsTenantName(std::string_view name) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxTenantLength && std::all_of(name.begin(), name.end(), is_word) &&
         name != "anonymous";
}

}  // namespace blindai::accounts
