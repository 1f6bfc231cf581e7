// An address that a program listens on, as it stands in its configuration and on its command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace blindai::program {

struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;  // 0 = any free port, reported when ready
  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// "127.0.0.1:8443", "[::1]:8443" or "0.0.0.0:0". Code: config-address.
base::Result<ListenAddress> ParseListenAddress(std::string_view text);
std::string AddressText(const ListenAddress& address);

// Plain HTTP is for this machine only. Code: config-address.
base::Status RequireLoopback(const ListenAddress& address);

}  // namespace blindai::program
