// Both halves of the attested channel together, without sockets: a server with the simulated attester, a
// client with its own nonce, and everything that may go wrong in between.
#include <gtest/gtest.h>

#include "attestation/attester/simulated.h"
#include "channel/attested_client.h"
#include "channel/attested_server.h"
#include "crypto/random.h"

namespace blindai::channel {
namespace {

using verifier::Outcome;
using verifier::Verdict;

constexpr base::Time kNow{std::chrono::seconds{1'800'000'000}};

ServerIdentity MakeIdentity() {
  IdentityOptions options;
  options.now = kNow;
  options.manifest = MakeManifest({"0.1.0", "simulation", "simulated", "worker-process", {"f32"}, {}, {}});
  return *ServerIdentity::Make(options);
}

// A TLS connection as far as the binding sees it: the same exporter at both ends, another one on every
// connection.
struct Connection {
  std::array<std::uint8_t, 32> secret = crypto::RandomFixed<ExporterValue>().bytes;

  Exporter exporter() const {
    return [key = secret](std::string_view label,
                          base::ByteView context) -> base::Result<std::array<std::uint8_t, 32>> {
      base::Bytes input = base::CopyBytes(key);
      input.insert(input.end(), label.begin(), label.end());
      input.insert(input.end(), context.begin(), context.end());
      return crypto::Sha256(input).bytes;
    };
  }
};

base::Result<evidence::EvidenceBundle> AttestSimulated(const evidence::ReportData& report_data) {
  return attester::SimulatedAttester().Attest(report_data, std::chrono::steady_clock::now());
}

// One client asking one server over one connection. A test bends a part between Ask and Judged.
struct Session {
  Connection connection;
  Nonce nonce = crypto::RandomFixed<Nonce>();
  ServerIdentity identity = MakeIdentity();
  AttestationAnswer answer = Ask();
  ClientDemand demand{nullptr, verifier::AllowSimulation::kYes, verifier::TrustAnchors::Production(), kNow};

  AttestationAnswer Ask() const {
    return *AnswerAttestation(identity, nonce, connection.exporter(), AttestSimulated);
  }
  Verdict Judged() const {
    return VerifyServer(
        answer, {nonce, *ExportFor(connection.exporter(), nonce), identity.key().public_key().spki_der()},
        demand);
  }
  // Refused, and for this reason.
  bool RefusedFor(std::string_view code) const {
    return Judged().outcome == Outcome::kRefused && Judged().Has(code);
  }
};

TEST(AttestedClient, AnHonestSimulatedServerIsASimulation) {
  const Session session;
  EXPECT_EQ(session.Judged().outcome, Outcome::kSimulation) << RenderText(session.Judged());
}

TEST(AttestedClient, AServerThatSpeaksOldProtocolsTooIsShownToDoSo) {
  const auto claim = [](const Verdict& verdict) {
    for (const auto& [name, text] : verdict.claims) {
      if (name == "weaker_protocols") return text;
    }
    return std::string("none");
  };
  Session session;
  EXPECT_EQ(claim(session.Judged()), "none");
  IdentityOptions options;
  options.now = kNow;
  options.manifest =
      MakeManifest({"0.1.0", "simulation", "simulated", "worker-process", {"f32"}, {}, {"0.5", "0.6"}});
  session.identity = *ServerIdentity::Make(options);
  session.answer = session.Ask();
  EXPECT_EQ(
      claim(session.Judged()),
      "BlindAI 0.5, 0.6: served to old clients, without freshness and without a binding to the connection");
  // What the evidence does not cover is no claim.
  session.answer.manifest += " ";
  EXPECT_EQ(claim(session.Judged()), "none");
}

TEST(AttestedClient, WithoutPermissionASimulatedServerIsRefused) {
  Session session;
  session.demand.allow_simulation = verifier::AllowSimulation::kNo;
  EXPECT_TRUE(session.RefusedFor("simulation"));
}

TEST(AttestedClient, APolicyRefusesASimulatedServer) {
  const policy::Policy policy;
  Session session;
  session.demand.policy = &policy;
  EXPECT_TRUE(session.RefusedFor("simulation"));
}

TEST(AttestedClient, AnAnswerReplayedOnAnotherConnectionIsRefused) {
  Session session;
  session.connection = Connection();
  EXPECT_TRUE(session.RefusedFor("connection-mismatch"));
  EXPECT_TRUE(session.RefusedFor("report-data-mismatch"));
  EXPECT_FALSE(session.Judged().Has("nonce-mismatch"));
}

TEST(AttestedClient, AnAnswerToAnotherNonceIsRefused) {
  Session session;
  session.nonce = crypto::RandomFixed<Nonce>();
  EXPECT_TRUE(session.RefusedFor("nonce-mismatch"));
}

TEST(AttestedClient, AnotherKeyOnTheConnectionIsRefused) {
  Session session;
  session.identity = MakeIdentity();
  EXPECT_TRUE(session.RefusedFor("key-mismatch"));
}

TEST(AttestedClient, AnAlteredManifestIsRefused) {
  Session session;
  session.answer.manifest += ' ';
  EXPECT_TRUE(session.RefusedFor("manifest-mismatch"));
}

TEST(AttestedClient, AnAlteredKeysetIsRefused) {
  Session session;
  session.answer.keyset += ' ';
  EXPECT_TRUE(session.RefusedFor("keyset-mismatch"));
}

TEST(AttestedClient, AStatementThatLiesDoesNotHideAReplay) {
  Session session;
  session.connection = Connection();
  session.answer.statement.exporter_sha256 =
      crypto::Sha256(ExportFor(session.connection.exporter(), session.nonce)->view());
  EXPECT_FALSE(session.Judged().Has("connection-mismatch"));
  EXPECT_TRUE(session.RefusedFor("report-data-mismatch"));
}

TEST(AttestedClient, AStatementThatLiesAboutAnythingIsRefused) {
  Session session;
  session.answer.statement.manifest.bytes[0] ^= 1;
  EXPECT_TRUE(session.RefusedFor("manifest-mismatch"));
}

TEST(AttestedClient, EvidenceOfAnotherSessionIsRefused) {
  Session session;
  session.answer.bundle = Session().answer.bundle;
  EXPECT_TRUE(session.RefusedFor("report-data-mismatch"));
}

TEST(AttestedClient, EveryFlippedBitOfTheEvidenceIsRefused) {
  Session session;
  for (std::size_t bit = 0; bit < session.answer.bundle.evidence.size() * 8; ++bit) {
    session.answer.bundle.evidence[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    ASSERT_EQ(session.Judged().outcome, Outcome::kRefused) << bit;
    session.answer.bundle.evidence[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  }
}

TEST(AttestedClient, AManifestThatClaimsHardwareOverSimulatedEvidenceIsRefused) {
  IdentityOptions options;
  options.now = kNow;
  options.manifest = MakeManifest({"0.1.0", "hardware", "snp", "worker-process", {}, {}, {}});
  Session session;
  session.identity = *ServerIdentity::Make(options);
  session.answer = session.Ask();
  EXPECT_TRUE(session.RefusedFor("mode-mismatch"));
}

TEST(AttestedClient, AKeysetThatNamesAnotherKeyIsRefused) {
  Session session;
  session.answer.keyset = MakeIdentity().keyset();
  session.answer.statement.keyset = crypto::Sha256(base::AsBytes(session.answer.keyset));
  EXPECT_TRUE(session.RefusedFor("keyset-mismatch"));
}

TEST(AttestedClient, DocumentsThatAreNoJsonAreRefused) {
  for (const char* text : {"", "{", "[]", "{\"mode\":1}", "\xff"}) {
    Session session;
    session.answer.manifest = text;
    session.answer.keyset = text;
    EXPECT_TRUE(session.RefusedFor("mode-mismatch")) << text;
  }
}

TEST(AttestedClient, EvidenceUnderAnotherKindsNameIsRefused) {
  Session session;
  session.answer.bundle.tee = evidence::TeeKind::kSnp;
  EXPECT_EQ(session.Judged().outcome, Outcome::kRefused);
  EXPECT_EQ(session.Judged().mode, "hardware");
}

}  // namespace
}  // namespace blindai::channel
