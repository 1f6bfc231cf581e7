// One TLS connection as a state machine over a non-blocking socket, without OpenSSL's names. net/stream
// drives it: a step either is done, wants the socket readable or writable, or has ended. Plaintext goes
// straight into the caller's memory and comes straight from it; ciphertext is sent in blocks of many records.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "net/connection_facts.h"

namespace blindai::net {

enum class TlsStep { kDone, kWantRead, kWantWrite, kClosed, kFailed };

class TlsSession {
 public:
  virtual ~TlsSession() = default;

  // Once it is done it stays done.
  virtual TlsStep Handshake() = 0;
  // Fills `into` as far as bytes are there; kDone when count > 0. kClosed is the peer's close_notify.
  virtual TlsStep Read(std::span<std::uint8_t> into, std::size_t& count) = 0;
  // Encrypts as far as the send buffer takes it. After kWantWrite go on with what is left of the same bytes.
  virtual TlsStep Write(base::ByteView bytes, std::size_t& count) = 0;
  // Sends what Write and Handshake have left in the send buffer.
  virtual TlsStep Flush() = 0;
  // Says close_notify; Flush sends it.
  virtual void CloseNotify() = 0;
  // Gives buffers back while the connection is idle.
  virtual void ReleaseBuffers() = 0;

  // Why a step was kFailed: "tls-version", "tls-not-spoken", "tls-certificate", "tls-failed",
  // "connection-lost".
  virtual base::Error error() const = 0;
  virtual base::Result<ExporterValue> Export(std::string_view label, base::ByteView context) const = 0;
  // Empty when the peer showed none.
  virtual base::Bytes PeerCertificateDer() const = 0;
  virtual base::Bytes PeerSpkiDer() const = 0;
};

}  // namespace blindai::net
