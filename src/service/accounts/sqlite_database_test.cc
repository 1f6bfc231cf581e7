#include "service/accounts/database.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "service/accounts/audit_log.h"
#include "service/accounts/server_registry.h"
#include "service/accounts/session_keys.h"
#include "support/accounts_facts.h"

namespace blindai::accounts {
namespace {

// A file that is gone when the last database on it is closed.
struct File {
  File() {
    static std::atomic<int> count{0};
    path = std::filesystem::temp_directory_path() /
           ("accounts-facts-" + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".db");
  }
  ~File() {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + suffix);
  }
  std::filesystem::path path;
};

MakeDatabase SqliteFiles() {
  return [file = std::make_shared<File>()]() -> std::shared_ptr<Database> {
    return std::move(OpenSqlite(file->path)).value();
  };
}

INSTANTIATE_TEST_SUITE_P(Sqlite, AccountsFacts, testing::Values(&SqliteFiles));

TEST(Sqlite, TheFileIsForItsOwnerAlone) {
  const File file;
  const auto database = std::move(OpenSqlite(file.path)).value();
  ASSERT_TRUE(database->CreateTables("CREATE TABLE IF NOT EXISTS t (n {number})").ok());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat status {};
    ASSERT_EQ(stat((file.path.string() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777u, 0600u) << suffix;
  }
}

}  // namespace
}  // namespace blindai::accounts
