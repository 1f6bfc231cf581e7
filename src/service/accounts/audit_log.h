// Who changed what: one line for each management action, in the database, never with a secret. A line is written
// before its action and the action is not done when that fails, so nothing is done without a line; a line may stand for
// an action that then failed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/database.h"

namespace blindai::accounts {

struct AuditLine {
  base::Time time;
  std::string actor;    // "key 1a2b3c4d of clinic", "operator", "directory"
  std::string action;   // "key-create", "key-revoke", "server-register", "server-remove", "server-state"
  std::string subject;  // a key's id, a tenant, a server's address
  friend bool operator==(const AuditLine&, const AuditLine&) = default;
};

class AuditLog {
 public:
  static base::Result<std::unique_ptr<AuditLog>> Open(std::shared_ptr<Database> database);

  base::Status Record(const AuditLine& line);
  // The newest first.
  base::Result<std::vector<AuditLine>> Last(std::size_t count) const;

 private:
  explicit AuditLog(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  const std::shared_ptr<Database> database_;
};

}  // namespace blindai::accounts
