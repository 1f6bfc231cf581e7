#include "channel/attested_client.h"

#include <boost/json.hpp>
#include <string>

#include "crypto/digest.h"
#include "encoding/hex.h"

namespace blindai::channel {
namespace {

namespace json = boost::json;
using verifier::FindingList;

std::string Hex(base::ByteView bytes) { return encoding::HexEncode(bytes); }

// A member of a small JSON object that must be text; empty when it is not there. The documents are covered by
// the evidence, but they are read before that is known, so nothing about them is taken for granted.
std::string TextMember(std::string_view document, std::string_view member) {
  boost::system::error_code error;
  const json::value value = json::parse(document, error);
  if (error || !value.is_object()) return "";
  const json::value* found = value.get_object().if_contains(member);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

// "0.5, 0.6": the old protocols that the manifest names.
std::string CompatOf(std::string_view manifest) {
  boost::system::error_code error;
  const json::value value = json::parse(manifest, error);
  if (error || !value.is_object()) return "";
  const json::value* found = value.get_object().if_contains("compat");
  if (found == nullptr || !found->is_array()) return "";
  std::string names;
  for (const json::value& name : found->get_array()) {
    if (name.is_string()) names += (names.empty() ? "" : ", ") + std::string(name.get_string());
  }
  return names;
}

// Who looks at a server is told that others may be reaching it in a weaker way. Only where the evidence covers the
// manifest.
void ClaimWeakerProtocols(std::string_view manifest, verifier::Verdict& verdict) {
  const std::string compat = CompatOf(manifest);
  if (compat.empty() || verdict.claims.empty() || verdict.Has("report-data-mismatch")) return;
  verdict.claims.emplace_back("weaker_protocols",
                              "BlindAI " + verifier::Printable(compat) +
                                  ": served to old clients, without freshness and without a binding to "
                                  "the connection");
}

// The components one by one. They only name the cause: the report data decides, and it is computed from the
// client's own values alone.
void CompareStatement(const AttestationAnswer& answer, const Binding& own, FindingList& findings) {
  const Statement& said = answer.statement;
  const auto compare = [&findings](std::string_view code, std::string_view check, base::ByteView seen,
                                   base::ByteView wanted, std::string_view hint) {
    findings.Check(code, check, base::ConstantTimeEqual(seen, wanted), Hex(seen), Hex(wanted), hint);
  };
  findings.Require({"nonce", "connection", "server key", "keyset", "manifest"});
  compare("nonce-mismatch", "nonce", said.nonce.view(), own.nonce.view(),
          "this is the answer to another question: a replay, or a cache in between");
  compare("connection-mismatch", "connection", said.exporter_sha256.view(),
          crypto::Sha256(own.exporter.view()).view(),
          "the evidence belongs to another TLS connection: something between you and the server ends TLS");
  compare("key-mismatch", "server key", said.server_key.view(), own.server_key.view(),
          "the key of this connection is not the key that the evidence covers");
  compare("keyset-mismatch", "keyset", said.keyset.view(), own.keyset.view(),
          "the list of keys was altered on its way");
  compare("manifest-mismatch", "manifest", said.manifest.view(), own.manifest.view(),
          "the description of the deployment was altered on its way");
}

// The documents must agree with what they describe.
void CheckDocuments(const AttestationAnswer& answer, const Binding& own, FindingList& findings) {
  findings.Require({"keyset content", "mode"});
  const std::string key = TextMember(answer.keyset, "tls_spki_sha256");
  findings.Check("keyset-mismatch", "keyset content", key == Hex(own.server_key.view()), key,
                 Hex(own.server_key.view()), "the list of keys does not name the key of this connection");
  const std::string wanted = answer.bundle.tee == evidence::TeeKind::kSimulated ? "simulation" : "hardware";
  const std::string mode = TextMember(answer.manifest, "mode");
  findings.Check("mode-mismatch", "mode", mode == wanted, mode, wanted,
                 "the server says one thing about itself and its evidence another");
}

}  // namespace

verifier::Verdict VerifyServer(const AttestationAnswer& answer, const ClientView& view,
                               const ClientDemand& demand) {
  const Binding own{view.nonce, view.exporter, crypto::Sha256(view.peer_spki_der),
                    crypto::Sha256(base::AsBytes(answer.keyset)),
                    crypto::Sha256(base::AsBytes(answer.manifest))};
  FindingList findings;
  CompareStatement(answer, own, findings);
  CheckDocuments(answer, own, findings);

  verifier::Question question;
  question.policy = demand.policy;
  question.report_data = own.ToReportData();
  question.allow_simulation = demand.allow_simulation;
  question.now = demand.now;
  verifier::Verdict verdict =
      verifier::JudgeBundle(answer.bundle, demand.anchors, question, std::move(findings));
  ClaimWeakerProtocols(answer.manifest, verdict);
  return verdict;
}

}  // namespace blindai::channel
