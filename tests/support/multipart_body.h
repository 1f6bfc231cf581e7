// multipart/form-data bodies for tests of endpoints.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "protocols/wire/multipart.h"

namespace blindai::tests {

inline constexpr const char* kMultipartHeader = "\r\nContent-Type: multipart/form-data; boundary=XX";

struct FormPart {
  std::string name;
  std::string_view content;
  std::string file_name = "";
};

inline base::Bytes MultipartBody(const std::vector<FormPart>& parts) {
  std::string body;
  for (const FormPart& part : parts) {
    body += wire::EncodePartHead("XX", {part.name, part.file_name, ""});
    body += part.content;
    body += "\r\n";
  }
  return base::CopyBytes(base::AsBytes(body + wire::EncodeMultipartEnd("XX")));
}

}  // namespace blindai::tests
