#include "gateway/standing.h"

#include <gtest/gtest.h>

#include "client/failure.h"
#include "encoding/hex.h"
#include "encoding/json.h"
#include "protocols/wire/attestation.h"

namespace blindai::gateway {
namespace {

using verifier::CheckStatus;
using verifier::Outcome;

constexpr base::Time kStart{std::chrono::seconds(1'790'000'000)};
constexpr base::Time kLater = kStart + std::chrono::seconds(60);

std::shared_ptr<const client::ConnectionRecord> Record(const std::string& manifest, std::uint8_t key = 1) {
  wire::AttestationAnswer answer;
  answer.tee = "snp";
  answer.keyset = "{}";
  answer.manifest = manifest;
  client::ConnectionRecord record;
  record.answer = wire::EncodeAttestation(answer);
  record.peer_spki_der = {key};
  record.verified_at = kStart;
  return std::make_shared<const client::ConnectionRecord>(std::move(record));
}

verifier::Verdict VerdictOf(Outcome outcome) {
  verifier::Verdict verdict;
  verdict.outcome = outcome;
  verdict.mode = outcome == Outcome::kSimulation ? "simulation" : "hardware";
  verdict.tee = evidence::TeeKind::kSnp;
  for (const char* check :
       {"nonce", "connection", "server key", "keyset", "manifest", "keyset content", "mode", "report data"})
    verdict.findings.push_back({"ok", check, CheckStatus::kPassed, "", "", ""});
  if (outcome == Outcome::kRefused)
    verdict.findings.push_back(
        {"measurement", "measurement", CheckStatus::kFailed, "aa", "bb", "another build"});
  verdict.claims = {{"measurement", "aabb"}};
  return verdict;
}

Attempt Accepted(const std::string& manifest = "{}", std::uint8_t key = 1) {
  return {std::nullopt, Record(manifest, key), VerdictOf(Outcome::kTrusted)};
}

Attempt Refused(const std::string& manifest = "{}") {
  return {
      base::MakeError(base::ErrorKind::kDenied, std::string(client::kAttestationRefused), "refused, since …"),
      Record(manifest), VerdictOf(Outcome::kRefused)};
}

Attempt NobodyThere() {
  return {base::MakeError(base::ErrorKind::kUnavailable, "connection-refused", "nothing listens there"),
          nullptr, std::nullopt};
}

boost::json::value Text(const std::string& text) { return boost::json::value(text); }

boost::json::object StatusOf(const Standing& standing) {
  StatusFacts facts;
  facts.server = "server.example:8443";
  facts.has_policy = true;
  return *encoding::ParseJsonObject(RenderStatus(standing, facts));
}

TEST(Standing, NothingIsForwardedBeforeTheFirstVerdict) {
  const Standing standing;
  EXPECT_FALSE(standing.usable());
  EXPECT_EQ(WhyNot(standing).code, "server-unreachable");
  EXPECT_EQ(StatusOf(standing)["state"], "connecting");
  EXPECT_TRUE(StatusOf(standing)["verdict"].is_null());
}

TEST(Standing, OnlyAGoodVerdictIsUsable) {
  EXPECT_TRUE(After({}, Accepted(), kStart).usable());
  EXPECT_TRUE(After({}, {std::nullopt, Record("{}"), VerdictOf(Outcome::kSimulation)}, kStart).usable());
  EXPECT_FALSE(After({}, Refused(), kStart).usable());
  EXPECT_FALSE(After({}, NobodyThere(), kStart).usable());
  Attempt undecided = Refused();
  undecided.verdict->outcome = Outcome::kUndecided;
  EXPECT_EQ(After({}, undecided, kStart).state, State::kUndecided);
  EXPECT_FALSE(After({}, undecided, kStart).usable());
}

TEST(Standing, AnErrorBesideAGoodVerdictIsARefusal) {
  Attempt simulated{base::MakeError(base::ErrorKind::kDenied, "attestation-refused", "not permitted"),
                    Record("{}"), VerdictOf(Outcome::kSimulation)};
  EXPECT_EQ(After({}, simulated, kStart).state, State::kRefused);
}

TEST(Standing, ChangesAreToldAndRepetitionsAreNot) {
  const Standing first = After({}, Accepted(), kStart);
  EXPECT_EQ(first.number, 1u);
  EXPECT_EQ(first.change, "connection");
  const Standing again = After(first, Accepted(), kLater);
  EXPECT_EQ(again.number, 1u);
  EXPECT_EQ(again.since, kStart);
  const Standing refused = After(again, Refused(), kLater);
  EXPECT_EQ(refused.number, 2u);
  EXPECT_EQ(refused.change, "verdict");
  EXPECT_EQ(refused.since, kLater);
  EXPECT_EQ(After(refused, NobodyThere(), kLater).change, "connection");
  EXPECT_EQ(Renewed(refused).change, "verified");
  EXPECT_EQ(Renewed(refused).number, 3u);
}

TEST(Standing, AnotherKeyAndAnotherManifestAreAnnounced) {
  const Standing first = After({}, Accepted("{\"a\":1}", 1), kStart);
  EXPECT_FALSE(first.manifest->changed_at.has_value());
  const Standing key = After(first, Accepted("{\"a\":1}", 2), kLater);
  EXPECT_EQ(key.change, "key");
  EXPECT_EQ(key.server_key->before, first.server_key->sha256);
  EXPECT_FALSE(key.manifest->changed_at.has_value());
  const Standing manifest = After(key, Accepted("{\"a\":2}", 3), kLater);
  EXPECT_EQ(manifest.change, "manifest");
  EXPECT_EQ(manifest.manifest->before, first.manifest->sha256);
  EXPECT_EQ(manifest.manifest->changed_at, kLater);
  const auto status = StatusOf(manifest);
  EXPECT_EQ(status.at("manifest").at("before_sha256"),
            Text(encoding::HexEncode(first.manifest->sha256.view())));
  EXPECT_EQ(status.at("manifest").at("document").at("a"), 2);
}

TEST(Standing, WhatARefusedServerShowsIsNoChangeOfTheDeployment) {
  Standing standing = After({}, Accepted("{\"a\":1}"), kStart);
  standing = After(standing, Refused("{\"a\":666}"), kLater);
  EXPECT_EQ(standing.change, "verdict");
  EXPECT_FALSE(standing.manifest->changed_at.has_value());
  EXPECT_EQ(StatusOf(standing).at("manifest").at("document").at("a"), 666);
  standing = After(standing, Accepted("{\"a\":1}"), kLater);
  EXPECT_EQ(standing.change, "verdict");
  EXPECT_FALSE(standing.manifest->changed_at.has_value());
}

TEST(Standing, TheStatusSaysWhoSaysWhat) {
  const auto status = StatusOf(After({}, Accepted("{\"mode\":\"hardware\"}"), kStart));
  EXPECT_EQ(status.at("state"), "trusted");
  EXPECT_EQ(status.at("usable"), true);
  EXPECT_EQ(status.at("server"), "server.example:8443");
  EXPECT_EQ(status.at("verified_at"), Text(base::FormatTime(kStart)));
  EXPECT_EQ(status.at("verify_again_at"), Text(base::FormatTime(kStart + std::chrono::minutes(10))));
  EXPECT_EQ(status.at("verdict").at("verdict"), "trusted");
  EXPECT_TRUE(status.at("error").is_null());
  const auto& chain = status.at("chain").as_array();
  ASSERT_EQ(chain.size(), 4u);
  for (const auto& link : chain) EXPECT_EQ(link.at("status"), "PASSED") << link;
}

TEST(Standing, ALinkThatWasNotCheckedIsNotPassed) {
  Attempt attempt = Accepted();
  attempt.verdict->findings.clear();
  attempt.verdict->claims.clear();
  attempt.verdict->outcome = Outcome::kUndecided;
  const auto status = StatusOf(After({}, attempt, kStart));
  for (const auto& link : status.at("chain").as_array()) EXPECT_EQ(link.at("status"), "SKIPPED") << link;
  EXPECT_TRUE(status.at("verify_again_at").is_null());
}

TEST(Standing, SimulationPassesNoLinkThatSomebodyVouchesFor) {
  const auto status =
      StatusOf(After({}, {std::nullopt, Record("{}"), VerdictOf(Outcome::kSimulation)}, kStart));
  EXPECT_EQ(status.at("chain").at(2).at("status"), "SKIPPED");
  EXPECT_EQ(status.at("chain").at(3).at("status"), "SKIPPED");
}

TEST(Standing, ARefusalCarriesTheFindingsInTheShapeOfItsProtocol) {
  const Standing refused = After({}, Refused(), kStart);
  const auto openai = *encoding::ParseJsonObject(RenderRefusal(refused, ErrorShape::kOpenAI));
  EXPECT_EQ(openai.at("error").at("code"), "server-not-trusted");
  EXPECT_EQ(openai.at("error").at("message"), "refused, since …");
  EXPECT_EQ(openai.at("verdict").at("verdict"), "refused");
  const auto inference = *encoding::ParseJsonObject(RenderRefusal(refused, ErrorShape::kOpenInference));
  EXPECT_EQ(inference.at("error"), "refused, since …");
  EXPECT_EQ(inference.at("verdict").at("findings").as_array().back().at("code"), "measurement");
  // Whoever cannot be reached now has nothing to say about now.
  const Standing gone = After(After({}, Accepted(), kStart), NobodyThere(), kLater);
  const auto unreachable = *encoding::ParseJsonObject(RenderRefusal(gone, ErrorShape::kOpenAI));
  EXPECT_EQ(unreachable.at("error").at("code"), "server-unreachable");
  EXPECT_TRUE(unreachable.at("verdict").is_null());
}

TEST(Standing, AManifestThatIsNoJsonIsShownByItsDigestAlone) {
  const auto status = StatusOf(After({}, Accepted("not JSON"), kStart));
  EXPECT_TRUE(status.at("manifest").at("document").is_null());
  EXPECT_EQ(status.at("manifest").at("sha256").as_string().size(), 64u);
}

}  // namespace
}  // namespace blindai::gateway
