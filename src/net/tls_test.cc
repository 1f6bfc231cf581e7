#include "net/tls.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "base/clock.h"
#include "crypto/certificate_builder.h"
#include "crypto/openssl_handle.h"
#include "net/http_client.h"
#include "net/net_test_support.h"

namespace blindai::net {
namespace {

using testing::EndsWith;

constexpr std::string_view kLabel = "EXPORTER-blindai-attestation";

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// A TLS client or server of another make: OpenSSL itself, blocking.
class OtherTls {
 public:
  explicit OtherTls(const SSL_METHOD* method) : context_(SSL_CTX_new(method)) {}
  SSL_CTX* context() { return context_.get(); }

  // The reason of the failure, or 0.
  int Handshake(int socket, bool as_server) {
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket);
    ERR_clear_error();
    const int code = as_server ? SSL_accept(ssl_.get()) : SSL_connect(ssl_.get());
    return code == 1 ? 0 : ERR_GET_REASON(ERR_peek_last_error());
  }
  SSL* ssl() { return ssl_.get(); }

 private:
  std::unique_ptr<SSL_CTX, FreeTls> context_;
  std::unique_ptr<SSL, FreeTls> ssl_;
};

int ConnectedSocket(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BLINDAI_CHECK(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

// Shakes hands with the test server and says "GET /hello"; gives the failure's reason, or 0.
int HandshakeAndGet(OtherTls& other, std::uint16_t port) {
  const int socket = ConnectedSocket(port);
  const int reason = other.Handshake(socket, false);
  if (reason == 0) {
    constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    SSL_write(other.ssl(), kGet.data(), static_cast<int>(kGet.size()));
    std::string answer;
    std::array<char, 4096> block;
    for (int count = 1; count > 0;) {
      count = SSL_read(other.ssl(), block.data(), block.size());
      if (count > 0) answer.append(block.data(), static_cast<std::size_t>(count));
    }
    EXPECT_THAT(answer, EndsWith("hello"));
  }
  ::close(socket);
  return reason;
}

ConnectOptions To(std::uint16_t port, std::shared_ptr<const TlsClientContext> tls,
                  std::string host = "127.0.0.1") {
  ConnectOptions options;
  options.host = std::move(host);
  options.port = port;
  options.tls = std::move(tls);
  return options;
}

std::string ConnectError(const ConnectOptions& options) {
  const auto connection = BlockingHttpConnection::Connect(options);
  return connection.ok() ? "connected" : connection.error().code;
}

TEST(Tls, ExporterIsEqualOnBothSidesAndDiffersBetweenConnections) {
  TestServer server({}, true);
  const base::Bytes context(32, 7);
  std::vector<ExporterValue> values;
  for (int i = 0; i < 2; ++i) {
    const auto connection =
        BlockingHttpConnection::Connect(To(server.port(), TlsClientContext::ForAttestedServer().value()))
            .value();
    EXPECT_TRUE(connection->connection().is_tls);
    const auto mine = connection->connection().Exporter(kLabel, context);
    ASSERT_TRUE(mine.ok());
    HttpRequest request;
    request.target = "/facts";
    const auto response = connection->Send(request);
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(base::AsText(response->body), "tls loopback " + std::string(base::AsText(*mine)));
    values.push_back(*mine);

    base::Bytes other_context = context;
    other_context[0] = 8;
    EXPECT_NE(*connection->connection().Exporter(kLabel, other_context), *mine);
    EXPECT_NE(*connection->connection().Exporter("EXPORTER-other", context), *mine);
    connection->Cancel();
  }
  EXPECT_NE(values[0], values[1]);
}

TEST(Tls, ClientSeesTheCertificateAndKeyOfTheServer) {
  const TestIdentity identity = TestIdentity::Make();
  HttpServerOptions options;
  options.tls = TlsServerContext::Make(identity.key, identity.certificate).value();
  TestServer server(options);
  const auto connection =
      BlockingHttpConnection::Connect(To(server.port(), TlsClientContext::ForAttestedServer().value()))
          .value();
  EXPECT_EQ(connection->connection().peer_spki_der, identity.key.public_key().spki_der());
  EXPECT_EQ(connection->connection().peer_certificate_der, base::CopyBytes(identity.certificate.der()));
}

TEST(Tls, CertificateOfAnotherKeyIsRefused) {
  const TestIdentity one = TestIdentity::Make();
  const TestIdentity two = TestIdentity::Make();
  const auto context = TlsServerContext::Make(one.key, two.certificate);
  ASSERT_FALSE(context.ok());
  EXPECT_EQ(context.error().code, "tls-key-mismatch");
}

TEST(Tls, ServerRefusesTls12) {
  TestServer server({}, true);
  OtherTls client(TLS_client_method());
  SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
  EXPECT_EQ(HandshakeAndGet(client, server.port()), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
  EXPECT_EQ(server.server->stats().requests_total, 0u);
}

TEST(Tls, ServerChoosesHttp11AndRefusesClientsThatOnlyOfferOthers) {
  TestServer server({}, true);
  OtherTls both(TLS_client_method());
  SSL_CTX_set_alpn_protos(both.context(), reinterpret_cast<const unsigned char*>("\x02h2\x08http/1.1"), 12);
  EXPECT_EQ(HandshakeAndGet(both, server.port()), 0);
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(both.ssl(), &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");

  OtherTls only_h2(TLS_client_method());
  SSL_CTX_set_alpn_protos(only_h2.context(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  EXPECT_EQ(HandshakeAndGet(only_h2, server.port()), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);

  OtherTls without(TLS_client_method());
  EXPECT_EQ(HandshakeAndGet(without, server.port()), 0);
}

TEST(Tls, ServerGivesNoTicketAndResumesNothing) {
  TestServer server({}, true);
  OtherTls client(TLS_client_method());
  static int tickets = 0;
  SSL_CTX_set_session_cache_mode(client.context(), SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(client.context(), [](SSL*, SSL_SESSION*) {
    ++tickets;
    return 0;
  });
  EXPECT_EQ(HandshakeAndGet(client, server.port()), 0);
  EXPECT_EQ(tickets, 0);
  EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get_session(client.ssl())), 0);
  EXPECT_EQ(SSL_session_reused(client.ssl()), 0);
}

TEST(Tls, ServerOffersX25519AndP256AndNoOtherCurve) {
  TestServer server({}, true);
  for (const char* group : {"X25519", "P-256"}) {
    OtherTls client(TLS_client_method());
    ASSERT_EQ(SSL_CTX_set1_groups_list(client.context(), group), 1);
    EXPECT_EQ(HandshakeAndGet(client, server.port()), 0) << group;
  }
  OtherTls client(TLS_client_method());
  ASSERT_EQ(SSL_CTX_set1_groups_list(client.context(), "P-384"), 1);
  EXPECT_NE(HandshakeAndGet(client, server.port()), 0);
}

TEST(Tls, ClientSaysThatAServerSpeaksAnOlderTls) {
  const TestIdentity identity = TestIdentity::Make();
  OtherTls old_server(TLS_server_method());
  SSL_CTX_set_max_proto_version(old_server.context(), TLS1_2_VERSION);
  SSL_CTX_use_certificate(old_server.context(), crypto::OpenSslHandle::Of(identity.certificate));
  SSL_CTX_use_PrivateKey(old_server.context(), crypto::OpenSslHandle::Of(identity.key));
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::thread serving([&] {
    const int socket = ::accept(listener, nullptr, nullptr);
    old_server.Handshake(socket, true);
    ::close(socket);
  });
  const auto connection = BlockingHttpConnection::Connect(
      To(ntohs(address.sin_port), TlsClientContext::ForAttestedServer().value()));
  serving.join();
  ::close(listener);
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.error().code, "tls-version");
  EXPECT_THAT(connection.error().message, testing::HasSubstr("older TLS"));
}

// An identity whose certificate a CA of the test has signed.
struct CaStory {
  crypto::SigningKey ca_key = crypto::SigningKey::GenerateP256();
  crypto::SigningKey key = crypto::SigningKey::GenerateP256();
  std::optional<crypto::Certificate> ca;
  std::optional<crypto::Certificate> certificate;

  explicit CaStory(const std::string& name = "localhost", bool expired = false) {
    crypto::CertificateSpec spec;
    spec.common_name = "test CA";
    spec.is_ca = true;
    spec.not_before = base::Now() - std::chrono::hours(48);
    spec.not_after = base::Now() + std::chrono::hours(48);
    ca = crypto::MakeSelfSigned(spec, ca_key).value();
    spec.common_name = "server";
    spec.is_ca = false;
    spec.dns_names = {name};
    spec.ip_addresses = {"127.0.0.1"};
    if (expired) spec.not_after = base::Now() - std::chrono::hours(1);
    certificate = crypto::MakeSigned(spec, key.public_key(), *ca, ca_key).value();
  }
  HttpServerOptions ServerOptions() const {
    HttpServerOptions options;
    options.tls = TlsServerContext::Make(key, *certificate).value();
    return options;
  }
  std::shared_ptr<const TlsClientContext> Client() const {
    return TlsClientContext::ForHttps(ca->ToPem()).value();
  }
};

TEST(TlsForHttps, TrustsItsCaForTheRightNameAndAddress) {
  const CaStory story;
  TestServer server(story.ServerOptions());
  EXPECT_EQ(ConnectError(To(server.port(), story.Client(), "localhost")), "connected");
  EXPECT_EQ(ConnectError(To(server.port(), story.Client(), "127.0.0.1")), "connected");
}

TEST(TlsForHttps, AnIntermediateCaIsSentWithTheCertificate) {
  const CaStory root;
  const crypto::SigningKey middle_key = crypto::SigningKey::GenerateP256();
  const crypto::SigningKey key = crypto::SigningKey::GenerateP256();
  crypto::CertificateSpec spec;
  spec.common_name = "middle";
  spec.is_ca = true;
  spec.not_before = base::Now() - std::chrono::hours(1);
  spec.not_after = base::Now() + std::chrono::hours(1);
  const std::vector<crypto::Certificate> chain = {
      crypto::MakeSigned(spec, middle_key.public_key(), *root.ca, root.ca_key).value()};
  spec.common_name = "server";
  spec.is_ca = false;
  spec.dns_names = {"localhost"};
  const crypto::Certificate leaf =
      crypto::MakeSigned(spec, key.public_key(), chain.front(), middle_key).value();
  HttpServerOptions with;
  with.tls = TlsServerContext::Make(key, leaf, chain).value();
  TestServer complete(with);
  EXPECT_EQ(ConnectError(To(complete.port(), root.Client(), "localhost")), "connected");
  HttpServerOptions without;
  without.tls = TlsServerContext::Make(key, leaf).value();
  TestServer incomplete(without);
  EXPECT_EQ(ConnectError(To(incomplete.port(), root.Client(), "localhost")), "tls-certificate");
}

TEST(TlsForHttps, RefusesAnotherCa) {
  const CaStory story;
  const CaStory other;
  TestServer server(story.ServerOptions());
  EXPECT_EQ(ConnectError(To(server.port(), other.Client(), "localhost")), "tls-certificate");
  EXPECT_EQ(ConnectError(To(server.port(), TlsClientContext::ForHttps().value(), "localhost")),
            "tls-certificate");
}

TEST(TlsForHttps, RefusesAnotherName) {
  const CaStory story("example.org");
  TestServer server(story.ServerOptions());
  const auto connection = BlockingHttpConnection::Connect(To(server.port(), story.Client(), "localhost"));
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.error().code, "tls-certificate");
  EXPECT_THAT(connection.error().message, EndsWith("it is for another host name"));
}

TEST(TlsForHttps, RefusesAnExpiredCertificate) {
  const CaStory story("localhost", true);
  TestServer server(story.ServerOptions());
  const auto connection = BlockingHttpConnection::Connect(To(server.port(), story.Client(), "localhost"));
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.error().code, "tls-certificate");
  EXPECT_THAT(connection.error().message, EndsWith("it has expired"));
}

TEST(TlsForHttps, RefusesACaFileWithoutCertificates) {
  const auto context = TlsClientContext::ForHttps("nonsense");
  ASSERT_FALSE(context.ok());
  EXPECT_EQ(context.error().code, "tls-ca-file");
}

TEST(Tls, NobodyCanAskForTheSessionKeys) {
  const std::string path = testing::TempDir() + "/blindai-keys-" + std::to_string(::getpid());
  ::setenv("SSLKEYLOGFILE", path.c_str(), 1);
  {
    TestServer server({}, true);
    EXPECT_EQ(ConnectError(To(server.port(), TlsClientContext::ForAttestedServer().value())), "connected");
  }
  ::unsetenv("SSLKEYLOGFILE");
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace blindai::net
