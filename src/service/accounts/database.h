// Where accounts, session keys, servers and the audit log are kept: an SQLite file for one directory, PostgreSQL when
// several share one (service/accounts/postgresql). The difference ends here. The statements are the same text for both:
// parameters are $1, $2, … and are bound, never pasted in.
//
// Who reads the database, or a copy of it, can use nothing of it: of API keys it holds the hash, of session keys a
// sealed form. Who writes to it can add API keys, as the operator can.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace blindai::accounts {

// NULL, a whole number, text or bytes.
using Value = std::variant<std::monostate, std::int64_t, std::string, base::Bytes>;

inline Value TimeValue(base::Time time) { return std::int64_t{time.time_since_epoch().count()}; }

// What a statement gave. Reading a column as something that it is not gives the empty value of that type.
class Rows {
 public:
  Rows(std::vector<std::vector<Value>> rows, std::uint64_t changed)
      : rows_(std::move(rows)), changed_(changed) {}

  std::size_t size() const { return rows_.size(); }
  // Of an INSERT, UPDATE or DELETE: how many rows it changed.
  std::uint64_t changed() const { return changed_; }

  bool IsNull(std::size_t row, std::size_t column) const;
  std::int64_t Number(std::size_t row, std::size_t column) const { return Get<std::int64_t>(row, column); }
  const std::string& Text(std::size_t row, std::size_t column) const { return Get<std::string>(row, column); }
  const base::Bytes& Blob(std::size_t row, std::size_t column) const { return Get<base::Bytes>(row, column); }
  base::Time Moment(std::size_t row, std::size_t column) const;

 private:
  template <typename T>
  const T& Get(std::size_t row, std::size_t column) const {
    static const T kNothing{};
    const T* const value = std::get_if<T>(&rows_.at(row).at(column));
    return value == nullptr ? kNothing : *value;
  }
  std::vector<std::vector<Value>> rows_;
  std::uint64_t changed_;
};

// Any thread may call; a call blocks until the database answered.
class Database {
 public:
  virtual ~Database() = default;

  // One statement, which happens as a whole or not at all. Code: accounts (kUnavailable).
  virtual base::Result<Rows> Run(std::string_view sql, std::span<const Value> values) = 0;
  base::Result<Rows> Run(std::string_view sql, std::initializer_list<Value> values = {}) {
    return Run(sql, std::span<const Value>(values.begin(), values.size()));
  }
  // Several statements separated by semicolons, CREATE … IF NOT EXISTS only; several directories may do so at once.
  // {number}, {bytes} and {identity} (a primary key that counts by itself) become the database's own words. Code:
  // accounts-open.
  virtual base::Status CreateTables(std::string_view sql) = 0;
};

// The error of a database that failed; its own words are for nobody.
base::Error DatabaseError();
// `text` with each {word} replaced.
std::string WithTypes(std::string_view text, std::string_view number, std::string_view bytes,
                      std::string_view identity);

// A file that only its owner may read, or ":memory:". Code: accounts-open (it cannot be opened or is no database).
base::Result<std::unique_ptr<Database>> OpenSqlite(const std::string& path);

}  // namespace blindai::accounts
