// The server's side of the directory, against a real HTTP server that answers as the directory does.
#include "server/directory_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "encoding/hex.h"
#include "support/fake_directory.h"
#include "support/session_tokens.h"
#include "support/temporary_file.h"

namespace blindai::server {
namespace {

using ::testing::UnorderedElementsAre;
using tests::FakeDirectory;
using tests::TemporaryFile;
using tests::TokenMaker;

std::string Listed(const TokenMaker& directory) {
  return wire::EncodeServerReportAnswer(
      {"listed", "", "cloud", accounts::EncodeJwks(std::vector{directory.public_key()})});
}

wire::ServerReport Report() {
  return {.address = "a.example:8443", .models = {}, .backlog_ms = 5, .v05 = {}};
}

class DirectoryLinkTest : public ::testing::Test {
 protected:
  ServerConfig ConfigFor(const std::string& url) const {
    ServerConfig config;
    config.directory_url = url;
    config.directory_key_file = key_file_.path();
    config.directory_report_every_s = 1;
    return config;
  }
  const TemporaryFile key_file_{"bai_12345678_secret\n"};
  const TokenMaker maker_{"cloud"};
  const std::shared_ptr<SessionKeys> keys_ = std::make_shared<SessionKeys>();
};

TEST_F(DirectoryLinkTest, ReportsWithItsKeyAndTakesTheKeysOfTheAnswer) {
  FakeDirectory directory({{200, Listed(maker_)}});
  const auto link = DirectoryLink::Start(ConfigFor(directory.url() + "/"), keys_, Report);
  ASSERT_TRUE(link.ok()) << link.error().message;
  const FakeDirectory::Asked asked = directory.TakeRequest(0);
  EXPECT_EQ(asked.target, "/v1/servers");
  EXPECT_EQ(asked.authorization, "Bearer bai_12345678_secret");
  EXPECT_EQ(wire::DecodeServerReport(base::AsBytes(asked.body))->address, "a.example:8443");
  directory.TakeRequest(1);  // the next report: the first answer has been taken in
  EXPECT_TRUE(keys_->Verify(maker_.Token("clinic"), TokenMaker::kNow).ok());
}

TEST_F(DirectoryLinkTest, AFailingDirectoryTakesNoKeysAway) {
  FakeDirectory directory({{200, Listed(maker_)}, {503, "{}"}, {200, "no JSON"}, {200, "{}"}});
  const auto link = DirectoryLink::Start(ConfigFor(directory.url()), keys_, Report);
  ASSERT_TRUE(link.ok());
  directory.TakeRequest(4);
  EXPECT_TRUE(keys_->Verify(maker_.Token("clinic"), TokenMaker::kNow).ok());
}

TEST_F(DirectoryLinkTest, GoesOnAskingADirectoryThatIsNotThereYetAndEndsAtOnce) {
  const auto link = DirectoryLink::Start(ConfigFor("http://127.0.0.1:1"), keys_, Report);
  EXPECT_TRUE(link.ok());
  EXPECT_EQ(keys_->Verify("x", TokenMaker::kNow).error().code, "session-keys-missing");
}

TEST_F(DirectoryLinkTest, AConfigurationThatCannotWorkIsRefusedAtStart) {
  const auto code = [&](ServerConfig config) {
    return DirectoryLink::Start(config, keys_, Report).error().code;
  };
  EXPECT_EQ(code(ConfigFor("http://directory.example")), "url");  // plain HTTP is for this machine only
  EXPECT_EQ(code(ConfigFor("directory.example:443")), "url");
  ServerConfig config = ConfigFor("https://directory.example");
  config.directory_key_file.clear();
  EXPECT_EQ(code(config), "config-value");
  config.directory_key_file = "/no/such/file";
  EXPECT_EQ(code(config), "config-file");
  config = ConfigFor("https://directory.example");
  config.directory_ca_file = "/no/such/file";
  EXPECT_EQ(code(config), "config-file");
}

TEST(ReportOf, NamesModelsByDigestOnlyAndPrivateOnesByTheirOwnersNameAlone) {
  service::ModelCatalogue catalogue({});
  const auto publish = [&](std::string_view id, service::Visibility visibility) {
    const service::Caller owner{"clinic", 1, true, true};
    const auto place = catalogue.Reserve(owner, *vocabulary::ModelId::Parse(id),
                                         {.policy = *vocabulary::VersionPolicy::Parse("all")});
    ASSERT_TRUE(place.ok());
    service::ModelRecord record{.id = *vocabulary::ModelId::Parse(id),
                                .owner = "clinic",
                                .sha256 = "",
                                .visibility = visibility,
                                .created = {},
                                .signature = {}};
    catalogue.Publish(**place, record, nullptr);
  };
  publish("clinic/named", service::Visibility::kLink);
  publish("hidden", service::Visibility::kPrivate);
  publish("hidden", service::Visibility::kPrivate);  // its next version: one name still
  const wire::ServerReport report = ReportOf(catalogue, "a.example:8443", wire::V05Ports{1, 2});
  const auto digest = [](std::string_view name) {
    return encoding::HexEncode(crypto::Sha256(base::AsBytes(name)).view());
  };
  EXPECT_THAT(report.models,
              UnorderedElementsAre(digest("clinic/named"), digest("named"), digest("clinic/hidden")));
  EXPECT_EQ(report.address, "a.example:8443");
  EXPECT_EQ(report.v05, (wire::V05Ports{1, 2}));
}

}  // namespace
}  // namespace blindai::server
