#include "base/result.h"

namespace blindai::base {

Error Error::Within(std::string_view place) && {
  std::string located(place);
  located += ": ";
  located += message;
  message = std::move(located);
  return std::move(*this);
}

Error Malformed(std::string message, std::string code) {
  return Error{ErrorKind::kInvalid, std::move(code), std::move(message), ""};
}

Error MakeError(ErrorKind kind, std::string code, std::string message, std::string param) {
  return Error{kind, std::move(code), std::move(message), std::move(param)};
}

}  // namespace blindai::base
