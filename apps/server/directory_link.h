// The server's connection to its directory: says every few seconds where this server is, which models it serves (by
// their SHA-256 only) and how long a new request would wait, and takes the keys of session tokens from the answer.
// It is the only connection that a server opens by itself, and only where [directory] is configured.
//
// The directory learns no names, no data and no results. It is believed about who may use the cloud, over TLS with
// a certificate of a known CA. While it cannot be reached the server goes on with the keys that it has.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/secret.h"
#include "net/http_client.h"
#include "protocols/wire/directory.h"
#include "server/server_config.h"
#include "server/session_keys.h"
#include "service/model_catalogue.h"

namespace blindai::server {

// What this server says about itself.
wire::ServerReport ReportOf(const service::ModelCatalogue& catalogue, std::string address,
                            std::optional<wire::V05Ports> v05);

class DirectoryLink {
 public:
  using MakeReport = std::function<wire::ServerReport()>;

  // Reports at once and then every directory.report_every_s, on a thread of its own. Codes: config-file, url,
  // config-value (a key is missing), tls-certificate.
  static base::Result<std::unique_ptr<DirectoryLink>> Start(const ServerConfig& config,
                                                            std::shared_ptr<SessionKeys> keys,
                                                            MakeReport report);
  // Ends within a tenth of a second.
  ~DirectoryLink();

 private:
  DirectoryLink(net::ConnectOptions to, std::string target, base::SecretBytes key, std::chrono::seconds every,
                std::shared_ptr<SessionKeys> keys, MakeReport report);
  void Run();
  base::Status ReportOnce();
  bool IsStopping();
  void Note(const std::string& state);

  const net::ConnectOptions to_;
  const std::string target_;
  const base::SecretBytes key_;
  const std::chrono::seconds every_;
  const std::shared_ptr<SessionKeys> keys_;
  const MakeReport report_;
  std::unique_ptr<net::BlockingHttpConnection> connection_;
  std::string state_;
  std::mutex mutex_;
  std::condition_variable stop_asked_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace blindai::server
