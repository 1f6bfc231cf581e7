#include "protocols/endpoints/attestation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "support/fake_exchange.h"

namespace blindai::endpoints {
namespace {

using ::testing::HasSubstr;
using tests::FakeAnswer;
using tests::FakeExchange;
using tests::Serve;

const std::string kNonce(64, 'a');

// Answers with what it was asked, from a thread of its own as the real queue does.
class AttestationEndpointTest : public ::testing::Test {
 protected:
  AttestationEndpointTest() {
    RegisterAttestation(router_, [this](const wire::AttestationNonce& nonce, const net::ConnectionFacts&,
                                        net::Callback<wire::AttestationAnswer> done) {
      ++asked_;
      platform_ = std::jthread([this, nonce, done = std::move(done)] {
        if (error_) return done(*error_);
        wire::AttestationAnswer answer;
        answer.tee = "simulated";
        answer.evidence = {1, 2, 3};
        answer.statement.nonce = nonce;
        done(std::move(answer));
      });
    });
  }
  FakeAnswer Ask(const std::string& request) {
    FakeExchange exchange(request);
    return Serve(router_, exchange);
  }
  int asked_ = 0;
  std::optional<base::Error> error_;
  Router router_;
  std::jthread platform_;
};

TEST_F(AttestationEndpointTest, EvidenceAnswersTheNonceAndMayNotBeKept) {
  for (const char* path : {"/v1/attestation", "/.well-known/blindai/attestation"}) {
    const FakeAnswer answer = Ask("GET " + std::string(path) + "?nonce=" + kNonce);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.Find("Cache-Control"), "no-store");
    EXPECT_THAT(answer.body, HasSubstr(R"("nonce":")" + kNonce));
  }
}

TEST_F(AttestationEndpointTest, AMalformedNonceIsRefusedAndThePlatformIsNotAsked) {
  for (const std::string& query :
       {std::string(), std::string("?nonce="), "?nonce=" + kNonce + "a", "?nonce=" + kNonce.substr(1),
        "?nonce=" + kNonce.substr(1) + "g", "?Nonce=" + kNonce}) {
    const FakeAnswer answer = Ask("GET /v1/attestation" + query);
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_THAT(answer.body, HasSubstr(R"("code":"nonce-format")"));
  }
  EXPECT_EQ(asked_, 0);
}

TEST_F(AttestationEndpointTest, AFailingPlatformFailsThisAnswerOnly) {
  error_ = base::MakeError(base::ErrorKind::kUnavailable, "attestation-busy", "busy");
  EXPECT_EQ(Ask("GET /v1/attestation?nonce=" + kNonce).status, 503);
  error_.reset();
  EXPECT_EQ(Ask("GET /v1/attestation?nonce=" + kNonce).status, 200);
}

}  // namespace
}  // namespace blindai::endpoints
