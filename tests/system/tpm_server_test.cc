// The path without simulation, for real: blindai-server with a TPM 2.0 (swtpm), whose attestation key a CA of this test
// certifies, and the client with that CA as an explicit extra anchor and a policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "attestation/attester/tpm_device.h"
#include "attestation/evidence/tpm_quote.h"
#include "attestation/policy/policy_file.h"
#include "client/client.h"
#include "client/settings.h"
#include "encoding/hex.h"
#include "net/http_client.h"
#include "server_program.h"
#include "support/fake_attested_server.h"
#include "support/onnx_builder.h"
#include "support/paths.h"
#include "tpm_machine.h"

namespace blindai::tests {
namespace {

using testing::HasSubstr;

constexpr std::string_view kQuietServer = "blindai_received_bytes_total";

class TpmServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto machine = TpmMachine::Start();
    ASSERT_TRUE(machine.ok()) << machine.error().message;
    machine_ = std::move(*machine);
    if (!machine_) GTEST_SKIP() << kNoSwtpm;
  }
  void StartServer() {
    auto started = machine_->StartServer();
    ASSERT_TRUE(started.ok()) << started.error().message;
    server_ = std::move(started).value();
  }
  std::string File(const std::string& name) const { return machine_->File(name); }
  std::string Policy(const std::string& pcr_hex) const { return machine_->Policy(pcr_hex); }
  client::Client ClientWith(const std::string& policy, const std::string& root) {
    return ClientOf(server_->port(), policy, root);
  }
  client::Client ClientOf(std::uint16_t port, const std::string& policy, const std::string& root) {
    client::ConnectArguments arguments;
    arguments.addr = "127.0.0.1:" + std::to_string(port);
    arguments.policy_file = policy;
    if (!root.empty()) arguments.root_files = {File(root)};
    auto options = client::ResolveOptions(arguments, client::Surroundings::OfProcess());
    if (!options.ok()) ADD_FAILURE() << options.error().message;
    BLINDAI_CHECK(options.ok());
    return client::Client(*std::move(options));
  }
  // The verdict of a client that is refused, and that the server has seen nothing but its question.
  verifier::Verdict Refusal(const std::string& policy, const std::string& root) {
    client::Client client = ClientWith(policy, root);
    EXPECT_FALSE(client.Connect().ok());
    const auto verdict = client.verdict();
    BLINDAI_CHECK(verdict.has_value());
    EXPECT_NE(verdict->outcome, verifier::Outcome::kTrusted);
    EXPECT_EQ(server_->Metric(std::string(kQuietServer)), 0);
    return *verdict;
  }

  // The verdict on a server in the middle, which shows the real server's answer to `target_of` the client's question.
  verifier::Verdict VerdictOnRelay(const std::function<std::string(const std::string&)>& target_of) {
    FakeAttestedServer::Options options;
    options.mode = "hardware";
    options.attestation = [&](const SeenRequest& request) {
      net::ConnectOptions to;
      to.host = "127.0.0.1";
      to.port = server_->port();
      to.tls = *net::TlsClientContext::ForAttestedServer();
      auto connection = net::BlockingHttpConnection::Connect(to).value();
      net::HttpRequest question;
      question.target = target_of(request.target);
      const auto answer = connection->Send(question);
      return net::JsonResponse(answer->status, base::AsText(answer->body));
    };
    const FakeAttestedServer relay(options);
    client::Client client = ClientOf(relay.port(), Policy(zero_), "ca.pem");
    EXPECT_FALSE(client.Connect().ok());
    EXPECT_TRUE(relay.data_requests().empty());
    EXPECT_EQ(server_->Metric(std::string(kQuietServer)), 0);
    const auto verdict = client.verdict();
    BLINDAI_CHECK(verdict.has_value());
    EXPECT_EQ(verdict->outcome, verifier::Outcome::kRefused);
    return *verdict;
  }

  const std::string zero_ = std::string(64, '0');
  std::unique_ptr<TpmMachine> machine_;
  std::unique_ptr<ServerProgram> server_;
};

TEST_F(TpmServerTest, ARealTpmEndsInTrusted) {
  StartServer();
  client::Client client = ClientWith(Policy(zero_), "ca.pem");
  const base::Status connected = client.Connect();
  ASSERT_TRUE(connected.ok()) << verifier::RenderText(*client.verdict());
  EXPECT_EQ(client.verdict()->outcome, verifier::Outcome::kTrusted);
  EXPECT_EQ(client.verdict()->mode, "hardware");
}

TEST_F(TpmServerTest, AnotherCaIsRefusedAndTheServerSeesNothing) {
  StartServer();
  EXPECT_TRUE(Refusal(Policy(zero_), "other-ca.pem").Has("wrong-root"));
  EXPECT_TRUE(Refusal(Policy(zero_), "").Has("wrong-root"));
}

TEST_F(TpmServerTest, AChangedPcrIsRefusedAndTheServerSeesNothing) {
  {
    auto device = attester::TpmDevice::Open(machine_->tpm().tcti());
    ASSERT_TRUE(device.ok()) << device.error().message;
    const base::Status extended = device->ExtendPcr(12, evidence::TpmAlgorithm::kSha256, base::Bytes(32, 1));
    ASSERT_TRUE(extended.ok()) << extended.error().message;
  }
  StartServer();
  const auto verdict = Refusal(Policy(zero_), "ca.pem");
  EXPECT_EQ(verdict.outcome, verifier::Outcome::kRefused);
  EXPECT_THAT(verifier::RenderText(verdict), HasSubstr("PCR"));
}

TEST_F(TpmServerTest, EvidenceOfAnotherConnectionIsRefusedAndNothingIsSent) {
  StartServer();
  const auto verdict = VerdictOnRelay([](const std::string& target) { return target; });
  EXPECT_TRUE(verdict.Has("connection-mismatch"));
  EXPECT_TRUE(verdict.Has("key-mismatch"));
  EXPECT_FALSE(verdict.Has("wrong-root")) << "the evidence itself is genuine";
}

TEST_F(TpmServerTest, AReplayedNonceIsRefusedAndNothingIsSent) {
  StartServer();
  const std::string earlier = "/v1/attestation?nonce=" + std::string(64, 'a');
  EXPECT_TRUE(VerdictOnRelay([&](const std::string&) { return earlier; }).Has("nonce-mismatch"));
}

TEST_F(TpmServerTest, TheCommandLineSaysTrustedAndEndsWithZero) {
  StartServer();
  const auto attest = [&](const std::string& root) {
    const std::string command = (ProgramsDir() / "blindai").string() +
                                " attest 127.0.0.1:" + std::to_string(server_->port()) + " --policy " +
                                Policy(zero_) + " --root " + File(root) + " > " + File("output") + " 2>&1";
    return WEXITSTATUS(std::system(command.c_str()));
  };
  EXPECT_EQ(attest("ca.pem"), 0);
  EXPECT_THAT(std::string(base::AsText(ReadFile(File("output")))), HasSubstr("verdict: trusted"));
  EXPECT_EQ(attest("other-ca.pem"), 3);
  EXPECT_THAT(std::string(base::AsText(ReadFile(File("output")))), HasSubstr("wrong-root"));
}

TEST_F(TpmServerTest, WithoutItsTpmTheServerDoesNotStart) {
  const auto server = ServerProgram::Start("platform = \"tpm\"\n[tpm]\ntcti = \"swtpm:path=" + File("none") +
                                           "\"\n[accounts]\nanonymous = true\n");
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(server.error().message, HasSubstr("platform \"tpm\""));
}

}  // namespace
}  // namespace blindai::tests
