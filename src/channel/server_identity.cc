#include "channel/server_identity.h"

#include <boost/json.hpp>
#include <utility>

#include "crypto/certificate_builder.h"
#include "encoding/hex.h"

namespace blindai::channel {
namespace {

namespace json = boost::json;

// Clocks of clients differ; the certificate is not what anybody trusts, so an hour of grace costs nothing.
constexpr std::chrono::hours kClockGrace{1};

std::string MakeKeyset(const crypto::Sha256Digest& key_sha256) {
  json::object keyset;
  keyset["version"] = 1;
  keyset["tls_spki_sha256"] = encoding::HexEncode(key_sha256.view());
  return json::serialize(keyset);
}

json::array ToArray(const std::vector<std::string>& words) {
  json::array array;
  for (const std::string& word : words) array.emplace_back(word);
  return array;
}

}  // namespace

std::string MakeManifest(const ManifestFacts& facts) {
  json::object limits;
  for (const auto& [name, value] : facts.limits) limits[name] = value;
  json::object manifest;
  manifest["version"] = facts.version;
  manifest["mode"] = facts.mode;
  manifest["platform"] = facts.platform;
  manifest["isolation"] = facts.isolation;
  manifest["precisions"] = ToArray(facts.precisions);
  manifest["limits"] = std::move(limits);
  manifest["compat"] = ToArray(facts.compat);
  json::array models;
  for (const auto& [id, sha256] : facts.models)
    models.push_back(json::object{{"id", id}, {"sha256", sha256}});
  manifest["models"] = std::move(models);
  manifest["storage"] = facts.storage;
  return json::serialize(manifest);
}

base::Result<ServerIdentity> ServerIdentity::Make(const IdentityOptions& options) {
  crypto::SigningKey key = crypto::SigningKey::GenerateP256();
  crypto::CertificateSpec spec;
  spec.common_name = "blindai";
  spec.dns_names = {"localhost"};
  spec.dns_names.insert(spec.dns_names.end(), options.dns_names.begin(), options.dns_names.end());
  spec.ip_addresses = {"127.0.0.1", "::1"};
  spec.ip_addresses.insert(spec.ip_addresses.end(), options.ip_addresses.begin(), options.ip_addresses.end());
  spec.not_before = options.now - kClockGrace;
  spec.not_after = options.now + options.lifetime;
  BLINDAI_TRY(crypto::Certificate certificate,
              crypto::MakeSelfSigned(spec, key).Within("server certificate"));
  std::string keyset = MakeKeyset(key.public_key().SpkiSha256());
  return ServerIdentity(std::move(key), std::move(certificate), std::move(keyset), options.manifest);
}

ServerIdentity::ServerIdentity(crypto::SigningKey key, crypto::Certificate certificate, std::string keyset,
                               std::string manifest)
    : key_(std::move(key)),
      certificate_(std::move(certificate)),
      key_sha256_(key_.public_key().SpkiSha256()),
      keyset_(std::move(keyset)),
      manifest_(std::move(manifest)) {}

}  // namespace blindai::channel
