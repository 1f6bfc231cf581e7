// A real blindai-directory process on free ports of loopback, and its clients over HTTPS.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/http_message.h"
#include "running_program.h"

namespace blindai::tests {

struct DirectoryAnswer {
  int status = 0;
  net::HeaderList headers;
  boost::json::object body;

  // "200", or "401 bad-credentials".
  std::string Said() const;
};

// One request on a connection of its own to the HTTPS port of a directory or of a proxy before some; the certificate
// of the server must be `certificate_pem`. Status 0: nobody answered.
DirectoryAnswer AskDirectory(std::uint16_t port, const std::string& certificate_pem,
                             const std::string& method, const std::string& target, const std::string& key,
                             const std::string& body = "");

// A certificate for localhost with its key, in files, as an operator gives them to each directory.
class OperatorCertificate {
 public:
  explicit OperatorCertificate(const std::filesystem::path& folder);
  const std::string& pem() const { return pem_; }
  // Lines of the configuration.
  const std::string& toml() const { return toml_; }

 private:
  std::string pem_;
  std::string toml_;
};

class DirectoryProgram {
 public:
  // `toml` is the configuration without [listen]; the file is made in `folder`.
  static base::Result<std::unique_ptr<DirectoryProgram>> Start(const std::filesystem::path& folder,
                                                               const std::string& toml);
  // Makes an API key with the program's own command.
  static std::string MakeKey(const std::string& database, const std::string& tenant,
                             const std::string& scopes);

  std::uint16_t port() const { return program_->Port("https"); }
  std::uint16_t admin_port() const { return program_->Port("admin"); }
  std::uint16_t v05_port() const { return program_->Port("v05"); }
  // Of a path of the admin port.
  net::HttpResponse Admin(const std::string& path) const;
  RunningProgram& program() { return *program_; }

 private:
  DirectoryProgram() = default;

  std::unique_ptr<RunningProgram> program_;
};

}  // namespace blindai::tests
