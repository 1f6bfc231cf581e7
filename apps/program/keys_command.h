// `blindai-server keys …` and `blindai-directory keys …`: makes, lists and revokes API keys in the database of
// accounts, while a server runs or not. What changes something leaves a line in the audit log.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "service/accounts/database.h"

namespace blindai::program {

// Opens what --database names.
using OpenDatabase = std::function<base::Result<std::unique_ptr<accounts::Database>>(const std::string&)>;

// Arguments from the word "keys" on; `program` is "blindai-server". Gives the exit code.
int RunKeysCommand(const std::string& program, const OpenDatabase& open, int argc, const char* const* argv);

}  // namespace blindai::program
