#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <mutex>
#include <string>

#include "service/accounts/database.h"

namespace blindai::accounts {
namespace {

using base::Result;

constexpr int kBusyTimeoutMs = 5000;
constexpr const char* kPragmas = R"(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
)";

class Prepared {
 public:
  Prepared(sqlite3* database, std::string_view sql) {
    if (sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement_, nullptr) !=
        SQLITE_OK) {
      statement_ = nullptr;
    }
  }
  ~Prepared() { sqlite3_finalize(statement_); }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  bool ok() const { return statement_ != nullptr; }

  bool Bind(std::span<const Value> values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const int index = sqlite3_bind_parameter_index(statement_, ("$" + std::to_string(i + 1)).c_str());
      if (index == 0 || BindOne(index, values[i]) != SQLITE_OK) return false;
    }
    return true;
  }

  // SQLITE_ROW, SQLITE_DONE or an error.
  int Step() { return sqlite3_step(statement_); }

  std::vector<Value> Row() const {
    std::vector<Value> row;
    row.reserve(static_cast<std::size_t>(sqlite3_column_count(statement_)));
    for (int column = 0; column < sqlite3_column_count(statement_); ++column) row.push_back(At(column));
    return row;
  }

 private:
  int BindOne(int index, const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      return sqlite3_bind_int64(statement_, index, *number);
    }
    if (const auto* text = std::get_if<std::string>(&value)) {
      return sqlite3_bind_text(statement_, index, text->data(), static_cast<int>(text->size()),
                               SQLITE_TRANSIENT);
    }
    if (const auto* bytes = std::get_if<base::Bytes>(&value)) {
      // A null pointer would be NULL, also for no bytes.
      const void* const data = bytes->empty() ? static_cast<const void*>("") : bytes->data();
      return sqlite3_bind_blob(statement_, index, data, static_cast<int>(bytes->size()), SQLITE_TRANSIENT);
    }
    return sqlite3_bind_null(statement_, index);
  }

  Value At(int column) const {
    const auto size = [&] { return static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)); };
    switch (sqlite3_column_type(statement_, column)) {
      case SQLITE_INTEGER:
        return std::int64_t{sqlite3_column_int64(statement_, column)};
      case SQLITE_TEXT: {
        const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        return std::string(text, size());
      }
      case SQLITE_BLOB: {
        const auto* const bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
        return bytes == nullptr ? base::Bytes() : base::Bytes(bytes, bytes + size());
      }
      default:
        return std::monostate();
    }
  }

  sqlite3_stmt* statement_ = nullptr;
};

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(sqlite3* database) : database_(database) {}
  ~SqliteDatabase() override { sqlite3_close(database_); }
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  using Database::Run;
  Result<Rows> Run(std::string_view sql, std::span<const Value> values) override {
    const std::lock_guard lock(mutex_);
    Prepared statement(database_, sql);
    if (!statement.ok() || !statement.Bind(values)) return DatabaseError();
    const std::int64_t changes_before = sqlite3_total_changes64(database_);
    std::vector<std::vector<Value>> rows;
    int step = statement.Step();
    for (; step == SQLITE_ROW; step = statement.Step()) rows.push_back(statement.Row());
    if (step != SQLITE_DONE) return DatabaseError();
    return Rows(std::move(rows),
                static_cast<std::uint64_t>(sqlite3_total_changes64(database_) - changes_before));
  }

  base::Status CreateTables(std::string_view sql) override {
    return Execute(WithTypes(sql, "INTEGER", "BLOB", "INTEGER PRIMARY KEY AUTOINCREMENT"));
  }

  base::Status Execute(const std::string& sql) {
    const std::lock_guard lock(mutex_);
    if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return base::Ok();
    return base::MakeError(base::ErrorKind::kUnavailable, "accounts-open",
                           "the accounts database cannot be opened, or is none of ours");
  }

 private:
  std::mutex mutex_;
  sqlite3* const database_;
};

// For its owner alone; SQLite gives the files beside it the same mode.
void CreatePrivate(const std::string& path) {
  const int file = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) close(file);
}

}  // namespace

Result<std::unique_ptr<Database>> OpenSqlite(const std::string& path) {
  if (path != ":memory:") CreatePrivate(path);
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(
      path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  auto database = std::make_unique<SqliteDatabase>(handle);
  // Another process (a keys command) may be writing: wait for it instead of failing.
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  if (opened != SQLITE_OK || !database->Execute(kPragmas).ok()) {
    return base::MakeError(base::ErrorKind::kUnavailable, "accounts-open",
                           "the accounts database cannot be opened, or is none of ours: " + path);
  }
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace blindai::accounts
