#include "attestation/verifier/offline.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "attestation/evidence/envelope.h"
#include "crypto/certificate.h"
#include "encoding/json.h"
#include "encoding/pem.h"

namespace blindai::verifier {
namespace {

constexpr std::size_t kMaxJsonFile = std::size_t{16} << 20;
constexpr std::size_t kMaxJsonDepth = 32;

// The caller's endorsements, then those of the envelope whose names are still free.
std::vector<evidence::NamedBytes> Merged(const std::vector<evidence::NamedBytes>& given,
                                         const std::vector<evidence::NamedBytes>& wrapped) {
  std::vector<evidence::NamedBytes> merged = given;
  for (const evidence::NamedBytes& entry : wrapped) {
    const bool taken = std::any_of(given.begin(), given.end(),
                                   [&entry](const auto& other) { return other.name == entry.name; });
    if (!taken) merged.push_back(entry);
  }
  return merged;
}

Verdict NoEvidence(const base::Error& error) {
  FindingList findings;
  constexpr std::string_view kHint =
      "docs/formats/evidence.md lists the forms that are read; --offset says where it starts";
  if (error.code == "no-quote" || error.code == "no-signature") {
    findings.CannotTell(error.code, "evidence", error.message, "something that hardware signed");
  } else {
    findings.Fail("malformed", "evidence", error.message, "evidence of a kind that is known", kHint);
  }
  return {findings.Conclude(), "hardware", std::nullopt, findings.findings(), {}};
}

}  // namespace

base::Result<Verdict> JudgeOffline(const OfflineQuestion& question) {
  if (question.offset > question.file.size()) {
    return base::MakeError(base::ErrorKind::kInvalid, "offset",
                           "the evidence file has " + std::to_string(question.file.size()) +
                               " bytes, so nothing starts at " + std::to_string(question.offset));
  }
  BLINDAI_TRY(const TrustAnchors anchors, TrustAnchors::ProductionAnd(question.roots));
  auto envelope = evidence::OpenEnvelope(base::ByteView(question.file).subspan(question.offset));
  if (!envelope.ok()) return NoEvidence(envelope.error());

  evidence::EvidenceBundle bundle = std::move(envelope->bundle);
  bundle.endorsements = Merged(question.endorsements, bundle.endorsements);
  FindingList findings;
  findings.Pass("form", envelope->form);
  return JudgeBundle(
      bundle, anchors,
      {question.policy, question.report_data, question.nonce, question.allow_simulation, question.at},
      std::move(findings));
}

base::Result<base::Bytes> MemberOfJsonFile(base::ByteView file, std::string_view field) {
  const encoding::JsonLimits limits{kMaxJsonFile, kMaxJsonDepth};
  BLINDAI_TRY(const boost::json::object object, encoding::ParseJsonObject(base::AsText(file), limits));
  const boost::json::value* value = encoding::JsonFind(object, field);
  if (value == nullptr) {
    return base::MakeError(base::ErrorKind::kInvalid, "missing-field",
                           "the JSON file has no member of this name; members are named exactly",
                           std::string(field));
  }
  if (!value->is_string()) {
    BLINDAI_TRY(const std::string_view text, encoding::JsonMemberText(base::AsText(file), field, limits));
    return base::CopyBytes(base::AsBytes(text));
  }
  const std::string text(value->get_string());
  const boost::json::value* signature = encoding::JsonFind(object, std::string(field) + "_signature");
  if (signature == nullptr || !signature->is_string()) return base::CopyBytes(base::AsBytes(text));
  // Intel's own wrapper: the signature is over the exact text of the inner object.
  const std::string_view inner = field.find("tcb") != std::string_view::npos ? "tcbInfo" : "enclaveIdentity";
  const std::string whole = "{\"" + std::string(inner) + "\":" + text + ",\"signature\":\"" +
                            std::string(signature->get_string()) + "\"}";
  return base::CopyBytes(base::AsBytes(whole));
}

}  // namespace blindai::verifier
