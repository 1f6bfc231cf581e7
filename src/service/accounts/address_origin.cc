#include "service/accounts/address_origin.h"

#include <arpa/inet.h>

#include "base/bytes.h"

namespace blindai::accounts {

std::string AddressOrigin(std::string_view numeric_address) {
  std::string text(numeric_address);
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  // ::ffff:a.b.c.d is the IPv4 address.
  const base::ByteView bytes(v6.s6_addr);
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return std::string(base::AsText(bytes));
  return std::string(base::AsText(bytes.first(8)));
}

}  // namespace blindai::accounts
