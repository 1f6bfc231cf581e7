// The accounts database in PostgreSQL (through libpq), for directories that share one. Each call takes an idle
// connection or opens a new one, so there are as many as calls at the same time. A lost connection is given up; a
// statement that only reads is then tried once more on a new one, any other fails, since nobody knows whether it
// happened.
//
// https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "service/accounts/database.h"

namespace blindai::accounts {

// "postgresql://…" or "postgres://…", as libpq reads it; its password may also come from a password file. What the
// text does not say is 5 s to connect and 10 s for a statement. Connects once. Code: accounts-open.
base::Result<std::unique_ptr<Database>> OpenPostgresql(const std::string& url);

bool IsPostgresqlUrl(std::string_view text);

}  // namespace blindai::accounts
