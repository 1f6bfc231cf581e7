#include "protocols/endpoints/authentication.h"

#include "base/ascii.h"

namespace blindai::endpoints {

std::optional<std::string_view> BearerCredential(const net::RequestHead& head) {
  const std::optional<std::string_view> field = head.headers.Find("Authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (!field) return std::nullopt;
  if (!base::EqualWithoutCase(field->substr(0, kScheme.size()), kScheme)) return std::nullopt;
  return field->substr(kScheme.size());
}

}  // namespace blindai::endpoints
