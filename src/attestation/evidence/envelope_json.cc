#include "attestation/evidence/envelope_json.h"

#include <boost/json.hpp>
#include <string>

#include "attestation/evidence/azure_bundle.h"
#include "base/byte_writer.h"
#include "encoding/base64.h"
#include "encoding/hex.h"
#include "encoding/json.h"

namespace blindai::evidence {
namespace {

namespace json = boost::json;

constexpr encoding::JsonLimits kLimits{std::size_t{8} << 20, 16};
constexpr std::uint8_t kTpmRegisters = 24;

base::Result<base::Bytes> Base64Member(const json::object& object, std::string_view member) {
  BLINDAI_TRY(const std::string text, encoding::JsonString(object, member));
  return encoding::Base64Decode(text).Within(member);
}

// blindai's own answer, as `GET /v1/attestation` sent it.
base::Result<EvidenceBundle> OpenAnswer(const json::object& object) {
  EvidenceBundle bundle;
  BLINDAI_TRY(const std::string tee, encoding::JsonString(object, "tee"));
  const auto kind = TeeFromName(tee);
  if (!kind) return base::Malformed("tee: not a kind of evidence that is known");
  bundle.tee = *kind;
  BLINDAI_TRY(bundle.evidence, Base64Member(object, "evidence"));
  const json::value* endorsements = encoding::JsonFind(object, "endorsements");
  if (endorsements == nullptr) return bundle;
  if (!endorsements->is_object()) return encoding::JsonFieldError("endorsements", "an object");
  for (const auto& entry : endorsements->get_object()) {
    BLINDAI_TRY(base::Bytes bytes, Base64Member(endorsements->get_object(), entry.key()));
    bundle.endorsements.push_back({std::string(entry.key()), std::move(bytes)});
  }
  return bundle;
}

// {"quote": hex or base64 of an SGX or TDX quote, …}: dstack and others.
base::Result<EvidenceBundle> OpenQuoteText(const std::string& text) {
  auto bytes = encoding::HexDecode(text);
  if (!bytes.ok()) bytes = encoding::Base64Decode(text);
  if (!bytes.ok()) return base::Malformed("quote: neither hex nor base64 text");
  // Version 3 has zeros where later versions name the TEE; 0x81 is TDX.
  const bool tdx = bytes->size() > 4 && (*bytes)[4] == 0x81;
  return EvidenceBundle{tdx ? TeeKind::kTdx : TeeKind::kSgx, std::move(*bytes), {}};
}

void AddUnlessEmpty(EvidenceBundle& bundle, std::string_view name, base::Bytes bytes) {
  if (!bytes.empty()) bundle.endorsements.push_back({std::string(name), std::move(bytes)});
}

base::Result<EvidenceBundle> OpenAzure(base::ByteView text) {
  BLINDAI_TRY(AzureBundle azure, ParseAzureBundle(text));
  EvidenceBundle bundle{TeeKind::kTpm, ToTpmContainer(azure.tpm), {}};
  AddUnlessEmpty(bundle, "hardware-report", std::move(azure.hcl_report));
  AddUnlessEmpty(bundle, "leaf", std::move(azure.vcek));
  AddUnlessEmpty(bundle, "td-quote", std::move(azure.td_quote));
  return bundle;
}

// trustee: {"ak_public": SPKI, "tpm_quote": {"message", "signature", "pcrs": [hex]}}.
base::Result<EvidenceBundle> OpenTrusteeTpm(const json::object& object) {
  BLINDAI_TRY(const json::object* quote, encoding::JsonObject(object, "tpm_quote"));
  BLINDAI_TRY(const base::Bytes message, Base64Member(*quote, "message"));
  BLINDAI_TRY(const base::Bytes signature, Base64Member(*quote, "signature"));
  BLINDAI_TRY(const json::array* values, encoding::JsonArray(*quote, "pcrs"));
  if (values->size() > kTpmRegisters) return base::Malformed("pcrs: more than 24");
  std::vector<TpmPcrValue> pcrs;
  for (const json::value& value : *values) {
    if (!value.is_string()) return encoding::JsonFieldError("pcrs", "a list of hex texts");
    BLINDAI_TRY(base::Bytes digest, encoding::HexDecode(value.get_string()).Within("pcrs"));
    pcrs.push_back({TpmAlgorithm::kSha256, static_cast<std::uint8_t>(pcrs.size()), std::move(digest)});
  }
  EvidenceBundle bundle{TeeKind::kTpm, SerializeTpmEvidence(message, signature, pcrs), {}};
  BLINDAI_TRY(base::Bytes ak, Base64Member(object, "ak_public"));
  AddUnlessEmpty(bundle, "ak", std::move(ak));
  return bundle;
}

// go-attestation: {"AK": {"Public"}, "Quote": {"Quote", "Signature"}, "Log": {"PCRs", "Raw"}}, SHA-1.
base::Result<EvidenceBundle> OpenGoAttestation(const json::object& object) {
  BLINDAI_TRY(const json::object* quote, encoding::JsonObject(object, "Quote"));
  BLINDAI_TRY(const base::Bytes message, Base64Member(*quote, "Quote"));
  BLINDAI_TRY(const base::Bytes signature, Base64Member(*quote, "Signature"));
  BLINDAI_TRY(const json::object* log, encoding::JsonObject(object, "Log"));
  BLINDAI_TRY(const json::array* values, encoding::JsonArray(*log, "PCRs"));
  if (values->size() > kTpmRegisters) return base::Malformed("PCRs: more than 24");
  std::vector<TpmPcrValue> pcrs;
  for (const json::value& value : *values) {
    if (!value.is_object()) return encoding::JsonFieldError("PCRs", "a list of objects");
    BLINDAI_TRY(const std::uint64_t index, encoding::JsonUnsigned(value.get_object(), "Index"));
    BLINDAI_TRY(base::Bytes digest, Base64Member(value.get_object(), "Digest"));
    if (index >= kTpmRegisters) return base::Malformed("PCRs: a register above 23");
    pcrs.push_back({TpmAlgorithm::kSha1, static_cast<std::uint8_t>(index), std::move(digest)});
  }
  EvidenceBundle bundle{TeeKind::kTpm, SerializeTpmEvidence(message, signature, pcrs), {}};
  BLINDAI_TRY(const json::object* key, encoding::JsonObject(object, "AK"));
  BLINDAI_TRY(base::Bytes ak, Base64Member(*key, "Public"));
  AddUnlessEmpty(bundle, "ak", std::move(ak));
  BLINDAI_TRY(base::Bytes raw, Base64Member(*log, "Raw"));
  AddUnlessEmpty(bundle, "event-log", std::move(raw));
  return bundle;
}

}  // namespace

base::Bytes TpmSignatureFromRsa(base::ByteView signature) {
  base::ByteWriter writer;
  writer.U16Big(static_cast<std::uint16_t>(TpmAlgorithm::kRsaSsa));
  writer.U16Big(static_cast<std::uint16_t>(TpmAlgorithm::kSha256));
  writer.U16Big(static_cast<std::uint16_t>(signature.size())).Append(signature);
  return std::move(writer).Take();
}

base::Bytes ToTpmContainer(const TpmEvidence& evidence) {
  const base::Bytes signature =
      evidence.signature.raw.empty() ? TpmSignatureFromRsa(evidence.signature.rsa) : evidence.signature.raw;
  return SerializeTpmEvidence(evidence.attest.raw, signature, evidence.pcrs);
}

base::Result<EvidenceBundle> OpenJsonEnvelope(base::ByteView text) {
  BLINDAI_TRY(const json::object object, encoding::ParseJsonObject(base::AsText(text), kLimits));
  if (object.contains("tee") && object.contains("evidence"))
    return OpenAnswer(object).Within("attestation answer");
  if (object.contains("ak_public")) return OpenTrusteeTpm(object).Within("TPM evidence of trustee");
  if (object.contains("AK") && object.contains("Quote"))
    return OpenGoAttestation(object).Within("go-attestation");
  const json::value* quote = encoding::JsonFind(object, "quote");
  if (quote != nullptr && quote->is_string()) return OpenQuoteText(std::string(quote->get_string()));
  return OpenAzure(text).Within("Azure bundle");
}

}  // namespace blindai::evidence
