#include "client/verified_connection.h"

#include <gtest/gtest.h>

#include <future>

#include "client/evidence_question.h"
#include "client/failure.h"
#include "net/io_pool.h"
#include "support/fake_attested_server.h"

namespace blindai::client {
namespace {

using tests::FakeAttestedServer;
using verifier::AllowSimulation;
using verifier::Outcome;

struct Seen {
  base::Status connection = base::Ok();
  std::shared_ptr<const ConnectionRecord> record;
  std::optional<verifier::Verdict> verdict;
  int status = 0;  // of one request afterwards
};

Seen Open(const FakeAttestedServer& server, AllowSimulation allow) {
  ConnectOptions options;
  options.server = {"127.0.0.1", server.port()};
  options.allow_simulation = allow;
  std::promise<Seen> seen;
  net::IoPool pool(1);
  pool.Spawn([&]() -> net::Task<void> {
    VerifiedOutcome outcome = co_await OpenVerified(options);
    Seen result;
    result.record = outcome.record;
    result.verdict = outcome.verdict;
    if (outcome.connection.ok()) {
      net::HttpRequest request;
      request.target = "/v1/models";
      const auto response = co_await (*outcome.connection)->Send(request);
      if (response.ok()) result.status = response->status;
    } else {
      result.connection = outcome.connection.error();
    }
    seen.set_value(result);
  });
  return seen.get_future().get();
}

TEST(VerifiedConnection, WhatIsAcceptedCanBeUsed) {
  const FakeAttestedServer server({});
  const Seen seen = Open(server, AllowSimulation::kYes);
  ASSERT_TRUE(seen.connection.ok());
  EXPECT_EQ(seen.verdict->outcome, Outcome::kSimulation);
  EXPECT_NE(seen.record, nullptr);
  EXPECT_EQ(seen.status, 404);
  EXPECT_EQ(server.data_requests().size(), 1u);
}

TEST(VerifiedConnection, WhatIsRefusedIsNotThereAndItsEvidenceIs) {
  const FakeAttestedServer server({});
  const Seen seen = Open(server, AllowSimulation::kNo);
  EXPECT_EQ(seen.connection.error().code, kAttestationRefused);
  EXPECT_EQ(seen.verdict->outcome, Outcome::kRefused);
  ASSERT_NE(seen.record, nullptr);
  EXPECT_FALSE(seen.record->answer.empty());
  EXPECT_TRUE(server.data_requests().empty());
}

TEST(VerifiedConnection, AnAnswerThatIsNoEvidenceIsNoVerdict) {
  FakeAttestedServer::Options fake;
  fake.attestation = [](const tests::SeenRequest&) { return net::TextResponse(200, "hello"); };
  const FakeAttestedServer server(fake);
  const Seen seen = Open(server, AllowSimulation::kYes);
  EXPECT_EQ(seen.connection.error().code, kAttestationAnswer);
  EXPECT_FALSE(seen.verdict.has_value());
}

}  // namespace
}  // namespace blindai::client
