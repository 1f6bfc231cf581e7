#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "crypto/certificate.h"
#include "crypto/openssl_handle.h"
#include "crypto/signing_key.h"
#include "net/tls_session.h"

#if OPENSSL_VERSION_NUMBER >= 0x30500000L && !defined(OPENSSL_NO_SSLKEYLOG)
#error \
    "This OpenSSL can write session keys to a file (SSLKEYLOGFILE); use one that was built with no-sslkeylog"
#endif

namespace blindai::net {
namespace {

using base::Error;
using base::ErrorKind;
using base::MakeError;
using base::Result;

// Ciphertext leaves in blocks of this size, so that a large body costs few system calls.
constexpr std::size_t kSendBlock = 128 * 1024;
// The same for what arrives: OpenSSL reads ahead into a buffer of this size.
constexpr std::size_t kReceiveBlock = 128 * 1024;

constexpr unsigned char kAlpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

struct FreeSsl {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using ContextOwner = std::unique_ptr<SSL_CTX, FreeSsl>;
using SslOwner = std::unique_ptr<SSL, FreeSsl>;

// The socket below a session, with the send buffer.
class Wire {
 public:
  explicit Wire(int socket) : socket_(socket) {}

  // Bytes received, 0 at the end, -1 with retry set or not.
  int Receive(std::span<char> into, bool& retry) {
    const ssize_t count = ::recv(socket_, into.data(), into.size(), MSG_DONTWAIT);
    retry = count < 0 && WouldBlock();
    at_end_ = count == 0;
    return static_cast<int>(count);
  }

  // Takes the bytes into the send buffer; sends a full block first.
  int Send(std::span<const char> bytes, bool& retry) {
    if (pending() + bytes.size() > kSendBlock && !SendPending(retry)) return -1;
    if (buffer_.capacity() < kSendBlock) buffer_.reserve(kSendBlock);
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return static_cast<int>(bytes.size());
  }

  bool SendPending(bool& retry) {
    retry = false;
    while (pending() > 0) {
      const ssize_t count = ::send(socket_, buffer_.data() + sent_, pending(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count < 0) {
        retry = WouldBlock();
        return false;
      }
      sent_ += static_cast<std::size_t>(count);
    }
    buffer_.clear();
    sent_ = 0;
    return true;
  }

  std::size_t pending() const { return buffer_.size() - sent_; }
  bool at_end() const { return at_end_; }
  void Release() {
    if (pending() == 0) std::vector<char>().swap(buffer_);
  }

 private:
  static bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

  int socket_;
  bool at_end_ = false;
  std::vector<char> buffer_;
  std::size_t sent_ = 0;
};

int WireWrite(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  bool retry = false;
  const int count =
      static_cast<Wire*>(BIO_get_data(bio))->Send({data, static_cast<std::size_t>(size)}, retry);
  if (retry) BIO_set_retry_write(bio);
  return count;
}

int WireRead(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  bool retry = false;
  const int count =
      static_cast<Wire*>(BIO_get_data(bio))->Receive({data, static_cast<std::size_t>(size)}, retry);
  if (retry) BIO_set_retry_read(bio);
  return count;
}

long WireControl(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  auto* wire = static_cast<Wire*>(BIO_get_data(bio));
  switch (command) {
    case BIO_CTRL_FLUSH: {
      BIO_clear_retry_flags(bio);
      bool retry = false;
      const bool sent = wire->SendPending(retry);
      if (retry) BIO_set_retry_write(bio);
      return sent ? 1 : -1;
    }
    case BIO_CTRL_EOF:
      return wire->at_end() ? 1 : 0;
    default:
      return 0;
  }
}

BIO_METHOD* WireMethod() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "blindai wire");
    BLINDAI_CHECK(made != nullptr);
    BIO_meth_set_write(made, WireWrite);
    BIO_meth_set_read(made, WireRead);
    BIO_meth_set_ctrl(made, WireControl);
    return made;
  }();
  return method;
}

Error CertificateError(long verify_result) {
  std::string why = "it does not chain to a CA that is trusted here";
  if (verify_result == X509_V_ERR_CERT_HAS_EXPIRED) why = "it has expired";
  if (verify_result == X509_V_ERR_CERT_NOT_YET_VALID) why = "it is not valid yet";
  if (verify_result == X509_V_ERR_HOSTNAME_MISMATCH || verify_result == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    why = "it is for another host name";
  }
  return MakeError(ErrorKind::kDenied, "tls-certificate", "The server's certificate was refused: " + why);
}

Error HandshakeError(const SSL* ssl) {
  const unsigned long last = ERR_peek_last_error();
  const bool from_tls = ERR_GET_LIB(last) == ERR_LIB_SSL;
  const int reason = from_tls ? ERR_GET_REASON(last) : 0;
  switch (reason) {
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
      return MakeError(ErrorKind::kUnsupported, "tls-version",
                       "The other side speaks only an older TLS; TLS 1.3 is needed here");
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_BAD_RECORD_TYPE:
      return MakeError(ErrorKind::kUnsupported, "tls-not-spoken",
                       "The other side does not speak TLS on this port; is it a plain HTTP port?");
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return CertificateError(SSL_get_verify_result(ssl));
    case 0:
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return MakeError(ErrorKind::kUnavailable, "connection-lost",
                       "The connection ended during the TLS handshake");
    default:
      return MakeError(ErrorKind::kUnavailable, "tls-failed", "The TLS handshake failed");
  }
}

class OpenSslSession : public TlsSession {
 public:
  // Null when OpenSSL has no memory.
  static std::unique_ptr<OpenSslSession> Make(SSL_CTX* context, int socket) {
    auto session = std::unique_ptr<OpenSslSession>(new OpenSslSession(socket));
    session->ssl_.reset(SSL_new(context));
    BIO* bio = BIO_new(WireMethod());
    if (session->ssl_ == nullptr || bio == nullptr) {
      BIO_free(bio);
      return nullptr;
    }
    BIO_set_data(bio, &session->wire_);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl_.get(), bio, bio);
    return session;
  }
  ~OpenSslSession() override = default;

  SSL* ssl() { return ssl_.get(); }

  TlsStep Handshake() override {
    ERR_clear_error();
    const int code = SSL_do_handshake(ssl_.get());
    if (code == 1) return Flush();
    const TlsStep step = StepOf(code);
    if (step == TlsStep::kFailed) {
      error_ = HandshakeError(ssl_.get());
      FlushQuietly();  // the alert
    }
    return step;
  }

  TlsStep Read(std::span<std::uint8_t> into, std::size_t& count) override {
    count = 0;
    while (count < into.size()) {
      ERR_clear_error();
      std::size_t got = 0;
      const int code = SSL_read_ex(ssl_.get(), into.data() + count, into.size() - count, &got);
      count += got;
      if (code == 1) continue;
      const TlsStep step = StepOf(code);
      if (count > 0) return TlsStep::kDone;
      if (step == TlsStep::kFailed) error_ = Lost();
      return step;
    }
    return TlsStep::kDone;
  }

  TlsStep Write(base::ByteView bytes, std::size_t& count) override {
    count = 0;
    while (count < bytes.size()) {
      ERR_clear_error();
      std::size_t taken = 0;
      const int code = SSL_write_ex(ssl_.get(), bytes.data() + count, bytes.size() - count, &taken);
      count += taken;
      if (code == 1) continue;
      const TlsStep step = StepOf(code);
      if (step == TlsStep::kFailed || step == TlsStep::kClosed) {
        error_ = Lost();
        return TlsStep::kFailed;
      }
      return step;
    }
    return TlsStep::kDone;
  }

  TlsStep Flush() override {
    bool retry = false;
    if (wire_.SendPending(retry)) return TlsStep::kDone;
    if (retry) return TlsStep::kWantWrite;
    error_ = Lost();
    return TlsStep::kFailed;
  }

  void CloseNotify() override {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get()) != 0) SSL_shutdown(ssl_.get());
    FlushQuietly();
  }

  void ReleaseBuffers() override { wire_.Release(); }
  Error error() const override { return error_; }

  Result<ExporterValue> Export(std::string_view label, base::ByteView context) const override {
    ExporterValue value{};
    ERR_clear_error();
    if (SSL_export_keying_material(ssl_.get(), value.data(), value.size(), label.data(), label.size(),
                                   context.data(), context.size(), 1) != 1) {
      return MakeError(ErrorKind::kInternal, "tls-exporter", "The TLS connection gave no exporter value");
    }
    return value;
  }

  base::Bytes PeerCertificateDer() const override {
    const std::unique_ptr<X509, FreeSsl> certificate(SSL_get1_peer_certificate(ssl_.get()));
    return Encode(certificate.get(), i2d_X509);
  }

  base::Bytes PeerSpkiDer() const override {
    const std::unique_ptr<X509, FreeSsl> certificate(SSL_get1_peer_certificate(ssl_.get()));
    return Encode(certificate == nullptr ? nullptr : X509_get_X509_PUBKEY(certificate.get()),
                  i2d_X509_PUBKEY);
  }

 private:
  explicit OpenSslSession(int socket) : wire_(socket) {}

  TlsStep StepOf(int code) const {
    switch (SSL_get_error(ssl_.get(), code)) {
      case SSL_ERROR_WANT_READ:
        return TlsStep::kWantRead;
      case SSL_ERROR_WANT_WRITE:
        return TlsStep::kWantWrite;
      case SSL_ERROR_ZERO_RETURN:
        return TlsStep::kClosed;
      default:
        return TlsStep::kFailed;
    }
  }

  void FlushQuietly() {
    bool retry = false;
    wire_.SendPending(retry);
  }

  static Error Lost() {
    return MakeError(ErrorKind::kCancelled, "connection-lost", "The connection to the other side was lost");
  }

  template <typename T, typename Encoder>
  static base::Bytes Encode(T* object, Encoder encoder) {
    unsigned char* encoded = nullptr;
    const int size = object == nullptr ? 0 : encoder(object, &encoded);
    base::Bytes bytes(encoded, encoded + std::max(size, 0));
    OPENSSL_free(encoded);
    return bytes;
  }

  Wire wire_;  // outlives ssl_, whose BIO points to it
  SslOwner ssl_;
  Error error_ = Lost();
};

int ChooseAlpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
               unsigned offered_size, void* /*arg*/) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kAlpn, sizeof kAlpn, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// What servers and clients share.
void Harden(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
                                     SSL_OP_LEGACY_SERVER_CONNECT);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReceiveBlock);
  SSL_CTX_set_keylog_callback(context, nullptr);
  if (SSL_CTX_set1_groups_list(context, "X25519MLKEM768:X25519:P-256") != 1) {
    ERR_clear_error();
    BLINDAI_CHECK(SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1);
  }
}

Error NoMemory() { return MakeError(ErrorKind::kInternal, "tls-failed", "TLS could not be set up"); }

bool IsIpAddress(const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), address) == 1 || inet_pton(AF_INET6, host.c_str(), address) == 1;
}

// Adds every certificate of a PEM file to what the context trusts.
base::Status TrustOnly(SSL_CTX* context, const std::string& ca_pem) {
  const std::unique_ptr<BIO, FreeSsl> bio(BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size())));
  if (bio == nullptr) return NoMemory();
  int count = 0;
  while (true) {
    const std::unique_ptr<X509, FreeSsl> ca(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (ca == nullptr) break;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get()) != 1) return NoMemory();
    ++count;
  }
  ERR_clear_error();
  if (count == 0) return base::Malformed("The CA file holds no certificate in PEM form", "tls-ca-file");
  return base::Ok();
}

}  // namespace

struct TlsServerContext::State {
  ContextOwner context;
};

TlsServerContext::TlsServerContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsServerContext::~TlsServerContext() = default;

Result<std::shared_ptr<const TlsServerContext>> TlsServerContext::Make(
    const crypto::SigningKey& key, const crypto::Certificate& certificate,
    std::span<const crypto::Certificate> chain) {
  ERR_clear_error();
  auto state = std::make_unique<State>();
  state->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = state->context.get();
  if (context == nullptr) return NoMemory();
  Harden(context);
  BLINDAI_CHECK(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
  BLINDAI_CHECK(SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1);
  BLINDAI_CHECK(SSL_CTX_set_num_tickets(context, 0) == 1);
  SSL_CTX_set_alpn_select_cb(context, ChooseAlpn, nullptr);
  if (SSL_CTX_use_certificate(context, crypto::OpenSslHandle::Of(certificate)) != 1 ||
      SSL_CTX_use_PrivateKey(context, crypto::OpenSslHandle::Of(key)) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return base::Malformed("The certificate is not for this key", "tls-key-mismatch");
  }
  for (const crypto::Certificate& issuer : chain) {
    if (SSL_CTX_add1_chain_cert(context, crypto::OpenSslHandle::Of(issuer)) != 1) return NoMemory();
  }
  return std::shared_ptr<const TlsServerContext>(new TlsServerContext(std::move(state)));
}

Result<std::unique_ptr<TlsSession>> TlsServerContext::NewSession(int socket) const {
  auto session = OpenSslSession::Make(state_->context.get(), socket);
  if (session == nullptr) return NoMemory();
  SSL_set_accept_state(session->ssl());
  return std::unique_ptr<TlsSession>(std::move(session));
}

struct TlsClientContext::State {
  ContextOwner context;
  bool judge_certificate = false;
};

TlsClientContext::TlsClientContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsClientContext::~TlsClientContext() = default;

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::ForAttestedServer() {
  auto state = std::make_unique<State>();
  state->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = state->context.get();
  if (context == nullptr) return NoMemory();
  Harden(context);
  BLINDAI_CHECK(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
  BLINDAI_CHECK(SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1);
  BLINDAI_CHECK(SSL_CTX_set_alpn_protos(context, kAlpn, sizeof kAlpn) == 0);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  return std::shared_ptr<const TlsClientContext>(new TlsClientContext(std::move(state)));
}

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::ForHttps(const std::string& ca_pem) {
  auto state = std::make_unique<State>();
  state->judge_certificate = true;
  state->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = state->context.get();
  if (context == nullptr) return NoMemory();
  Harden(context);
  BLINDAI_CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  BLINDAI_CHECK(SSL_CTX_set_alpn_protos(context, kAlpn, sizeof kAlpn) == 0);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (!ca_pem.empty()) {
    BLINDAI_RETURN_IF_ERROR(TrustOnly(context, ca_pem));
  } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
    return MakeError(ErrorKind::kUnavailable, "tls-certificate", "This system has no CA certificates");
  }
  return std::shared_ptr<const TlsClientContext>(new TlsClientContext(std::move(state)));
}

Result<std::unique_ptr<TlsSession>> TlsClientContext::NewSession(int socket,
                                                                 const std::string& server_name) const {
  auto session = OpenSslSession::Make(state_->context.get(), socket);
  if (session == nullptr) return NoMemory();
  SSL* ssl = session->ssl();
  SSL_set_connect_state(ssl);
  const bool is_address = IsIpAddress(server_name);
  if (!is_address && SSL_set_tlsext_host_name(ssl, server_name.c_str()) != 1) {
    return base::Malformed("The server's name is too long for TLS", "tls-server-name");
  }
  if (state_->judge_certificate) {
    const int set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name.c_str())
                               : SSL_set1_host(ssl, server_name.c_str());
    if (set != 1) return base::Malformed("The server's name cannot be compared", "tls-server-name");
  }
  return std::unique_ptr<TlsSession>(std::move(session));
}

}  // namespace blindai::net
