// A real PostgreSQL server of the system's package, in a folder of its own and on a socket in it, as an unprivileged
// user; it ends with this object.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

namespace blindai::tests {

inline constexpr const char* kNoPostgres =
    "PostgreSQL's server is not installed here (package postgresql), or cannot be started";

class Postgres {
 public:
  // Nothing where it is not installed.
  static std::unique_ptr<Postgres> Start();
  ~Postgres();
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  // Makes an empty database and gives its URL.
  std::string NewDatabase();

 private:
  Postgres() = default;

  std::filesystem::path folder_;
  pid_t pid_ = 0;
  int log_ = -1;
  int databases_ = 0;
};

}  // namespace blindai::tests
