#include "service/accounts/postgresql/postgresql_database.h"

#include <libpq-fe.h>

#include <array>
#include <charconv>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace blindai::accounts {
namespace {

using base::Result;

// Numbers of types in pg_type, which never change.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;
constexpr int kTextFormat = 0;
constexpr int kBinaryFormat = 1;

// Any number of ours: directories that create tables at the same time do so one after the other.
constexpr std::string_view kCreateLock = "SELECT pg_advisory_xact_lock(4927355181);";

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, Finish>;
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, Clear>;

void SayNothing(void*, const char*) {}

// Later words win, so what the operator's text says replaces the defaults before it.
Connection Connect(const std::string& url) {
  const std::array<const char*, 5> words = {"connect_timeout", "tcp_user_timeout", "options", "dbname",
                                            nullptr};
  const std::array<const char*, 5> values = {
      "5", "10000", "-c statement_timeout=10000 -c client_min_messages=error", url.c_str(), nullptr};
  Connection connection(PQconnectdbParams(words.data(), values.data(), 1));
  if (PQstatus(connection.get()) != CONNECTION_OK) return nullptr;
  PQsetNoticeProcessor(connection.get(), SayNothing, nullptr);
  return connection;
}

// Values as libpq takes them; borrows from them.
class Parameters {
 public:
  explicit Parameters(std::span<const Value> values) {
    numbers_.reserve(values.size());
    for (const Value& value : values) Add(value);
  }
  Answer Execute(PGconn* connection, const std::string& sql) const {
    return Answer(PQexecParams(connection, sql.c_str(), static_cast<int>(types_.size()), types_.data(),
                               values_.data(), lengths_.data(), formats_.data(), kTextFormat));
  }

 private:
  void Add(const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      numbers_.push_back(std::to_string(*number));
      Push(kInt8, numbers_.back().c_str(), 0, kTextFormat);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      Push(kText, text->c_str(), 0, kTextFormat);
    } else if (const auto* bytes = std::get_if<base::Bytes>(&value)) {
      // A null pointer would be NULL, also for no bytes.
      const char* const data = bytes->empty() ? "" : reinterpret_cast<const char*>(bytes->data());
      Push(kBytea, data, static_cast<int>(bytes->size()), kBinaryFormat);
    } else {
      Push(kInt8, nullptr, 0, kTextFormat);  // of our columns only numbers may be NULL
    }
  }
  void Push(Oid type, const char* value, int length, int format) {
    types_.push_back(type);
    values_.push_back(value);
    lengths_.push_back(length);
    formats_.push_back(format);
  }
  std::vector<std::string> numbers_;
  std::vector<Oid> types_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

Value ReadValue(const PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column) == 1) return std::monostate();
  const std::string_view text(PQgetvalue(result, row, column),
                              static_cast<std::size_t>(PQgetlength(result, row, column)));
  switch (PQftype(result, column)) {
    case kInt8:
    case kInt4: {
      std::int64_t number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number);
      return number;
    }
    case kBytea: {
      std::size_t size = 0;
      unsigned char* const bytes =
          PQunescapeBytea(reinterpret_cast<const unsigned char*>(text.data()), &size);
      base::Bytes value(bytes, bytes + size);
      PQfreemem(bytes);
      return value;
    }
    default:
      return std::string(text);
  }
}

Rows ReadRows(PGresult* result) {
  std::vector<std::vector<Value>> rows(static_cast<std::size_t>(PQntuples(result)));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (int column = 0; column < PQnfields(result); ++column) {
      rows[row].push_back(ReadValue(result, static_cast<int>(row), column));
    }
  }
  const std::string_view tuples(PQcmdTuples(result));
  std::uint64_t changed = 0;
  std::from_chars(tuples.data(), tuples.data() + tuples.size(), changed);
  return Rows(std::move(rows), changed);
}

class PostgresqlDatabase final : public Database {
 public:
  PostgresqlDatabase(std::string url, Connection first) : url_(std::move(url)) {
    idle_.push_back(std::move(first));
  }

  using Database::Run;
  Result<Rows> Run(std::string_view sql, std::span<const Value> values) override {
    const std::string text(sql);
    const Parameters parameters(values);
    Connection connection = TakeIdle();
    if (connection != nullptr) {
      const Answer answer = parameters.Execute(connection.get(), text);
      if (Lives(connection.get())) return Finish(std::move(connection), answer.get());
      DropIdle();
      if (!sql.starts_with("SELECT")) return DatabaseError();
    }
    connection = Connect(url_);
    if (connection == nullptr) return DatabaseError();
    const Answer answer = parameters.Execute(connection.get(), text);
    if (!Lives(connection.get())) return DatabaseError();
    return Finish(std::move(connection), answer.get());
  }

  base::Status CreateTables(std::string_view sql) override {
    const std::string text =
        "BEGIN;" + std::string(kCreateLock) +
        WithTypes(sql, "BIGINT", "BYTEA", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY") + ";COMMIT";
    const Connection connection = Connect(url_);
    if (connection != nullptr) {
      const Answer answer(PQexec(connection.get(), text.c_str()));
      if (PQresultStatus(answer.get()) == PGRES_COMMAND_OK) return base::Ok();
    }
    return base::MakeError(
        base::ErrorKind::kUnavailable, "accounts-open",
        "the tables of the accounts database cannot be made; may this user create tables there?");
  }

 private:
  static bool Lives(const PGconn* connection) { return PQstatus(connection) == CONNECTION_OK; }

  Connection TakeIdle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    Connection connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }
  // When one was lost, the server probably ended all.
  void DropIdle() {
    const std::lock_guard lock(mutex_);
    idle_.clear();
  }
  Result<Rows> Finish(Connection connection, PGresult* answer) {
    const ExecStatusType status = PQresultStatus(answer);
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(connection));
    }
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return DatabaseError();
    return ReadRows(answer);
  }

  const std::string url_;
  std::mutex mutex_;
  std::vector<Connection> idle_;
};

}  // namespace

bool IsPostgresqlUrl(std::string_view text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

Result<std::unique_ptr<Database>> OpenPostgresql(const std::string& url) {
  Connection first = Connect(url);
  if (first == nullptr) {
    return base::MakeError(
        base::ErrorKind::kUnavailable, "accounts-open",
        "the PostgreSQL server of the accounts database does not let us in or is not there");
  }
  return std::unique_ptr<Database>(std::make_unique<PostgresqlDatabase>(url, std::move(first)));
}

}  // namespace blindai::accounts
