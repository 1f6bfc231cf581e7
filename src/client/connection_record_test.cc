#include "client/connection_record.h"

#include <gtest/gtest.h>

#include <string>

#include "client/connect.h"
#include "client/failure.h"
#include "support/fake_attested_server.h"

namespace blindai::client {
namespace {

using tests::FakeAttestedServer;
using verifier::AllowSimulation;
using verifier::Outcome;

// What a real connection to a simulated server leaves behind.
ConnectionRecord RecordOfAConnection() {
  const FakeAttestedServer server({});
  ConnectOptions options;
  options.server = {"127.0.0.1", server.port()};
  options.allow_simulation = AllowSimulation::kYes;
  const ConnectOutcome outcome = AttestedConnection::Open(options);
  BLINDAI_CHECK(outcome.connection.ok());
  return *(*outcome.connection)->record();
}

channel::ClientDemand Demand(const ConnectionRecord& record, AllowSimulation allow = AllowSimulation::kYes) {
  channel::ClientDemand demand;
  demand.allow_simulation = allow;
  demand.now = record.verified_at;
  return demand;
}

std::string FindingOf(const ConnectionRecord& record) {
  const auto verdict = Judge(record, Demand(record));
  if (!verdict.ok()) return verdict.error().code;
  for (const verifier::Finding& finding : verdict->findings) {
    if (finding.status == verifier::CheckStatus::kFailed) return finding.code;
  }
  return "ok";
}

TEST(ConnectionRecord, SurvivesBeingWrittenAndReadAndIsJudgedAsOnTheConnection) {
  const ConnectionRecord record = RecordOfAConnection();
  const auto read = DecodeRecord(EncodeRecord(record));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(EncodeRecord(*read), EncodeRecord(record));
  const auto verdict = Judge(*read, Demand(*read));
  ASSERT_TRUE(verdict.ok());
  EXPECT_EQ(verdict->outcome, Outcome::kSimulation);
}

TEST(ConnectionRecord, OfASimulatedServerStaysSimulated) {
  const ConnectionRecord record = RecordOfAConnection();
  const auto verdict = Judge(record, Demand(record, AllowSimulation::kNo));
  ASSERT_TRUE(verdict.ok());
  EXPECT_EQ(verdict->outcome, Outcome::kRefused);
  EXPECT_TRUE(verdict->Has("simulation"));
}

TEST(ConnectionRecord, WithAnotherExporterKeyOrNonceIsRefused) {
  const ConnectionRecord record = RecordOfAConnection();
  EXPECT_EQ(FindingOf(record), "ok");
  ConnectionRecord bent = record;
  bent.exporter.bytes[0] ^= 1;
  EXPECT_EQ(FindingOf(bent), "connection-mismatch");
  bent = record;
  bent.nonce.bytes[31] ^= 1;
  EXPECT_EQ(FindingOf(bent), "nonce-mismatch");
  bent = record;
  bent.peer_spki_der.back() ^= 1;
  EXPECT_EQ(FindingOf(bent), "key-mismatch");
}

TEST(ConnectionRecord, WithoutReadableEvidenceSaysSo) {
  ConnectionRecord record = RecordOfAConnection();
  record.answer = "{}";
  EXPECT_EQ(FindingOf(record), kAttestationAnswer);
}

TEST(ConnectionRecord, IsReadStrictly) {
  const std::string good = EncodeRecord(RecordOfAConnection());
  for (const std::string field : {"version", "verified_at", "nonce", "exporter", "server_key", "answer"}) {
    std::string missing = good;
    missing.replace(missing.find("\"" + field + "\""), field.size() + 2, "\"x" + field + "\"");
    EXPECT_FALSE(DecodeRecord(missing).ok()) << field;
  }
  std::string newer = good;
  newer.replace(newer.find("\"version\":1"), 11, "\"version\":2");
  EXPECT_EQ(DecodeRecord(newer).error().code, "connection-record");
  std::string shorter = good;
  shorter.erase(shorter.find("\"nonce\":\"") + 9, 2);
  EXPECT_FALSE(DecodeRecord(shorter).ok());
  EXPECT_FALSE(DecodeRecord("").ok());
  EXPECT_FALSE(DecodeRecord(std::string_view(good).substr(0, good.size() / 2)).ok());
}

}  // namespace
}  // namespace blindai::client
