#include "channel/server_identity.h"

#include <gtest/gtest.h>

#include "encoding/hex.h"

namespace blindai::channel {
namespace {

constexpr base::Time kNow{std::chrono::seconds{1'800'000'000}};

ServerIdentity Made(IdentityOptions options = {}) {
  options.now = kNow;
  return *ServerIdentity::Make(options);
}

TEST(ServerIdentity, TheCertificateServesLocalNamesAndTheConfiguredOnes) {
  IdentityOptions options;
  options.dns_names = {"blindai.example"};
  options.ip_addresses = {"192.0.2.7"};
  const ServerIdentity identity = Made(options);
  for (const char* host : {"localhost", "127.0.0.1", "::1", "blindai.example", "192.0.2.7"}) {
    EXPECT_TRUE(identity.certificate().MatchesHost(host)) << host;
  }
  EXPECT_FALSE(identity.certificate().MatchesHost("other.example"));
  EXPECT_EQ(identity.certificate().subject_common_name(), "blindai");
}

TEST(ServerIdentity, TheCertificateIsSelfSignedByTheKeyAndBounded) {
  const ServerIdentity identity = Made();
  EXPECT_TRUE(identity.certificate().IsSignedBy(identity.key().public_key()));
  EXPECT_EQ(identity.key().kind(), crypto::KeyKind::kP256);
  EXPECT_EQ(identity.certificate().not_before(), kNow - std::chrono::hours{1});
  EXPECT_EQ(identity.certificate().not_after(), kNow + std::chrono::hours{24 * 30});
}

TEST(ServerIdentity, EveryStartMakesANewKey) { EXPECT_NE(Made().key_sha256(), Made().key_sha256()); }

TEST(ServerIdentity, TheKeysetNamesTheKey) {
  const ServerIdentity identity = Made();
  EXPECT_EQ(identity.keyset(), R"({"version":1,"tls_spki_sha256":")" +
                                   encoding::HexEncode(identity.key_sha256().view()) + "\"}");
}

TEST(ServerIdentity, ANameThatIsNoNameIsRefused) {
  IdentityOptions options;
  options.now = kNow;
  options.ip_addresses = {"not an address"};
  EXPECT_FALSE(ServerIdentity::Make(options).ok());
}

TEST(Manifest, TheSameFactsGiveTheSameBytes) {
  const ManifestFacts facts{"0.1.0",          "simulation",    "simulated",
                            "worker-process", {"f32", "bf16"}, {{"max_model_bytes", 2147483648}},
                            {"0.5"},          {{"m", "ab"}},   "sgx-mrenclave"};
  EXPECT_EQ(MakeManifest(facts),
            R"({"version":"0.1.0","mode":"simulation","platform":"simulated","isolation":"worker-process",)"
            R"("precisions":["f32","bf16"],"limits":{"max_model_bytes":2147483648},"compat":["0.5"],)"
            R"("models":[{"id":"m","sha256":"ab"}],"storage":"sgx-mrenclave"})");
}

}  // namespace
}  // namespace blindai::channel
