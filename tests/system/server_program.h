// A real blindai-server process on free ports of loopback, ended by its process id.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace blindai::tests {

class ServerProgram {
 public:
  // Starts it with this configuration (TOML without [listen]) and waits for its ready line. The error is what it wrote.
  static base::Result<std::unique_ptr<ServerProgram>> Start(const std::string& toml);
  ~ServerProgram();
  ServerProgram(const ServerProgram&) = delete;
  ServerProgram& operator=(const ServerProgram&) = delete;

  // SIGKILL, as a crash; the port answers no more.
  void Kill();
  std::uint16_t port() const { return port_; }
  // One number of GET /metrics on the admin port.
  double Metric(const std::string& name) const;

 private:
  ServerProgram() = default;

  std::string folder_;
  pid_t pid_ = 0;
  std::uint16_t port_ = 0;
  std::uint16_t admin_port_ = 0;
};

}  // namespace blindai::tests
