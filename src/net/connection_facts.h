// What one connection is, for the code that binds evidence to it. The exporter value is taken from this very
// connection, never from a message (RFC 8446 section 7.5, RFC 9266): two connections never share one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::net {

using ExporterValue = std::array<std::uint8_t, 32>;

struct ConnectionFacts {
  std::uint64_t id = 0;  // unique in this process, for as long as it runs
  bool is_tls = false;
  bool peer_is_loopback = false;
  std::string peer_address;  // numeric, without a port (server side)
  // The certificate that the peer showed, and its SubjectPublicKeyInfo (client side; empty on a server).
  base::Bytes peer_certificate_der;
  base::Bytes peer_spki_der;
  // Set on a TLS connection; valid while the connection is.
  std::function<base::Result<ExporterValue>(std::string_view label, base::ByteView context)> exporter;

  // Code "not-tls" on a plain connection, "connection-lost" after it ended.
  base::Result<ExporterValue> Exporter(std::string_view label, base::ByteView context) const;
};

}  // namespace blindai::net
