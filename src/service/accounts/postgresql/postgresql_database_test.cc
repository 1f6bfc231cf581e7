#include "service/accounts/postgresql/postgresql_database.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "support/accounts_facts.h"
#include "support/postgres.h"

namespace blindai::accounts {
namespace {

using tests::Postgres;

// One server for all tests, a database in it for each.
Postgres* Server() {
  static const std::unique_ptr<Postgres> server = Postgres::Start();
  return server.get();
}

MakeDatabase PostgresqlDatabases() {
  if (Server() == nullptr) return nullptr;
  return [url = Server()->NewDatabase()]() -> std::shared_ptr<Database> {
    return std::move(OpenPostgresql(url)).value();
  };
}

INSTANTIATE_TEST_SUITE_P(Postgresql, AccountsFacts, testing::Values(&PostgresqlDatabases));

TEST(Postgresql, ConnectionsThatTheServerEndedAreReplaced) {
  if (Server() == nullptr) GTEST_SKIP() << tests::kNoPostgres;
  const std::string url = Server()->NewDatabase();
  const auto database = std::move(OpenPostgresql(url)).value();
  ASSERT_TRUE(database->CreateTables("CREATE TABLE IF NOT EXISTS t (n {number})").ok());
  const auto end_all = [&] {
    const auto other = std::move(OpenPostgresql(url)).value();
    return other->Run(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  };
  ASSERT_TRUE(end_all().ok());
  EXPECT_TRUE(database->Run("SELECT n FROM t").ok()) << "reading is tried again";
  ASSERT_TRUE(end_all().ok());
  EXPECT_FALSE(database->Run("INSERT INTO t VALUES (1)").ok()) << "nobody knows whether it happened";
  EXPECT_TRUE(database->Run("INSERT INTO t VALUES (2)").ok());
  const auto rows = database->Run("SELECT n FROM t");
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->Number(0, 0), 2);
}

TEST(Postgresql, ManyThreadsAndManyDirectoriesAtOnceAreFine) {
  if (Server() == nullptr) GTEST_SKIP() << tests::kNoPostgres;
  const std::string url = Server()->NewDatabase();
  std::vector<std::thread> threads;
  for (int directory = 0; directory < 4; ++directory) {
    threads.emplace_back([&url] {
      const std::shared_ptr<Database> database = std::move(OpenPostgresql(url)).value();
      const auto keys = ApiKeys::Open(database);
      ASSERT_TRUE(keys.ok()) << keys.error().message;
      for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE((*keys)->CreateKey("clinic", {.run = true}, std::nullopt, base::Time{}).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto keys = std::move(ApiKeys::Open(std::move(OpenPostgresql(url)).value())).value();
  EXPECT_EQ(keys->ListKeys()->size(), 40u);
}

TEST(Postgresql, AServerThatIsNotThereIsAnErrorThatShowsNoAddress) {
  const std::string url = "postgresql://secret-user:secret-password@/x?host=%2Fnowhere";
  const auto database = OpenPostgresql(url);
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.error().code, "accounts-open");
  EXPECT_EQ(database.error().message.find("secret"), std::string::npos);
  EXPECT_TRUE(IsPostgresqlUrl(url));
  EXPECT_FALSE(IsPostgresqlUrl("accounts.db"));
}

}  // namespace
}  // namespace blindai::accounts
