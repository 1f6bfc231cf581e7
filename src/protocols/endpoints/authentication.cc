#include "protocols/endpoints/authentication.h"

namespace blindai::endpoints {

std::optional<std::string_view> BearerCredential(const net::RequestHead& head) {
  const std::optional<std::string_view> field = head.headers.Find("Authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (!field || field->size() < kScheme.size()) return std::nullopt;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = (*field)[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) return std::nullopt;
  }
  return field->substr(kScheme.size());
}

}  // namespace blindai::endpoints
