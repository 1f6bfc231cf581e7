#include "server_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "net/http_client.h"
#include "support/paths.h"

namespace blindai::tests {
namespace {

std::uint16_t PortAfter(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return 0;
  const std::size_t colon = line.find(':', at);
  return static_cast<std::uint16_t>(std::strtoul(std::string(line.substr(colon + 1)).c_str(), nullptr, 10));
}

}  // namespace

base::Result<std::unique_ptr<ServerProgram>> ServerProgram::Start(const std::string& toml) {
  std::unique_ptr<ServerProgram> server(new ServerProgram);
  std::string pattern = (std::filesystem::temp_directory_path() / "blindai-system-XXXXXX").string();
  server->folder_ = mkdtemp(pattern.data());
  const std::string config = server->folder_ + "/server.toml";
  std::ofstream(config) << toml << "\n[listen]\nhttps = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n";

  // Results and complaints come through one pipe; it ends when the program does.
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return base::Malformed("no pipe");
  const std::string program = ProgramsDir() / "blindai-server";
  server->pid_ = fork();
  if (server->pid_ == 0) {
    dup2(pipe_ends[1], STDOUT_FILENO);
    dup2(pipe_ends[1], STDERR_FILENO);
    execl(program.c_str(), "blindai-server", "--config", config.c_str(), nullptr);
    _exit(127);
  }
  close(pipe_ends[1]);
  std::string output;
  char byte = 0;
  while (output.find("blindai-server ready") == std::string::npos || output.back() != '\n') {
    if (read(pipe_ends[0], &byte, 1) != 1) break;
    output += byte;
  }
  // The pipe stays open, so that later log lines have somewhere to go.
  server->port_ = PortAfter(output, "https=");
  server->admin_port_ = PortAfter(output, "admin=");
  if (server->port_ == 0) {
    close(pipe_ends[0]);
    return base::Malformed(output, "server-start");
  }
  return server;
}

void ServerProgram::Kill() {
  kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = 0;
}

ServerProgram::~ServerProgram() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    int status = 0;
    waitpid(pid_, &status, 0);
  }
  std::filesystem::remove_all(folder_);
}

double ServerProgram::Metric(const std::string& name) const {
  net::ConnectOptions options;
  options.host = "127.0.0.1";
  options.port = admin_port_;
  const auto connection = net::BlockingHttpConnection::Connect(options);
  if (!connection.ok()) return -1;
  net::HttpRequest request;
  request.target = "/metrics";
  const auto response = (*connection)->Send(request);
  if (!response.ok()) return -1;
  const std::string text(base::AsText(response->body));
  const std::size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + name.size() + 2, nullptr);
}

}  // namespace blindai::tests
