// TLS as blindai uses it (RFC 8446). Servers speak TLS 1.3 only: no tickets, no resumption, no 0-RTT, no
// compression, no renegotiation; X25519MLKEM768 first when the library has it, then X25519 and P-256. Key
// logging is compiled out.
//
// A client that talks to an attested server does not judge the certificate by a CA: the handshake proves that
// the server holds the key, evidence (channel/) says what that key is. It must look at ConnectionFacts before
// it sends data. For ordinary HTTPS (key services, the directory) there is a mode with CAs and host name.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::crypto {
class Certificate;
class SigningKey;
}  // namespace blindai::crypto

namespace blindai::net {

class TlsSession;

class TlsServerContext {
 public:
  // The certificate must carry the key's public half: code "tls-key-mismatch" otherwise. `chain` is what is sent
  // behind it for clients that judge by CAs: the certificates of its issuers, without the root.
  static base::Result<std::shared_ptr<const TlsServerContext>> Make(
      const crypto::SigningKey& key, const crypto::Certificate& certificate,
      std::span<const crypto::Certificate> chain = {});
  ~TlsServerContext();

  // One connection's state over an open, non-blocking socket (net/stream uses it).
  base::Result<std::unique_ptr<TlsSession>> NewSession(int socket) const;

 private:
  struct State;
  explicit TlsServerContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class TlsClientContext {
 public:
  // Takes any certificate; TLS 1.3 only. For attested servers.
  static base::Result<std::shared_ptr<const TlsClientContext>> ForAttestedServer();
  // The certificate must chain to a CA of the system, or only to `ca_pem` when it is not empty, and match the
  // host name. TLS 1.2 is accepted, since public key services still use it.
  static base::Result<std::shared_ptr<const TlsClientContext>> ForHttps(const std::string& ca_pem = "");
  ~TlsClientContext();

  // `server_name` is sent as SNI unless it is an IP address, and compared in the mode with CAs.
  base::Result<std::unique_ptr<TlsSession>> NewSession(int socket, const std::string& server_name) const;

 private:
  struct State;
  explicit TlsClientContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace blindai::net
