#include "service/accounts/database.h"

#include <utility>

namespace blindai::accounts {

bool Rows::IsNull(std::size_t row, std::size_t column) const {
  return std::holds_alternative<std::monostate>(rows_.at(row).at(column));
}

base::Time Rows::Moment(std::size_t row, std::size_t column) const {
  return base::Time(std::chrono::seconds(Number(row, column)));
}

base::Error DatabaseError() {
  return base::MakeError(base::ErrorKind::kUnavailable, "accounts",
                         "the accounts database does not answer; the server's operator must look at it");
}

std::string WithTypes(std::string_view text, std::string_view number, std::string_view bytes,
                      std::string_view identity) {
  std::string out(text);
  for (const auto& [word, type] :
       {std::pair{"{number}", number}, std::pair{"{bytes}", bytes}, std::pair{"{identity}", identity}}) {
    const std::string_view name(word);
    for (std::size_t at = out.find(name); at != std::string::npos; at = out.find(name, at + type.size())) {
      out.replace(at, name.size(), type);
    }
  }
  return out;
}

}  // namespace blindai::accounts
