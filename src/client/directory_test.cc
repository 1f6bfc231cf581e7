#include "client/directory.h"

#include <gtest/gtest.h>

#include "client/failure.h"
#include "protocols/wire/directory.h"
#include "support/fake_attested_server.h"
#include "support/fake_directory.h"

namespace blindai::client {
namespace {

using tests::FakeDirectory;

constexpr base::Time kNow{std::chrono::seconds{1'750'000'000}};

ConnectOptions At(const std::string& url) {
  ConnectOptions options;
  options.directory = DirectoryOptions{*fetch::ParseUrl(url), ""};
  options.api_key =
      std::make_shared<const base::SecretBytes>(base::SecretBytes::CopyOf(base::AsBytes("bai_key")));
  return options;
}

FakeDirectory::Answer Session(std::int64_t expires_at, const std::string& server = "a.example:8443") {
  return {200, wire::EncodeSessionAnswer(
                   {.token = "t", .expires_at = expires_at, .servers = {{server, 0}}, .simulation = false})};
}

TEST(Directory, ASessionIsATokenAndServersAndIsRenewedAMinuteBeforeItEnds) {
  FakeDirectory fake({Session(kNow.time_since_epoch().count() + 900)});
  const auto session = Directory(At(fake.url() + "/cloud/")).OpenSession("", kNow);
  ASSERT_TRUE(session.ok()) << session.error().message;
  EXPECT_EQ(base::AsText(session->token->ExposeSecret()), "t");
  EXPECT_EQ(session->servers.at(0).ToText(), "a.example:8443");
  EXPECT_EQ(session->renew_at, kNow + std::chrono::seconds(840));
  EXPECT_EQ(fake.TakeRequest(0).target, "/cloud/v1/session");
}

TEST(Directory, AShortSessionIsUsedForThreeQuartersOfItsLife) {
  FakeDirectory fake({Session(kNow.time_since_epoch().count() + 100)});
  EXPECT_EQ(Directory(At(fake.url())).OpenSession("", kNow)->renew_at, kNow + std::chrono::seconds(75));
}

TEST(Directory, WithoutAKeyNoneIsSent) {
  FakeDirectory fake({Session(4'000'000'000)});
  ConnectOptions options = At(fake.url());
  options.api_key = nullptr;
  EXPECT_TRUE(Directory(options).OpenSession("m", kNow).ok());
  EXPECT_EQ(fake.TakeRequest(0).authorization, "");
}

TEST(Directory, ACertificateOfNoKnownCaGetsNoKey) {
  const tests::FakeAttestedServer stranger({});
  const auto session =
      Directory(At("https://127.0.0.1:" + std::to_string(stranger.port()))).OpenSession("", kNow);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().code, "tls-certificate");
  EXPECT_TRUE(stranger.seen().empty());
}

TEST(Directory, AnswersThatMakeNoSenseAreErrorsOfTheConnection) {
  for (const FakeDirectory::Answer& answer :
       {FakeDirectory::Answer{200, "{}"}, FakeDirectory::Answer{200, "no JSON"},
        FakeDirectory::Answer{200, ""}}) {
    FakeDirectory fake({answer});
    const auto session = Directory(At(fake.url())).OpenSession("", kNow);
    ASSERT_FALSE(session.ok());
    EXPECT_EQ(FailureOf(session.error()), FailureKind::kConnection) << session.error().code;
  }
}

}  // namespace
}  // namespace blindai::client
