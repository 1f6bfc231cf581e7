// The server's side of the directory, against a real HTTP server that answers as the directory does.
#include "server/directory_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>

#include "crypto/digest.h"
#include "encoding/hex.h"
#include "net/http_server.h"
#include "support/session_tokens.h"
#include "support/temporary_file.h"

namespace blindai::server {
namespace {

using ::testing::UnorderedElementsAre;
using tests::TemporaryFile;
using tests::TokenMaker;

// Answers what the test says, in order and the last one for ever, and keeps what it was asked.
class FakeDirectory {
 public:
  struct Answer {
    int status = 200;
    std::string body;
  };
  struct Asked {
    std::string target;
    std::string authorization;
    std::string body;
  };

  explicit FakeDirectory(std::deque<Answer> answers) : answers_(std::move(answers)) {
    net::HttpServerOptions options;
    options.pool = std::make_shared<net::IoPool>(1);
    auto listening =
        net::HttpServer::Listen(options, [this](net::HttpExchange& exchange) { return Handle(exchange); });
    BLINDAI_CHECK(listening.ok());
    server_ = *std::move(listening);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  // Waits for the request of this number, from 0.
  Asked TakeRequest(std::size_t number) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return asked_.size() > number; });
    return asked_[number];
  }

 private:
  net::Task<void> Handle(net::HttpExchange& exchange) {
    std::string body;
    std::vector<std::uint8_t> piece(4096);
    for (;;) {
      const std::span<std::uint8_t> into(piece);
      const auto got = co_await exchange.ReadBody(into);
      if (!got.ok() || *got == 0) break;
      body.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*got));
    }
    const std::optional<std::string_view> field = exchange.head().headers.Find("Authorization");
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back({exchange.head().raw_target, std::string(field.value_or("")), body});
      answer = answers_.front();
      if (answers_.size() > 1) answers_.pop_front();
    }
    arrived_.notify_all();
    net::HttpResponse response = net::TextResponse(answer.status, answer.body);
    co_await exchange.Respond(response);
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Answer> answers_;
  std::vector<Asked> asked_;
  std::unique_ptr<net::HttpServer> server_;
};

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
    const auto place = catalogue.Reserve(owner, *vocabulary::ModelId::Parse(id));
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
