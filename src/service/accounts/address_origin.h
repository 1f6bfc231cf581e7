// Whom a limit counts a request without a key for: the address that it comes from, as text.
#pragma once

#include <string>
#include <string_view>

namespace blindai::accounts {

// The part of an address that one user can hardly change: all of an IPv4 address, the first 64 bits of an IPv6 one.
std::string AddressOrigin(std::string_view numeric_address);

}  // namespace blindai::accounts
