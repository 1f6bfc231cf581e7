#include "attestation/evidence/azure_bundle.h"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "encoding/base64.h"
#include "encoding/hex.h"

namespace blindai::evidence {
namespace {

namespace json = boost::json;
using base::Bytes;
using base::ByteView;
using base::Malformed;

constexpr std::size_t kMaxBundle = 256 * 1024;
constexpr std::size_t kMaxJsonDepth = 8;
constexpr std::size_t kPcrSize = 32;

enum class TextForm { kHex, kBase64Url };

std::string_view View(const json::string& text) { return {text.data(), text.size()}; }

base::Result<Bytes> BytesOfArray(const json::array& array) {
  Bytes bytes;
  bytes.reserve(array.size());
  for (const json::value& entry : array) {
    const auto* number = entry.if_int64();
    if (number == nullptr || *number < 0 || *number > 0xFF) return Malformed("numbers 0 to 255 are wanted");
    bytes.push_back(static_cast<std::uint8_t>(*number));
  }
  return bytes;
}

// Attesters pad base64url although RFC 7515 does not.
base::Result<Bytes> BytesOfBase64Url(std::string_view text) {
  while (text.ends_with('=') && text.size() % 4 != 1) text.remove_suffix(1);
  return encoding::Base64UrlDecode(text);
}

base::Result<Bytes> BytesOf(const json::value& value, TextForm form) {
  if (const json::array* array = value.if_array()) return BytesOfArray(*array);
  const json::string* text = value.if_string();
  if (text == nullptr) return Malformed("a string or an array of numbers is wanted");
  if (text->starts_with("-----BEGIN")) return base::CopyBytes(base::AsBytes(View(*text)));
  return form == TextForm::kHex ? encoding::HexDecode(View(*text)) : BytesOfBase64Url(View(*text));
}

base::Result<Bytes> Member(const json::object& object, std::string_view key, TextForm form) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return Malformed(fmt::format("{} is missing", key));
  return BytesOf(*value, form).Within(key);
}

base::Result<Bytes> OptionalMember(const json::object& object, std::string_view key, TextForm form) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return Bytes();
  return BytesOf(*value, form).Within(key);
}

base::Result<TpmEvidence> ReadQuote(const json::object& object) {
  BLINDAI_TRY(const Bytes attest, Member(object, "message", TextForm::kHex));
  BLINDAI_TRY(const Bytes signature, Member(object, "signature", TextForm::kHex));
  const json::value* values = object.if_contains("pcrs");
  if (values == nullptr || !values->is_array()) return Malformed("pcrs: an array is wanted");
  std::vector<Bytes> pcrs;
  for (const json::value& value : values->get_array()) {
    if (pcrs.size() == kTpmPcrCount) return Malformed("pcrs: more than 24 values");
    BLINDAI_TRY(pcrs.emplace_back(), BytesOf(value, TextForm::kHex).Within("pcrs"));
  }
  return TpmEvidenceFromAzureQuote(attest, signature, pcrs);
}

const json::object* ObjectMember(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

base::Result<AzureBundle> ReadBundle(ByteView text) {
  if (text.size() > kMaxBundle) {
    return Malformed(fmt::format("{} bytes seen, at most {} wanted", text.size(), kMaxBundle));
  }
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  const json::value parsed = json::parse(base::AsText(text), error, {}, options);
  if (error) return Malformed("not JSON");
  const json::object* root = parsed.if_object();
  if (root == nullptr) return Malformed("an object is wanted");

  AzureBundle bundle;
  const json::object* quote = ObjectMember(*root, "tpm_quote");
  if (quote == nullptr) quote = ObjectMember(*root, "quote");
  BLINDAI_TRY(bundle.tpm, ReadQuote(quote == nullptr ? *root : *quote).Within("quote"));
  if (quote == nullptr) return bundle;
  const std::string_view report = root->contains("hcl_report") ? "hcl_report" : "report";
  BLINDAI_TRY(bundle.hcl_report, Member(*root, report, TextForm::kBase64Url));
  BLINDAI_TRY(bundle.vcek, OptionalMember(*root, "vcek", TextForm::kBase64Url));
  BLINDAI_TRY(bundle.td_quote, OptionalMember(*root, "td_quote", TextForm::kBase64Url));
  return bundle;
}

}  // namespace

base::Result<TpmEvidence> TpmEvidenceFromAzureQuote(ByteView attest, ByteView signature,
                                                    const std::vector<Bytes>& pcrs) {
  TpmEvidence evidence;
  BLINDAI_TRY(evidence.attest, ParseTpmAttest(attest));
  evidence.signature.scheme = TpmAlgorithm::kRsaSsa;
  evidence.signature.hash = TpmAlgorithm::kSha256;
  evidence.signature.rsa = base::CopyBytes(signature);
  if (pcrs.size() > kTpmPcrCount) return Malformed("pcrs: more than 24 values");
  for (std::size_t i = 0; i < pcrs.size(); ++i) {
    if (pcrs[i].size() != kPcrSize) {
      return Malformed(fmt::format("pcrs: value {} has {} bytes, {} wanted", i, pcrs[i].size(), kPcrSize));
    }
    evidence.pcrs.push_back({TpmAlgorithm::kSha256, static_cast<std::uint8_t>(i), pcrs[i]});
  }
  return evidence;
}

base::Result<AzureBundle> ParseAzureBundle(ByteView text) {
  return ReadBundle(text).Within("Azure evidence");
}

}  // namespace blindai::evidence
