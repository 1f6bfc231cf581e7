#include "service/accounts/audit_log.h"

#include <utility>

namespace blindai::accounts {
namespace {

constexpr std::string_view kSchema = R"(
CREATE TABLE IF NOT EXISTS audit (
  number {identity},
  time {number} NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL
);
)";

}  // namespace

base::Result<std::unique_ptr<AuditLog>> AuditLog::Open(std::shared_ptr<Database> database) {
  BLINDAI_RETURN_IF_ERROR(database->CreateTables(kSchema));
  return std::unique_ptr<AuditLog>(new AuditLog(std::move(database)));
}

base::Status AuditLog::Record(const AuditLine& line) {
  BLINDAI_RETURN_IF_ERROR(
      database_->Run("INSERT INTO audit (time, actor, action, subject) VALUES ($1, $2, $3, $4)",
                     {TimeValue(line.time), line.actor, line.action, line.subject}));
  return base::Ok();
}

base::Result<std::vector<AuditLine>> AuditLog::Last(std::size_t count) const {
  BLINDAI_TRY(const Rows rows,
              database_->Run("SELECT time, actor, action, subject FROM audit ORDER BY number DESC LIMIT $1",
                             {static_cast<std::int64_t>(count)}));
  std::vector<AuditLine> lines;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    lines.push_back({rows.Moment(i, 0), rows.Text(i, 1), rows.Text(i, 2), rows.Text(i, 3)});
  }
  return lines;
}

}  // namespace blindai::accounts
