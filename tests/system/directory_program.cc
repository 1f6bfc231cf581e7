#include "directory_program.h"

#include <fstream>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "crypto/certificate_builder.h"
#include "net/http_client.h"
#include "support/paths.h"

namespace blindai::tests {
namespace {

namespace json = boost::json;

std::filesystem::path Program() { return ProgramsDir() / "blindai-directory"; }

}  // namespace

std::string DirectoryAnswer::Said() const {
  const json::value* const error = body.if_contains("error");
  if (error == nullptr) return std::to_string(status);
  return std::to_string(status) + " " + std::string(error->at("code").as_string());
}

DirectoryAnswer AskDirectory(std::uint16_t port, const std::string& certificate_pem,
                             const std::string& method, const std::string& target, const std::string& key,
                             const std::string& body) {
  net::ConnectOptions to;
  to.host = "localhost";
  to.port = port;
  to.tls = net::TlsClientContext::ForHttps(certificate_pem).value();
  const auto connection = net::BlockingHttpConnection::Connect(to);
  if (!connection.ok()) return {};
  net::HttpRequest request;
  request.method = method;
  request.target = target;
  if (!key.empty()) request.headers.Add("Authorization", "Bearer " + key);
  request.body = base::CopyBytes(base::AsBytes(body));
  const auto response = (*connection)->Send(request);
  if (!response.ok()) return {};
  const json::value value = json::parse(base::AsText(response->body));
  return {response->status, response->headers, value.as_object()};
}

OperatorCertificate::OperatorCertificate(const std::filesystem::path& folder) {
  crypto::CertificateSpec spec;
  spec.common_name = "cloud";
  spec.dns_names = {"localhost"};
  spec.not_before = base::Now() - std::chrono::hours(1);
  spec.not_after = base::Now() + std::chrono::hours(24);
  const crypto::SigningKey key = crypto::SigningKey::GenerateP256();
  pem_ = crypto::MakeSelfSigned(spec, key)->ToPem();
  const std::string certificate_file = folder / "cloud.pem";
  const std::string key_file = folder / "cloud.key";
  std::ofstream(certificate_file) << pem_;
  std::ofstream(key_file) << base::AsText(key.ToPem().ExposeSecret());
  toml_ = "[tls]\ncertificate_file = \"" + certificate_file + "\"\nkey_file = \"" + key_file + "\"\n";
}

base::Result<std::unique_ptr<DirectoryProgram>> DirectoryProgram::Start(const std::filesystem::path& folder,
                                                                        const std::string& toml) {
  const std::string config = folder / "directory.toml";
  std::ofstream(config)
      << toml << "[listen]\nhttps = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nv05 = \"127.0.0.1:0\"\n";
  std::unique_ptr<DirectoryProgram> directory(new DirectoryProgram);
  BLINDAI_TRY(directory->program_, RunningProgram::Start({.program = Program(),
                                                          .arguments = {"--config", config},
                                                          .ready = "blindai-directory ready"}));
  return directory;
}

std::string DirectoryProgram::MakeKey(const std::string& database, const std::string& tenant,
                                      const std::string& scopes) {
  const EndedProgram made =
      RunToEnd(Program(), {"keys", "create", "--database", database, "--tenant", tenant, "--scopes", scopes});
  const std::size_t at = made.output.find("bai_");
  BLINDAI_CHECK(made.status == 0 && at != std::string::npos);
  return made.output.substr(at, made.output.find_first_of(" \n", at) - at);
}

net::HttpResponse DirectoryProgram::Admin(const std::string& path) const {
  net::ConnectOptions to;
  to.host = "127.0.0.1";
  to.port = admin_port();
  const auto connection = net::BlockingHttpConnection::Connect(to).value();
  net::HttpRequest request;
  request.target = path;
  return connection->Send(request).value();
}

}  // namespace blindai::tests
