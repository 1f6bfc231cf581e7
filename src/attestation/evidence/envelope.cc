#include "attestation/evidence/envelope.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "attestation/evidence/azure_hcl_report.h"
#include "attestation/evidence/envelope_json.h"
#include "attestation/evidence/protobuf_fields.h"
#include "attestation/evidence/snp_report.h"
#include "attestation/evidence/tpm_quote.h"
#include "base/byte_reader.h"
#include "encoding/base64.h"
#include "encoding/der.h"
#include "encoding/hex.h"
#include "encoding/pem.h"

namespace blindai::evidence {
namespace {

using base::Bytes;
using base::ByteView;

// Hex of base64 of a certificate around a document: nobody needs more.
constexpr int kMaxDepth = 4;

base::Result<Envelope> OpenNested(ByteView bytes, int depth);

bool StartsWith(ByteView bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() && base::AsText(bytes.first(prefix.size())) == prefix;
}

Envelope Plain(TeeKind tee, ByteView bytes, std::string form) {
  return {{tee, base::CopyBytes(bytes), {}}, std::move(form)};
}

base::Result<Envelope> Named(base::Result<EvidenceBundle> bundle, std::string form) {
  if (!bundle.ok()) return std::move(bundle).error();
  return Envelope{std::move(bundle).value(), std::move(form)};
}

// The same envelope, with what was around it said first.
base::Result<Envelope> Inside(base::Result<Envelope> envelope, std::string_view wrapping) {
  if (!envelope.ok()) return std::move(envelope).error().Within(wrapping);
  envelope->form = std::string(wrapping) + ", " + envelope->form;
  return envelope;
}

// ---- Binary evidence ----

bool IsSimulated(ByteView bytes) { return StartsWith(bytes, "BLNDSIM"); }
base::Result<Envelope> OpenSimulated(ByteView bytes, int) {
  return Plain(TeeKind::kSimulated, bytes, "simulated evidence");
}

// u16 version 3 to 5, u16 attestation key type 2, u32 TEE type (a reserved zero in version 3).
bool IsDcapQuote(ByteView bytes) {
  return bytes.size() > 48 && bytes[0] >= 3 && bytes[0] <= 5 && bytes[1] == 0 && bytes[2] == 2 &&
         bytes[3] == 0;
}
base::Result<Envelope> OpenDcapQuote(ByteView bytes, int) {
  const bool tdx = bytes[4] == 0x81;
  return Plain(tdx ? TeeKind::kTdx : TeeKind::kSgx, bytes, tdx ? "TDX quote" : "SGX quote");
}

// u32 version 1, u32 type 2, u64 size, then a quote (Open Enclave's report).
constexpr std::string_view kOpenEnclaveHead("\1\0\0\0\2\0\0\0", 8);
bool IsOpenEnclaveReport(ByteView bytes) { return bytes.size() > 16 && StartsWith(bytes, kOpenEnclaveHead); }
base::Result<Envelope> OpenOpenEnclaveReport(ByteView bytes, int depth) {
  base::ByteReader reader(bytes.subspan(kOpenEnclaveHead.size()));
  BLINDAI_TRY(const std::uint64_t size, reader.U64("size"));
  BLINDAI_TRY(const ByteView quote, reader.Take("quote", size));
  return Inside(OpenNested(quote, depth + 1), "Open Enclave report");
}

// u32 version 2 to 5. A damaged or cut one is still meant to be one, and its parser says what is wrong.
bool IsSnpReport(ByteView bytes) {
  return bytes.size() > 64 && bytes.size() <= kSnpReportSize + 1 && bytes[0] >= 2 && bytes[0] <= 5 &&
         bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0;
}
base::Result<Envelope> OpenSnpReport(ByteView bytes, int) {
  return Plain(TeeKind::kSnp, bytes, "SNP report");
}

// MSG_REPORT_RSP of the firmware: u32 status 0, u32 size 1184, 24 reserved, the report.
constexpr std::string_view kSnpAnswerHead("\0\0\0\0\xa0\4\0\0", 8);
constexpr std::size_t kSnpAnswerHeader = 32;
bool IsSnpAnswer(ByteView bytes) {
  return bytes.size() >= kSnpAnswerHeader + kSnpReportSize && StartsWith(bytes, kSnpAnswerHead);
}
base::Result<Envelope> OpenSnpAnswer(ByteView bytes, int) {
  return Plain(TeeKind::kSnp, bytes.subspan(kSnpAnswerHeader, kSnpReportSize),
               "firmware's answer, SNP report");
}

// COSE_Sign1: an array of four, with or without its tag, the first a byte string with the algorithm.
bool IsNitroDocument(ByteView bytes) {
  return StartsWith(bytes, "\x84\x44\xa1\x01") || StartsWith(bytes, "\xd2\x84\x44");
}
base::Result<Envelope> OpenNitroDocument(ByteView bytes, int) {
  return Plain(TeeKind::kNitro, bytes, "Nitro document");
}

bool IsTpmContainer(ByteView bytes) { return StartsWith(bytes, "BTPM"); }
base::Result<Envelope> OpenTpmContainer(ByteView bytes, int) {
  return Plain(TeeKind::kTpm, bytes, "TPM quote");
}

constexpr std::string_view kTpmMagic = "\xff\x54\x43\x47";
bool IsBareTpmAttest(ByteView bytes) { return StartsWith(bytes, kTpmMagic); }
base::Result<Envelope> OpenBareTpmAttest(ByteView, int) {
  return base::Malformed("a bare TPMS_ATTEST: nothing here signs it", "no-signature");
}

// Azure's tools: u64 size, RSA signature, u64 size, TPMS_ATTEST, u64 count, PCRs of 32 bytes (bincode).
constexpr std::size_t kRsaSignature = 256;
bool IsAzureQuote(ByteView bytes) {
  return bytes.size() > 16 + kRsaSignature + kTpmMagic.size() &&
         StartsWith(bytes, std::string_view("\0\1\0\0\0\0\0\0", 8)) &&
         StartsWith(bytes.subspan(16 + kRsaSignature), kTpmMagic);
}
base::Result<Envelope> OpenAzureQuote(ByteView bytes, int) {
  base::ByteReader reader(bytes);
  BLINDAI_TRY(const std::uint64_t signature_size, reader.U64("signature size"));
  BLINDAI_TRY(const ByteView signature, reader.Take("signature", signature_size));
  BLINDAI_TRY(const std::uint64_t attest_size, reader.U64("TPMS_ATTEST size"));
  BLINDAI_TRY(const ByteView attest, reader.Take("TPMS_ATTEST", attest_size));
  BLINDAI_TRY(const std::uint64_t count, reader.U64("number of PCRs"));
  if (count > kTpmPcrCount) return base::Malformed("number of PCRs: more than 24");
  std::vector<TpmPcrValue> pcrs;
  for (std::uint8_t index = 0; index < count; ++index) {
    BLINDAI_TRY(const ByteView digest, reader.Take("PCR", 32));
    pcrs.push_back({TpmAlgorithm::kSha256, index, base::CopyBytes(digest)});
  }
  BLINDAI_RETURN_IF_ERROR(reader.End("Azure quote"));
  const Bytes container = SerializeTpmEvidence(attest, TpmSignatureFromRsa(signature), pcrs);
  return Plain(TeeKind::kTpm, container, "TPM quote of Azure's tools");
}

// Alone it is no more than the hardware report inside it: the key that it names has signed nothing here.
bool IsHclReport(ByteView bytes) { return StartsWith(bytes, "HCLA"); }
base::Result<Envelope> OpenHclReport(ByteView bytes, int) {
  BLINDAI_TRY(const HclReport report, ParseHclReport(bytes));
  if (report.hardware == HclHardware::kTdx) {
    return base::Malformed("Azure's HCL report over TDX: a TDREPORT that no quote vouches for", "no-quote");
  }
  return Plain(TeeKind::kSnp, report.hardware_report, "Azure HCL report, SNP report");
}

bool IsEventLog(ByteView bytes) {
  constexpr std::string_view kSpecId = "Spec ID Event0";
  constexpr std::size_t kHead = 32;  // PCR, type, SHA-1, size
  return bytes.size() > kHead + kSpecId.size() && StartsWith(bytes.subspan(kHead), kSpecId);
}
base::Result<Envelope> OpenEventLog(ByteView, int) {
  return base::Malformed("an event log: without a quote nothing vouches for it", "no-quote");
}

// ---- Certificates that carry evidence ----

// Open Enclave's extension, and an object identifier as the DER that stands before its value.
constexpr std::string_view kOpenEnclaveOid = "1.2.840.113556.10.1.1";
constexpr std::string_view kSubjectAltNameOid = "2.5.29.17";
constexpr std::uint8_t kDnsName = 0x82;     // [2] in GeneralName
constexpr std::uint8_t kExtensions = 0xa3;  // [3] in TBSCertificate

// The content of an extension of a certificate (RFC 5280 section 4.1), or nothing.
base::Result<std::optional<ByteView>> FindExtension(ByteView certificate, std::string_view oid) {
  encoding::DerReader outer(certificate);
  BLINDAI_TRY(encoding::DerReader whole, outer.Sequence("certificate"));
  BLINDAI_TRY(encoding::DerReader tbs, whole.Sequence("TBSCertificate"));
  while (!tbs.empty() && tbs.PeekTag() != kExtensions) {
    BLINDAI_TRY(const encoding::DerElement skipped, tbs.Next("TBSCertificate"));
    static_cast<void>(skipped);
  }
  if (tbs.empty()) return std::optional<ByteView>();
  BLINDAI_TRY(const ByteView tagged, tbs.Expect("extensions", kExtensions));
  encoding::DerReader list_reader(tagged);
  BLINDAI_TRY(encoding::DerReader list, list_reader.Sequence("extensions"));
  while (!list.empty()) {
    BLINDAI_TRY(encoding::DerReader extension, list.Sequence("extension"));
    BLINDAI_TRY(const std::string id, extension.Oid("extension id"));
    if (extension.PeekTag() == encoding::kDerBoolean) {
      BLINDAI_TRY(const bool critical, extension.Boolean("critical"));
      static_cast<void>(critical);
    }
    BLINDAI_TRY(const ByteView content, extension.OctetString("extension content"));
    if (id == oid) return std::optional<ByteView>(content);
  }
  return std::optional<ByteView>();
}

base::Result<Envelope> OpenCertificate(ByteView der, int depth) {
  BLINDAI_TRY(const auto report, FindExtension(der, kOpenEnclaveOid));
  if (report) return Inside(OpenNested(*report, depth + 1), "certificate");
  BLINDAI_TRY(const auto names, FindExtension(der, kSubjectAltNameOid));
  if (names) {
    encoding::DerReader outer(*names);
    BLINDAI_TRY(encoding::DerReader list, outer.Sequence("subjectAltName"));
    while (!list.empty()) {
      BLINDAI_TRY(const encoding::DerElement name, list.Next("name"));
      // The document is the first label of the name; the domain follows it.
      const std::string_view text = base::AsText(name.content);
      const auto document = encoding::HexDecode(text.substr(0, text.find('.')));
      if (name.tag != kDnsName || !document.ok() || !IsNitroDocument(*document)) continue;
      return Inside(OpenNested(*document, depth + 1), "certificate");
    }
  }
  return base::Malformed("certificate: it carries no evidence");
}

bool IsDerCertificate(ByteView bytes) { return StartsWith(bytes, "\x30\x82"); }
bool IsPem(ByteView bytes) { return StartsWith(bytes, "-----BEGIN CERTIFICATE-----"); }
base::Result<Envelope> OpenPem(ByteView bytes, int depth) {
  BLINDAI_TRY(const auto blocks, encoding::ParsePem(base::AsText(bytes)));
  return OpenCertificate(blocks.front().bytes, depth);
}

// ---- JSON and Protocol Buffers ----

bool IsJson(ByteView bytes) { return StartsWith(bytes, "{"); }
base::Result<Envelope> OpenJson(ByteView bytes, int) { return Named(OpenJsonEnvelope(bytes), "JSON"); }

// BlindAI 0.5: ResponseProof { 1: { 1: quote, 2: collateral, 3: certificate }, 2: payload, 3: signature }.
constexpr std::pair<std::uint32_t, std::string_view> kBlindaiCollateral[] = {
    {2, "crl-chain"}, {3, "root-crl"}, {4, "pck-crl"},    {5, "tcb-chain"},
    {6, "tcb-info"},  {7, "qe-chain"}, {8, "qe-identity"}};
constexpr std::uint32_t kBlindaiPckCertificate = 9;
constexpr std::uint32_t kBlindaiPckChain = 10;

void AddUnlessEmpty(EvidenceBundle& bundle, std::string_view name, ByteView bytes) {
  if (!bytes.empty()) bundle.endorsements.push_back({std::string(name), base::CopyBytes(bytes)});
}

base::Result<Envelope> OpenBlindaiProof(ByteView attestation, int) {
  BLINDAI_TRY(const ProtobufFields fields, ProtobufFields::Parse(attestation));
  EvidenceBundle bundle{TeeKind::kSgx, base::CopyBytes(fields.Bytes(1)), {}};
  BLINDAI_TRY(const ProtobufFields collateral, ProtobufFields::Parse(fields.Bytes(2)));
  for (const auto& [number, name] : kBlindaiCollateral)
    AddUnlessEmpty(bundle, name, collateral.Bytes(number));
  Bytes chain = base::CopyBytes(collateral.Bytes(kBlindaiPckCertificate));
  const ByteView issuers = collateral.Bytes(kBlindaiPckChain);
  chain.insert(chain.end(), issuers.begin(), issuers.end());
  AddUnlessEmpty(bundle, "pck-chain", chain);
  return Envelope{std::move(bundle), "BlindAI proof, SGX quote"};
}

// go-tpm-tools: { 1: AK, 2: [{ 1: TPMS_ATTEST, 2: TPMT_SIGNATURE, 3: { 1: hash, 2: [{ 1: index, 2: digest }]
// } }], 3: event log }, one quote for each bank. The SHA-1 one must not count, so the strongest bank is
// taken.
constexpr TpmAlgorithm kBanks[] = {TpmAlgorithm::kSha256, TpmAlgorithm::kSha384, TpmAlgorithm::kSha512,
                                   TpmAlgorithm::kSha1};

base::Result<Bytes> ReadGoTpmQuote(const ProtobufFields& quote, const ProtobufFields& bank) {
  std::vector<TpmPcrValue> pcrs;
  for (const ProtobufField& field : bank.all()) {
    if (field.number != 2) continue;
    BLINDAI_TRY(const ProtobufFields entry, ProtobufFields::Parse(field.bytes));
    if (entry.Varint(1) >= kTpmPcrCount) return base::Malformed("PCRs: a register above 23");
    pcrs.push_back({static_cast<TpmAlgorithm>(bank.Varint(1)), static_cast<std::uint8_t>(entry.Varint(1)),
                    base::CopyBytes(entry.Bytes(2))});
  }
  std::sort(pcrs.begin(), pcrs.end(),
            [](const auto& one, const auto& other) { return one.index < other.index; });
  return SerializeTpmEvidence(quote.Bytes(1), quote.Bytes(2), pcrs);
}

base::Result<Envelope> OpenGoTpmTools(const ProtobufFields& attestation) {
  for (const TpmAlgorithm wanted : kBanks) {
    for (const ProtobufField& field : attestation.all()) {
      if (field.number != 2) continue;
      BLINDAI_TRY(const ProtobufFields quote, ProtobufFields::Parse(field.bytes));
      BLINDAI_TRY(const ProtobufFields bank, ProtobufFields::Parse(quote.Bytes(3)));
      if (bank.Varint(1) != static_cast<std::uint64_t>(wanted)) continue;
      BLINDAI_TRY(Bytes container, ReadGoTpmQuote(quote, bank));
      EvidenceBundle bundle{TeeKind::kTpm, std::move(container), {}};
      AddUnlessEmpty(bundle, "ak", attestation.Bytes(1));
      AddUnlessEmpty(bundle, "event-log", attestation.Bytes(3));
      return Envelope{std::move(bundle), "go-tpm-tools attestation, TPM quote of the bank " +
                                             std::string(TpmAlgorithmName(wanted))};
    }
  }
  return base::Malformed("go-tpm-tools attestation: there is no quote", "no-quote");
}

// Both begin with a length-delimited field 1.
bool IsProtobuf(ByteView bytes) { return StartsWith(bytes, "\x0a"); }
base::Result<Envelope> OpenProtobuf(ByteView bytes, int depth) {
  BLINDAI_TRY(const ProtobufFields fields, ProtobufFields::Parse(bytes));
  const auto inner = ProtobufFields::Parse(fields.Bytes(1));
  if (inner.ok() && IsDcapQuote(inner->Bytes(1))) return OpenBlindaiProof(fields.Bytes(1), depth);
  if (IsDcapQuote(fields.Bytes(1))) return OpenBlindaiProof(bytes, depth);
  return OpenGoTpmTools(fields);
}

// ---- Text ----

std::string WithoutSpace(ByteView bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t') text += static_cast<char>(byte);
  }
  return text;
}

base::Result<Envelope> OpenText(ByteView bytes, int depth) {
  const std::string text = WithoutSpace(bytes);
  if (const auto hex = encoding::HexDecode(text); hex.ok() && !hex->empty()) {
    return Inside(OpenNested(*hex, depth + 1), "hex text");
  }
  if (const auto base64 = encoding::Base64Decode(text); base64.ok() && !base64->empty()) {
    return Inside(OpenNested(*base64, depth + 1), "base64 text");
  }
  return base::Malformed("this is no form of evidence that is known");
}

struct Form {
  bool (*matches)(ByteView bytes);
  base::Result<Envelope> (*open)(ByteView bytes, int depth);
};

constexpr Form kForms[] = {
    {IsSimulated, OpenSimulated},
    {IsDcapQuote, OpenDcapQuote},
    {IsOpenEnclaveReport, OpenOpenEnclaveReport},
    {IsSnpReport, OpenSnpReport},
    {IsSnpAnswer, OpenSnpAnswer},
    {IsNitroDocument, OpenNitroDocument},
    {IsTpmContainer, OpenTpmContainer},
    {IsBareTpmAttest, OpenBareTpmAttest},
    {IsAzureQuote, OpenAzureQuote},
    {IsHclReport, OpenHclReport},
    {IsEventLog, OpenEventLog},
    {IsPem, OpenPem},
    {IsDerCertificate, OpenCertificate},
    {IsJson, OpenJson},
    {IsProtobuf, OpenProtobuf},
};

base::Result<Envelope> OpenNested(ByteView bytes, int depth) {
  if (depth > kMaxDepth) return base::Malformed("wrapped more than four times");
  for (const Form& form : kForms) {
    if (form.matches(bytes)) return form.open(bytes, depth);
  }
  return OpenText(bytes, depth);
}

}  // namespace

base::Result<Envelope> OpenEnvelope(ByteView file) {
  if (file.size() > kMaxEnvelopeBytes) {
    return base::MakeError(base::ErrorKind::kTooLarge, "too-large",
                           "evidence file: seen " + std::to_string(file.size()) + " bytes, wanted at most " +
                               std::to_string(kMaxEnvelopeBytes));
  }
  // Editors and tools put spaces before text; no binary form begins with one of these.
  std::size_t spaces = 0;
  while (spaces < file.size() && (file[spaces] == ' ' || file[spaces] == '\n' || file[spaces] == '\r'))
    ++spaces;
  const ByteView trimmed = file.subspan(spaces);
  const bool text = IsJson(trimmed) || IsPem(trimmed);
  return OpenNested(text ? trimmed : file, 0).Within("evidence");
}

}  // namespace blindai::evidence
