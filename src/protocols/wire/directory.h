// The directory's JSON: an API key becomes a session (POST /v1/session), and a server reports where it is, what it
// serves and how long its queue is (POST /v1/servers, repeated every few seconds). docs/directory.md describes every
// field. Pure, both directions; unknown fields are ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::wire {

// What one message may be long.
inline constexpr std::size_t kMaxDirectoryJsonBytes = std::size_t{2} << 20;
inline constexpr std::size_t kMaxReportedModels = 16'384;

// "host:port" or "[v6 address]:port", at most 255 characters, port from 1.
bool IsServerAddress(std::string_view text);

struct SessionRequest {
  // The model that the client wants to run: servers that have it come alone. Nothing: every server.
  std::optional<std::string> model;
};

struct PlacedServer {
  std::string address;
  std::uint64_t backlog_ms = 0;  // predicted wait
  friend bool operator==(const PlacedServer&, const PlacedServer&) = default;
};

struct SessionAnswer {
  std::string token;            // a bearer token for every server
  std::int64_t expires_at = 0;  // seconds since the epoch
  // Best first, at least one. The client verifies the one that it chooses, as always.
  std::vector<PlacedServer> servers;
  // The directory accepts simulated servers.
  bool simulation = false;
  friend bool operator==(const SessionAnswer&, const SessionAnswer&) = default;
};

// The ports of BlindAI 0.5, where the server has them open.
struct V05Ports {
  std::uint16_t attested = 0;
  std::uint16_t untrusted = 0;
  friend bool operator==(const V05Ports&, const V05Ports&) = default;
};

struct ServerReport {
  std::string address;
  // SHA-256, 64 lower-case hex digits, of "tenant/id" for each model, and of the bare id of those that others may run:
  // the directory can look a name up and learns none.
  std::vector<std::string> models;
  std::uint64_t backlog_ms = 0;
  std::optional<V05Ports> v05;
  friend bool operator==(const ServerReport&, const ServerReport&) = default;
};

struct ServerReportAnswer {
  std::string state;   // "pending" (not verified yet), "listed", "refused"
  std::string reason;  // the code of the finding or error, where it is refused
  std::string issuer;  // of session tokens
  std::string jwks;    // the JSON text of the keys that verify them
  friend bool operator==(const ServerReportAnswer&, const ServerReportAnswer&) = default;
};

// Code of all decoders: directory-message, with the field as param.
std::string EncodeSessionRequest(const SessionRequest& request);
base::Result<SessionRequest> DecodeSessionRequest(
    base::ByteView body);  // an empty body asks for nothing special
std::string EncodeSessionAnswer(const SessionAnswer& answer);
base::Result<SessionAnswer> DecodeSessionAnswer(base::ByteView body);
std::string EncodeServerReport(const ServerReport& report);
base::Result<ServerReport> DecodeServerReport(base::ByteView body);
std::string EncodeServerReportAnswer(const ServerReportAnswer& answer);
base::Result<ServerReportAnswer> DecodeServerReportAnswer(base::ByteView body);

}  // namespace blindai::wire
