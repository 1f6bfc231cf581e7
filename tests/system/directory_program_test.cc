// The managed cloud's front as its operator runs it: real directories, a real database that they share, a real proxy
// before them, and servers that answer for evidence.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "base/check.h"
#include "base/clock.h"
#include "directory_program.h"
#include "licensing.grpc.pb.h"
#include "running_program.h"
#include "service/accounts/session_token.h"
#include "support/fake_attested_server.h"
#include "support/paths.h"
#include "support/postgres.h"
#include "tpm_machine.h"

namespace blindai::tests {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::HasSubstr;

constexpr const char* kHaproxy = "/usr/sbin/haproxy";

void Eventually(const std::function<bool()>& happened) {
  while (!happened()) {
    // tidy: allow sleep: programs tell nobody when they have looked again
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// A server of the cloud; it can cease to prove what it should.
class CloudServer {
 public:
  CloudServer() : server_(Options()) {}
  std::string address() const { return server_.address(); }
  void set_honest(bool honest) { honest_ = honest; }
  std::string Report() const {
    return R"({"address":")" + address() + R"(","backlog_ms":3,"v05":{"attested":50051,"untrusted":50052}})";
  }

 private:
  FakeAttestedServer::Options Options() {
    FakeAttestedServer::Options options;
    options.bend = [this](channel::AttestationAnswer& answer) {
      if (!honest_) answer.statement.nonce.bytes[0] ^= 1;
    };
    return options;
  }

  std::atomic<bool> honest_{true};
  FakeAttestedServer server_;
};

class DirectoryProgramTest : public ::testing::Test {
 protected:
  DirectoryProgramTest() {
    std::string pattern = (fs::temp_directory_path() / "blindai-cloud-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    certificate_ = std::make_unique<OperatorCertificate>(folder_);
    database_ = folder_ / "directory.db";
  }
  ~DirectoryProgramTest() override { fs::remove_all(folder_); }

  // Lines of the configuration.
  struct Lines {
    std::string top = "simulation = true\n";
    std::string sessions = "";
    std::string servers = "";
  };
  std::unique_ptr<DirectoryProgram> StartDirectory(const Lines& lines) const {
    const std::string toml = lines.top + "[database]\nurl = \"" + database_ + "\"\n" + certificate_->toml() +
                             "[sessions]\n" + lines.sessions +
                             "[servers]\nverify_every_s = 1\nsilent_after_s = 3600\n" + lines.servers +
                             "[limits]\naddress_per_minute = 0\n";
    auto started = DirectoryProgram::Start(folder_, toml);
    if (!started.ok()) ADD_FAILURE() << started.error().message;
    BLINDAI_CHECK(started.ok());
    return *std::move(started);
  }
  std::string MakeKey(const std::string& tenant, const std::string& scopes) const {
    return DirectoryProgram::MakeKey(database_, tenant, scopes);
  }
  DirectoryAnswer Ask(std::uint16_t port, const std::string& method, const std::string& target,
                      const std::string& key, const std::string& body = "") const {
    return AskDirectory(port, certificate_->pem(), method, target, key, body);
  }
  // What the directory says to a server that goes on reporting, once it is in this state.
  DirectoryAnswer ReportUntil(std::uint16_t port, const std::string& key, const std::string& report,
                              std::string_view state) const {
    DirectoryAnswer answer;
    Eventually([&] {
      answer = Ask(port, "POST", "/v1/servers", key, report);
      BLINDAI_CHECK(answer.status == 200);
      return answer.body.at("state").as_string() == state;
    });
    return answer;
  }
  // A directory reads its list of servers once a second.
  DirectoryAnswer SessionUntil(std::uint16_t port, const std::string& key, std::string_view said) const {
    DirectoryAnswer answer;
    Eventually([&] {
      answer = Ask(port, "POST", "/v1/session", key);
      return answer.Said() == said;
    });
    return answer;
  }
  // Whether the directory at `port` publishes the key that this token is signed with.
  bool Accepts(std::uint16_t port, std::string_view token) const {
    const auto keys = accounts::ParseJwks(json::serialize(Ask(port, "GET", "/v1/jwks", "").body));
    return keys.ok() && accounts::VerifySessionToken(token, *keys, "blindai-directory", base::Now()).ok();
  }

  fs::path folder_;
  std::string database_;
  std::unique_ptr<OperatorCertificate> certificate_;
};

TEST_F(DirectoryProgramTest, AServerThatStopsProvingWhatItShouldIsDroppedAndComesBack) {
  const auto directory = StartDirectory({});
  const std::string server_key = MakeKey("operator", "server");
  const std::string user_key = MakeKey("clinic", "run");
  EXPECT_EQ(Ask(directory->port(), "POST", "/v1/session", user_key).Said(), "503 no-servers");

  CloudServer server;
  ReportUntil(directory->port(), server_key, server.Report(), "listed");
  const DirectoryAnswer first = SessionUntil(directory->port(), user_key, "200");
  EXPECT_EQ(first.body.at("servers").at(0).at("address").as_string(), server.address());
  EXPECT_TRUE(first.body.at("simulation").as_bool());
  EXPECT_TRUE(Accepts(directory->port(), first.body.at("token").as_string()));

  server.set_honest(false);
  const DirectoryAnswer refused = ReportUntil(directory->port(), server_key, server.Report(), "refused");
  EXPECT_EQ(refused.body.at("reason").as_string(), "nonce-mismatch");
  SessionUntil(directory->port(), user_key, "503 no-servers");

  server.set_honest(true);
  ReportUntil(directory->port(), server_key, server.Report(), "listed");
  SessionUntil(directory->port(), user_key, "200");

  std::string metrics;
  Eventually([&] {
    metrics = base::AsText(directory->Admin("/metrics").body);
    return metrics.find("\nblindai_directory_servers_listed 1\n") != std::string::npos;
  });
  EXPECT_THAT(metrics, testing::Not(HasSubstr("\nblindai_directory_sessions_total 0\n")));
  EXPECT_THAT(metrics, testing::Not(testing::AnyOf(HasSubstr(server.address()), HasSubstr("clinic"))));

  const EndedProgram log =
      RunToEnd(ProgramsDir() / "blindai-directory", {"keys", "log", "--database", database_});
  EXPECT_THAT(log.output, HasSubstr("server-register"));
  EXPECT_THAT(log.output, HasSubstr(server.address() + " dropped nonce-mismatch"));
  EXPECT_THAT(log.output, testing::Not(HasSubstr("bai_")));
  EXPECT_EQ(directory->program().Stop(), 0);
}

TEST_F(DirectoryProgramTest, AClientOfBlindai05IsGivenATokenAndTheServersPorts) {
  const auto directory = StartDirectory({});
  const std::string user_key = MakeKey("clinic", "run");
  CloudServer server;
  ReportUntil(directory->port(), MakeKey("operator", "server"), server.Report(), "listed");
  SessionUntil(directory->port(), user_key, "200");

  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = certificate_->pem();
  const auto stub = LicensingService::NewStub(
      grpc::CreateChannel("localhost:" + std::to_string(directory->v05_port()), grpc::SslCredentials(tls)));
  GetEnclaveReply reply;
  const auto ask = [&](const std::string& key) {
    grpc::ClientContext context;
    GetEnclaveRequest request;
    request.set_api_key(key);
    return stub->GetEnclave(&context, request, &reply);
  };
  const grpc::Status status = ask(user_key);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply.enclave_url(), "127.0.0.1:50051/50052");
  EXPECT_TRUE(Accepts(directory->port(), reply.jwt()));
  ASSERT_TRUE(ask("").ok());
  EXPECT_EQ(reply.jwt(), "");
  EXPECT_EQ(ask("bai_00000000_" + std::string(43, 'A')).error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(DirectoryProgramTest, WithAPolicyAServerIsListedForItsTpmAndNotForASimulation) {
  const auto machine = TpmMachine::Start();
  ASSERT_TRUE(machine.ok()) << machine.error().message;
  if (!*machine) GTEST_SKIP() << kNoSwtpm;
  const auto server = (*machine)->StartServer();
  ASSERT_TRUE(server.ok()) << server.error().message;
  const std::string zero(64, '0');
  const auto directory =
      StartDirectory({.top = "",
                      .servers = "policy = \"" + (*machine)->Policy(zero) + "\"\nroots = [\"" +
                                 (*machine)->File("ca.pem") + "\"]\n"});
  const std::string key = MakeKey("operator", "server,run");
  const std::string address = "127.0.0.1:" + std::to_string((*server)->port());
  const CloudServer simulated;
  ReportUntil(directory->port(), key, R"({"address":")" + address + R"(","backlog_ms":9})", "listed");
  const DirectoryAnswer refused = ReportUntil(directory->port(), key, simulated.Report(), "refused");
  EXPECT_EQ(refused.body.at("reason").as_string(), "simulation");
  const DirectoryAnswer session = SessionUntil(directory->port(), key, "200");
  EXPECT_EQ(session.body.at("servers").as_array().size(), 1u);
  EXPECT_EQ(session.body.at("servers").at(0).at("address").as_string(), address);
  EXPECT_FALSE(session.body.contains("simulation"));
}

TEST_F(DirectoryProgramTest, AConfigurationThatCannotBeRightEndsTheStartWithItsLine) {
  std::ofstream(folder_ / "wrong.toml") << "simulation = true\n[listen]\nhtps = \"127.0.0.1:0\"\n";
  const EndedProgram ended =
      RunToEnd(ProgramsDir() / "blindai-directory", {"--config", folder_ / "wrong.toml"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.output, testing::AllOf(HasSubstr("wrong.toml line 3"), HasSubstr("listen.https")));
}

// Directories that share PostgreSQL.
class SharedDirectoriesTest : public DirectoryProgramTest {
 protected:
  void SetUp() override {
    postgres_ = Postgres::Start();
    if (!postgres_) GTEST_SKIP() << kNoPostgres;
    database_ = postgres_->NewDatabase();
    const std::string secret = folder_ / "secret";
    std::ofstream(secret) << std::string(64, '5') << "\n";
    const Lines lines{.sessions = "secret_file = \"" + secret + "\"\n"};
    a_ = StartDirectory(lines);
    b_ = StartDirectory(lines);
    admin_ = MakeKey("operator", "admin,run");
    ReportUntil(a_->port(), admin_, server_.Report(), "listed");
    SessionUntil(a_->port(), admin_, "200");
    SessionUntil(b_->port(), admin_, "200");
  }
  // HAProxy before both, on a socket that is already open, so that it can be asked before it is there.
  std::uint16_t StartProxy() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    BLINDAI_CHECK(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
    BLINDAI_CHECK(listen(listener, SOMAXCONN) == 0);
    BLINDAI_CHECK(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const std::string config = folder_ / "haproxy.cfg";
    std::ofstream(config) << "global\n  maxconn 100\n"
                             "defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n"
                             "  timeout server 60s\n  timeout check 10s\n  retries 3\n  option redispatch 1\n"
                             "frontend cloud\n  bind fd@"
                          << listener
                          << "\n  default_backend directories\n"
                             "backend directories\n  balance roundrobin\n  option httpchk\n"
                             "  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost\n"
                          << BackendLine("a", *a_) << BackendLine("b", *b_);
    auto started = RunningProgram::Start(
        {.program = kHaproxy, .arguments = {"-db", "-f", config}, .ready = "", .inherited = listener});
    BLINDAI_CHECK(started.ok());
    proxy_ = *std::move(started);
    close(listener);
    return ntohs(address.sin_port);
  }
  static std::string BackendLine(const std::string& name, const DirectoryProgram& directory) {
    return "  server " + name + " 127.0.0.1:" + std::to_string(directory.port()) + " check port " +
           std::to_string(directory.admin_port()) + " inter 500ms fall 2 rise 1\n";
  }

  std::unique_ptr<Postgres> postgres_;
  CloudServer server_;
  std::string admin_;
  std::unique_ptr<DirectoryProgram> a_, b_;
  std::unique_ptr<RunningProgram> proxy_;
};

TEST_F(SharedDirectoriesTest, BehindAProxyTheLossOfOneIsNotNoticed) {
  if (!fs::exists(kHaproxy)) GTEST_SKIP() << "HAProxy is not installed here (package haproxy)";
  const std::uint16_t cloud = StartProxy();
  const DirectoryAnswer made =
      Ask(cloud, "POST", "/v1/keys", admin_, R"({"tenant":"clinic","scopes":["run"]})");
  ASSERT_EQ(made.Said(), "201");
  const std::string key(made.body.at("key").as_string());
  const DirectoryAnswer session = Ask(cloud, "POST", "/v1/session", key);
  ASSERT_EQ(session.Said(), "200");
  a_->program().Kill();
  EXPECT_TRUE(Accepts(b_->port(), session.body.at("token").as_string()));
  constexpr int kSessions = 20;
  for (int i = 0; i < kSessions; ++i) {
    EXPECT_EQ(Ask(cloud, "POST", "/v1/session", key).Said(), "200") << i;
  }
  EXPECT_EQ(Ask(cloud, "POST", "/v1/servers", admin_, server_.Report()).body.at("state").as_string(),
            "listed");
}

TEST_F(SharedDirectoriesTest, TokensOfOneAreGoodForTheOthersKeysAndARevokedKeyIsRefusedByBoth) {
  const std::string key = MakeKey("clinic", "run");
  const std::string id = key.substr(4, 8);
  const DirectoryAnswer of_a = Ask(a_->port(), "POST", "/v1/session", key);
  const DirectoryAnswer of_b = Ask(b_->port(), "POST", "/v1/session", key);
  ASSERT_EQ(of_a.Said() + of_b.Said(), "200200");
  EXPECT_TRUE(Accepts(b_->port(), of_a.body.at("token").as_string()));
  EXPECT_TRUE(Accepts(a_->port(), of_b.body.at("token").as_string()));
  EXPECT_EQ(Ask(a_->port(), "DELETE", "/v1/keys/" + id, admin_).Said(), "200");
  EXPECT_EQ(Ask(b_->port(), "POST", "/v1/session", key).Said(), "401 bad-credentials");
  EXPECT_EQ(Ask(a_->port(), "POST", "/v1/session", key).Said(), "401 bad-credentials");
}

TEST_F(SharedDirectoriesTest, WithoutTheDatabaseNoSessionIsGivenAndADirectoryIsNotReady) {
  EXPECT_EQ(b_->Admin("/readyz").status, 200);
  postgres_.reset();
  EXPECT_EQ(Ask(b_->port(), "POST", "/v1/session", admin_).status, 503);
  Eventually([&] { return b_->Admin("/readyz").status == 503; });
  EXPECT_EQ(b_->Admin("/livez").status, 200);
}

}  // namespace
}  // namespace blindai::tests
